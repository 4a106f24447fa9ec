"""Program 1: loads the cluster into the snapshot store. The web workers import nothing of it."""

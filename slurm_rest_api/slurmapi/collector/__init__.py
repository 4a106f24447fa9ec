"""Program 1: loads the cluster into the snapshot store. Web workers never import it."""

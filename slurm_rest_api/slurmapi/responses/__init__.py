"""Program 2: turns a list query and the snapshot store into response bodies."""

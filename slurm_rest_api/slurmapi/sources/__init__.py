"""Where snapshots come from: adapters that turn a cluster into published records."""

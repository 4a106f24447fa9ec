"""Adapters that read a cluster and convert it to published records."""

"""Prometheus metrics of the service and of the cluster, read from the snapshot store."""

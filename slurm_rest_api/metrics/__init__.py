"""What Prometheus scrapes: figures of the service and of the cluster, from the snapshot store."""

"""`slurm-rest-api check`: reports if this host can run the service, and what to change if not."""

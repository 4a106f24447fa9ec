"""Live cluster state: slurmctld → collector → snapshot store → routes."""

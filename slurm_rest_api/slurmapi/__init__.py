"""Live cluster state: from slurmctld through the collector and the snapshot store to the routes."""

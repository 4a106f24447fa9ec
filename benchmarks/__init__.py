"""Measures the service and its peers (slurmrestd, Slurm's commands, the queries of 2018) in the same run."""

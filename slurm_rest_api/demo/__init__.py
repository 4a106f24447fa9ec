"""A cluster that does not exist: a deterministic simulation for those who have no Slurm at hand.

A guest: it imports the service, and of the service only two lines know it (in `slurmapi.sources.detect` and `cli`).
"""

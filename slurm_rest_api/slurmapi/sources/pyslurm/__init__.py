"""Adapter of pyslurm's object API."""

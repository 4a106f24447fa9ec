"""slurm-rest-api: a read-only HTTP/JSON API for Slurm clusters.

Nothing is imported here: the process that talks to Slurm must not load a web framework, nor the other way round.
"""

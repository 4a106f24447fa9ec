"""Installs the pyslurm that fits this host's Slurm. build.sh runs it with `python -m`."""

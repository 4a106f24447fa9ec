"""Installs the pyslurm that fits this host's Slurm; build.sh runs it with `python -m slurm_rest_api.pyslurm_build`."""

"""The command line `slurm-rest-api`."""

from slurm_rest_api.cli.commands import main

__all__ = ["main"]

"""`slurm-rest-api check`: tells in plain words whether this host can run the service."""

from slurm_rest_api.diagnosis.checks import check
from slurm_rest_api.diagnosis.finding import Finding, render

__all__ = ["Finding", "check", "render"]

"""`slurm-rest-api check`: reports if this host can run the service, and what to change if not."""

from slurm_rest_api.diagnosis.checks import check
from slurm_rest_api.diagnosis.finding import Finding, render

__all__ = ["Finding", "check", "render"]

"""Priorities of the simulated jobs: the sum of their factors, as priority/multifactor computes it."""

from __future__ import annotations

from typing import Final

from slurm_rest_api.demo.fair_share import FAIR_SHARE
from slurm_rest_api.demo.hardware import PARTITIONS
from slurm_rest_api.demo.jobs import Job
from slurm_rest_api.slurmapi.sources.base import Record

EVALUATION_SECONDS: Final = 300
"""Seconds between two computations of the priorities (PriorityCalcPeriod), and of the scheduler's evaluations."""
WEIGHTS: Final[Record] = {
    "age": 10_000, "fairshare": 50_000, "job_size": 0, "partition": 20_000, "qos": 10_000, "assoc": 0, "tres": None,
}  # fmt: skip
"""PriorityWeight* of the simulated cluster."""

_MAX_AGE_SECONDS: Final = 7 * 86400
_HIGHEST_TIER: Final = max(partition.tier for partition in PARTITIONS)
_OF_PARTITION: Final = {
    partition.name: WEIGHTS["partition"] * partition.tier // _HIGHEST_TIER for partition in PARTITIONS
}
_OF_QOS: Final = {"high": WEIGHTS["qos"], "normal": WEIGHTS["qos"] // 2, "interactive": WEIGHTS["qos"] // 2, "low": 0}
_OF_USER: Final = {name: round(WEIGHTS["fairshare"] * factor) for name, factor in FAIR_SHARE.items()}


def priority_of(job: Job, now: int) -> int:
    """Returns the priority of a job at epoch second `now`, 0 for a held job. It does not change after the start."""
    if job.held:
        return 0
    rest = _OF_USER[job.user.name] + _OF_PARTITION[job.partition] + _OF_QOS[job.qos] - job.nice
    # 0 is the priority of held jobs.
    priority: int = max(1, _age(job, now) + rest)
    return priority


def factors_of(job: Job, now: int) -> Record:
    """Returns the factors of a pending job that is eligible and not held, as sprio prints them."""
    return {
        "job_id": job.id, "partition": job.partition, "user": job.user.name, "account": job.user.account,
        "qos": job.qos, "priority": priority_of(job, now), "site": 0, "age": _age(job, now), "assoc": 0,
        "fair_share": _OF_USER[job.user.name], "job_size": 0, "partition_factor": _OF_PARTITION[job.partition],
        "qos_factor": _OF_QOS[job.qos], "nice": job.nice, "tres": None,
    }  # fmt: skip


def _age(job: Job, now: int) -> int:
    until = min(now, job.start or job.end) // EVALUATION_SECONDS * EVALUATION_SECONDS
    seconds = min(max(until - job.eligible, 0), _MAX_AGE_SECONDS)
    return int(WEIGHTS["age"]) * seconds // _MAX_AGE_SECONDS

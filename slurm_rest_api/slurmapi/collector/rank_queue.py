"""Finds the queue in which a pending job has a rank: its partition, or its reservation there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from slurm_rest_api.slurm.limit_reasons import LIMIT_REASONS

# job_independent() and _job_runnable_test1() of slurmctld: with these reasons a job is not in the scheduler's list.
_NOT_LISTED: Final = frozenset(
    (
        "BadConstraints",
        "BeginTime",
        "BurstBufferOperation",
        "Cleaning",
        "Dependency",
        "DependencyNeverSatisfied",
        "InvalidAccount",
        "InvalidQOS",
        "JobArrayTaskLimit",
        "JobHeldAdmin",
        "JobHeldUser",
        "JobHoldMaxRequeue",
        "ReservationDeleted",
        "ReservationInvalid",
    )
)
# job_test_resv_now(): until its reservation begins a job is not eligible, and not listed. After that it is, with the
# same reason if the nodes of the reservation are in use.
_RESERVATION: Final = "Reservation"
# job_limits_check(): with these it is not listed for its partition. A job in several may have another one.
_NOT_LISTED_IN_PARTITION: Final = frozenset(
    (
        "MaxMemPerLimit",
        "PartitionConfig",
        "PartitionDown",
        "PartitionInactive",
        "PartitionNodeLimit",
        "PartitionTimeLimit",
        "QOSUsageThreshold",
    )
)


def rank_columns(
    job: Mapping[str, Any], reason: str | None, tasks: int, gpus: int
) -> tuple[str | None, int | None, int | None, int | None, int | None]:
    """Returns the queue of a job that the scheduler considers, its order there, and what it adds to later ranks.

    These are CPUs, GPUs, and tasks that a limit of an association or a QOS keeps from starting. All are None for a job
    without a queue. `tasks` are its pending array tasks, `gpus` those of one task, `reason` has no details.
    """
    queue = rank_queue(job, reason)
    if queue is None:
        return None, None, None, None, None
    return (
        queue,
        -job["priority"],
        tasks * (job.get("num_cpus") or 0),
        tasks * gpus,
        tasks if reason in LIMIT_REASONS else 0,
    )


def rank_queue(job: Mapping[str, Any], reason: str | None) -> str | None:
    """Returns the queue of a job that the scheduler considers, None for all other jobs.

    `reason` is the reason without its details. A queue is the partition as the record has it, a newline, and the
    reservation: jobs in a reservation compete for its nodes only (sort_job_queue2() of job_scheduler.c sorts them
    apart).
    """
    partition = job.get("partition")
    if job.get("job_state") != "PENDING" or not job.get("priority") or not partition or reason in _NOT_LISTED:
        return None
    if reason == _RESERVATION and not job.get("eligible_time"):
        return None
    if job.get("submit_time") is None:
        return None
    if reason in _NOT_LISTED_IN_PARTITION and "," not in partition:
        return None
    return f"{partition}\n{job.get('resv_name') or ''}"

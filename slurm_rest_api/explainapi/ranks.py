"""Computes the rank of a pending job in each of its partitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from slurm_rest_api.slurm.array_tasks import tasks_before
from slurm_rest_api.slurmapi.store.rank_queries import NONE_AHEAD, JobsAhead, RankedJob
from slurm_rest_api.slurmapi.store.reader import StoreView

PRIVATE: Final = "The jobs of others are private (`auth.private_data`: jobs), so the jobs ahead are not counted."
NOT_CONSIDERED: Final = "The scheduler does not consider the job at present, so it has no rank. See `reason`."


def ranks(view: StoreView, job: Mapping[str, Any], key: int, task: int | None) -> list[dict[str, Any]] | None:
    """Returns the rank of the job `key` in each of its partitions, None if the scheduler does not consider it.

    `job` is its published record. For a `task` of an array, the tasks with a lower index are ahead of it.
    """
    ranked = view.ranked_job(key)
    if ranked.queue is None:
        return None
    own = _own_tasks_ahead(job, ranked, task)
    partitions, _, reservation = ranked.queue.partition("\n")
    queues = view.rank_queues()
    return [_rank(view, ranked, queues, partition, reservation, own) for partition in partitions.split(",")]


def _rank(
    view: StoreView, job: RankedJob, queues: list[str], partition: str, reservation: str, own: JobsAhead
) -> dict[str, Any]:
    ahead = own
    for queue in queues:
        names, _, its_reservation = queue.partition("\n")
        if its_reservation == reservation and partition in names.split(","):
            ahead = ahead.plus(view.jobs_ahead(job, queue))
    return {
        "partition": partition,
        "place": ahead.jobs + 1,
        "jobs_ahead": ahead.jobs,
        "cpus_ahead": ahead.cpus,
        "gpus_ahead": ahead.gpus,
        "jobs_ahead_at_limit": ahead.at_limit,
    }


def _own_tasks_ahead(job: Mapping[str, Any], ranked: RankedJob, task: int | None) -> JobsAhead:
    if task is None or job.get("array_task_id") is not None:
        return NONE_AHEAD
    before = tasks_before(job.get("array_task_str"), task)
    return JobsAhead(before, before * (ranked.cpus or 0), before * (ranked.gpus or 0), 0)

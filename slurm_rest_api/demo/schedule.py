"""Reasons and estimated starts of the simulated pending jobs, by the order of Slurm's scheduler."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from slurm_rest_api.demo.jobs import Job
from slurm_rest_api.demo.priorities import priority_of
from slurm_rest_api.demo.timeline import Moment

ESTIMATES: Final = 10
"""Jobs of each partition that have an estimate (bf_max_job_part of sched/backfill limits them alike)."""
_WAITING: Final = frozenset(("Priority", "Resources"))


@dataclass(frozen=True)
class Schedule:
    """The first jobs of each partition at one moment, by their ids. `starts` are estimates, epoch seconds."""

    now: int
    first: frozenset[int]
    starts: dict[int, int]

    def reason(self, job: Job) -> str:
        """Returns the reason of a pending job: `Resources` for the first one there, `Priority` for others."""
        if not is_considered(job, self.now):
            return job.reason
        return "Resources" if job.id in self.first else "Priority"


def is_considered(job: Job, now: int) -> bool:
    """Returns True if the scheduler would start the pending job if it had the resources."""
    return job.reason in _WAITING or (job.reason == "Dependency" and now >= job.eligible and bool(job.depends_on))


def schedule_of(moment: Moment) -> Schedule:
    """Returns the schedule at a moment.

    The scheduler considers jobs by priority, time of submission and id (sort_job_queue2() of job_scheduler.c). It
    expects a job to start when running jobs have released CPUs for it and for the jobs before it, at their time limits.
    """
    now = moment.now
    waiting: defaultdict[str, list[Job]] = defaultdict(list)
    for job in moment.pending:
        if is_considered(job, now):
            waiting[job.partition].append(job)
    running: defaultdict[str, list[Job]] = defaultdict(list)
    for job in moment.running:
        running[job.partition].append(job)
    first: set[int] = set()
    starts: dict[int, int] = {}
    for partition, jobs in waiting.items():
        ahead = heapq.nsmallest(ESTIMATES, jobs, key=lambda job: (-priority_of(job, now), job.submit, job.id))
        first.add(ahead[0].id)
        starts.update(_estimates(ahead, running[partition]))
    return Schedule(now, frozenset(first), starts)


def _estimates(ahead: Iterable[Job], running: Iterable[Job]) -> Iterator[tuple[int, int]]:
    """Yields ids and estimated starts of the jobs, in their order, as far as the ends of the running jobs reach."""
    ends = iter(sorted((job.start + job.limit_minutes * 60, _cpus(job)) for job in running))
    free, needed, moment = 0, 0, 0
    for job in ahead:
        needed += _cpus(job)
        while free < needed:
            end = next(ends, None)
            if end is None:
                return
            moment, released = end
            free += released
        yield job.id, moment


def _cpus(job: Job) -> int:
    return job.share.cpus * (len(job.share.nodes) or 1)

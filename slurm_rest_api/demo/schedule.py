"""Reasons and estimated starts of the simulated pending jobs, by the order of Slurm's scheduler."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from slurm_rest_api.demo.jobs import Job
from slurm_rest_api.demo.priorities import priority_of
from slurm_rest_api.demo.timeline import Moment
from slurm_rest_api.demo.workload import INTERACTIVE

ESTIMATES: Final = 10
"""Jobs of each partition that have an estimate (bf_max_job_part of sched/backfill limits them alike)."""
_ONE_JOB_LIMIT: Final = "QOSMaxJobsPerUserLimit"
_NEVER_ELIGIBLE: Final = frozenset(("JobHeldUser", "JobHeldAdmin", "DependencyNeverSatisfied"))
_NOT_ELIGIBLE: Final = _NEVER_ELIGIBLE | {"Dependency", "JobArrayTaskLimit"}


@dataclass(frozen=True)
class Schedule:
    """The first jobs of each partition at one moment, by their ids. `starts` are estimates, epoch seconds.

    `interactive` are the users with a running interactive job, `running_tasks` the numbers of running tasks of arrays.
    """

    now: int
    interactive: frozenset[str]
    running_tasks: Mapping[int, int]
    first: frozenset[int] = frozenset()
    starts: Mapping[int, int] = field(default_factory=dict)

    def reason(self, job: Job) -> str:
        """Returns the reason of a pending job: `Resources` for the first of a partition, `Priority` for others."""
        return self.obstacle(job) or ("Resources" if job.id in self.first else "Priority")

    def obstacle(self, job: Job) -> str | None:
        """Returns the reason for which the scheduler does not start the pending job, whatever is free. Else None.

        The order is that of job_independent() and acct_policy_job_runnable_pre_select().
        """
        if job.reason in _NEVER_ELIGIBLE:
            return job.reason
        if self.now < job.eligible:
            return "Dependency" if job.depends_on else "BeginTime"
        if job.array is not None and self.running_tasks.get(job.array.id, 0) >= job.array.at_once:
            return "JobArrayTaskLimit"
        if job.qos == INTERACTIVE and job.user.name in self.interactive:
            return _ONE_JOB_LIMIT
        return None if job.start else job.reason

    def eligible_time(self, job: Job) -> int:
        """Returns the field `eligible_time`: 0 for a job that waits for a dependency, a release or its array."""
        if self.obstacle(job) in _NOT_ELIGIBLE:
            return 0
        return job.eligible


def schedule_of(moment: Moment) -> Schedule:
    """Returns the schedule at a moment.

    The scheduler considers jobs by priority, time of submission and id (sort_job_queue2() of job_scheduler.c). It
    expects a job to start when running jobs have released CPUs for it and for the jobs before it, at their time limits.
    """
    now = moment.now
    running: defaultdict[str, list[Job]] = defaultdict(list)
    for job in moment.running:
        running[job.partition].append(job)
    schedule = Schedule(
        now,
        frozenset(job.user.name for job in moment.running if job.qos == INTERACTIVE),
        Counter(job.array.id for job in moment.running if job.array is not None),
    )
    waiting: defaultdict[str, list[Job]] = defaultdict(list)
    for job in moment.pending:
        if schedule.obstacle(job) is None:
            waiting[job.partition].append(job)
    first: set[int] = set()
    starts: dict[int, int] = {}
    for partition, jobs in waiting.items():
        ahead = heapq.nsmallest(ESTIMATES, jobs, key=lambda job: (-priority_of(job, now), job.submit, job.id))
        first.add(ahead[0].id)
        starts.update(_estimates(ahead, running[partition]))
    return replace(schedule, first=frozenset(first), starts=starts)


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

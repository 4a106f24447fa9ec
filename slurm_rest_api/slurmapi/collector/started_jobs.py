"""Finds the jobs that have started since the last load, and counts how long they have waited."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Literal

from slurm_rest_api.slurm.states import JOBS, job_state_words
from slurm_rest_api.slurmapi.collector.valid_text import valid_text
from slurm_rest_api.slurmapi.shared.wait_times import WaitTimes
from slurm_rest_api.slurmapi.sources.base import Record, UnchangedJob

Phase = Literal["pending", "active", "ended"]


class StartedJobs:
    """Adds the waits of newly started jobs to `waits` while the jobs of a load are iterated.

    `state_before` returns the state of a job of the last load. A job has started since then if it was pending. A job
    that was not there has, if no known job started later. Others belong to a partition that was hidden.
    """

    def __init__(self, state_before: Callable[[int], str | None], waits: WaitTimes) -> None:
        self._state_before = state_before
        self._waits = waits
        self._known_until = waits.latest_start
        waits.latest_start = waits.latest_start or 0

    def count_while_iterating(self, jobs: Iterable[Record]) -> Iterator[Record]:
        """Returns the same jobs lazily, and counts each one that has started."""
        for job in jobs:
            # An unchanged job holds nothing, as at the last load.
            if not isinstance(job, UnchangedJob) and (start := _start_of(job)):
                self._count(job, start)
            yield job

    def _count(self, job: Record, start: int) -> None:
        waits = self._waits
        waits.latest_start = max(start, waits.latest_start or 0)
        if self._known_until is None:
            return
        before = self._state_before(job["job_id"])
        is_new = start >= self._known_until if before is None else _phase(before) == "pending"
        # The partition of the start. Slurm puts it first in a list.
        partition = valid_text((job.get("partition") or "").partition(",")[0])
        if is_new and partition in waits.partitions:
            waits.partitions[partition].add(_waited(job, start))


def _start_of(job: Record) -> int:
    """Returns the epoch second at which a job started, 0 for a job that has not.

    slurmctld sets the start of a cancelled job to its end. Only a job with an allocation has started.
    """
    phase = _phase(job.get("job_state"))
    if phase == "active" or (phase == "ended" and (job.get("tres_alloc_str") or job.get("nodes"))):
        return int(job.get("start_time") or 0)
    return 0


def _waited(job: Record, start: int) -> int:
    """Returns the seconds from the time at which the job was eligible to its start, as sacct's `Planned`."""
    return max(0, start - int(job.get("eligible_time") or job.get("submit_time") or start))


@lru_cache(maxsize=1024)
def _phase(state: str | None) -> Phase:
    phases = [JOBS[word].phase for word in job_state_words(state) if word in JOBS]
    return "active" if "active" in phases else phases[0] if phases else "ended"

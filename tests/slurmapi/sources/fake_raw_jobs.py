"""Replaces the jobs of a pyslurm that build.sh has built, as they are before an object is made of each."""

from __future__ import annotations

from copy import copy
from typing import Any

from slurm_rest_api.slurm.sentinels import INFINITE, NO_VAL
from slurm_rest_api.slurmapi.sources.pyslurm.job_own_fields import OwnAttributes


class RawJobs:
    """The methods that build.sh adds to `pyslurm.Jobs`. `taken` has the ids of jobs that became objects."""

    def __init__(self, jobs: list[Any]) -> None:
        self._jobs: list[Any] = list(jobs)
        self.taken: list[int] = []

    def raw_count(self) -> int:
        return len(self._jobs)

    def raw_values(self, number: int) -> tuple[int, str | None, int, int, int, int]:
        job = self._jobs[number]
        # pyslurm computes the run time. slurmctld sends the layout apart from the values of the fingerprint.
        absent = {"priority", "layout"} | ({"run_time"} if job.state in ("RUNNING", "SUSPENDED") else set())
        values = {name: value for name, value in vars(job).items() if name not in absent}
        return job.id, job.partition, job.user_id, job.group_id, job.priority, hash(repr(sorted(values.items())))

    def raw_take(self, number: int) -> Any:
        job, self._jobs[number] = copy(self._jobs[number]), None
        self.taken.append(job.id)
        # pyslurm converts these two in its object alone.
        job.priority = {NO_VAL: None, INFINITE: "UNLIMITED"}.get(job.priority, job.priority)
        return job

    def raw_shape(self, number: int) -> int:
        job = self._jobs[number]
        absent = {"priority", "layout", *OwnAttributes._fields}
        return hash(repr(sorted((name, value) for name, value in vars(job).items() if name not in absent)))

    def raw_own(self, number: int) -> tuple[Any, ...]:
        return tuple(getattr(self._jobs[number], name) for name in OwnAttributes._fields)

    def raw_free(self, number: int) -> None:
        self._jobs[number] = None

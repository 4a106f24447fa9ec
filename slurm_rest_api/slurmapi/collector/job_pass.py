"""Reads the jobs of one load once: their rows for the store, and the sums that need all jobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import orjson

from slurm_rest_api.slurmapi.collector import index_rows
from slurm_rest_api.slurmapi.collector.changed_fields import with_priority, with_run_time
from slurm_rest_api.slurmapi.collector.node_gres import GresByNode
from slurm_rest_api.slurmapi.collector.state_counts import NOTHING_COUNTED, CountedJobs, JobCounter
from slurm_rest_api.slurmapi.collector.usage import Allocation, allocations_of
from slurm_rest_api.slurmapi.collector.valid_text import Renderer
from slurm_rest_api.slurmapi.shared.compact_integers import CompactIntegers
from slurm_rest_api.slurmapi.sources.base import JobFingerprints, Record, UnchangedJob
from slurm_rest_api.slurmapi.store.record_writer import Row


class JobMemory(NamedTuple):
    """Facts about the stored jobs by job id, which the next cycle needs for jobs that did not change."""

    fingerprints: Mapping[int, int]
    """`JobFingerprints`, which cannot be changed any more."""
    counted: CountedJobs
    replaced: frozenset[int] = frozenset()
    """Ids of jobs in which text was replaced."""
    allocations: Mapping[int, Sequence[Allocation]] = {}
    """What jobs with a fingerprint hold."""
    gres: Mapping[int, GresByNode] = {}
    """The GRES that jobs hold."""


_LEAST_FIELDS: Final = 2
"""Fields of an `UnchangedJob` without a run time or another priority."""

NO_MEMORY: Final = JobMemory({}, NOTHING_COUNTED)


class JobPass:
    """Reads the jobs of one snapshot once, and collects the input of the usage on the way.

    Jobs are read lazily, because 100,000 of them would take a gigabyte. `usage_input`, `counts` and `memory` are
    complete only after `rows()` is exhausted. Reading them earlier raises RuntimeError.
    """

    def __init__(self, jobs: Iterable[Record], fingerprints: JobFingerprints, before: JobMemory) -> None:
        """Takes lazy `jobs`, the fingerprints that the source fills while making them, and the memory of `before`."""
        self._jobs = jobs
        self._fingerprints = fingerprints
        self._counter = JobCounter(before.counted)
        self._replaced_before = before.replaced
        self._replaced: set[int] = set()
        self._held_before = before.allocations
        self._held: dict[int, Sequence[Allocation]] = {}
        self._allocations: list[Allocation] = []
        self._is_exhausted = False

    def rows(self) -> Iterator[Row]:
        """Renders one job after the other. Can be called once."""
        renderer = Renderer()
        for counted in self._counter.count_while_iterating(self._jobs):
            if isinstance(counted, UnchangedJob):
                job_id = counted["job_id"]
                if job_id in self._replaced_before:
                    self._replaced.add(job_id)
                # Most unchanged jobs have these two fields alone.
                yield Row(job_id, None) if len(counted) == _LEAST_FIELDS else self._unchanged_row(counted)
                continue
            self._hold(counted["job_id"], allocations_of(counted))
            job, body = renderer.render(counted)
            if job is not counted:
                self._replaced.add(job["job_id"])
            stable = index_rows.without_clock_fields(job)
            yield Row(
                job["job_id"],
                body,
                partial(index_rows.job_index_row, job),
                None if stable is None else orjson.dumps(stable),
                index_rows.job_clock_values(job),
            )
        self._is_exhausted = True

    def _unchanged_row(self, job: UnchangedJob) -> Row:
        """Returns the row of a job that is stored. Time has changed it if it runs, and it may have another priority."""
        job_id, run_time, priority = job["job_id"], job.get("run_time"), job.get("priority")
        if priority is not None:
            return Row(job_id, None, renewed=partial(with_priority, priority=priority), priority=priority)
        if run_time is None:
            return Row(job_id, None)
        self._hold(job_id, self._held_before.get(job_id, ()))
        return Row(job_id, None, clock_values=(run_time,), renewed=partial(with_run_time, run_time=run_time))

    def _hold(self, job_id: int, allocations: Sequence[Allocation]) -> None:
        self._allocations.extend(allocations)
        if allocations and job_id in self._fingerprints:
            self._held[job_id] = allocations

    @property
    def usage_input(self) -> list[Allocation]:
        """The resources that the jobs hold, by node."""
        self._check_exhausted()
        return self._allocations

    @property
    def counts(self) -> JobCounter:
        """The number of jobs and tasks by state and partition."""
        self._check_exhausted()
        return self._counter

    def memory(self) -> JobMemory:
        """Returns the fingerprints of these jobs, and what was counted of them, for the next cycle."""
        self._check_exhausted()
        fingerprints = CompactIntegers(self._fingerprints)
        return JobMemory(fingerprints, self._counter.counted(), frozenset(self._replaced), self._held)

    def _check_exhausted(self) -> None:
        if not self._is_exhausted:
            raise RuntimeError("The jobs of this pass are not read yet. Exhaust `rows()` first.")

"""pyslurm's job objects as published job records."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from slurm_rest_api.slurm.states import holds_nodes
from slurm_rest_api.slurm.user_names import AccountNames
from slurm_rest_api.slurmapi.sources import modern_job_fields as fields
from slurm_rest_api.slurmapi.sources.allocation import (
    CoreLists,
    allocation,
    even_allocation,
    no_allocation,
)
from slurm_rest_api.slurmapi.sources.base import JobFingerprints, Record, UnchangedJob
from slurm_rest_api.slurmapi.sources.formats import TimeTexts
from slurm_rest_api.slurmapi.sources.modern_attributes import JobAttributes
from slurm_rest_api.slurmapi.sources.modern_job_groups import grouped_fields
from slurm_rest_api.slurmapi.sources.modern_job_marks import is_cacheable, job_fingerprint, membership_fingerprint
from slurm_rest_api.slurmapi.sources.modern_tres import Discard
from slurm_rest_api.slurmapi.sources.reader import READ_ERRORS, AttributeReader

logger = logging.getLogger(__name__)


class JobConverter:
    """Turns the jobs of one load into records.

    Args:
        read: Reads a `pyslurm.Job`.
        names: Names of users and groups.
        nodes: The records of the nodes.
    """

    def __init__(self, read: AttributeReader[JobAttributes], names: AccountNames, nodes: Collection[Record]) -> None:
        self._read = read
        self._names = names
        self._threads = {node["name"]: node["threads"] or 1 for node in nodes}
        self._membership = membership_fingerprint(nodes)
        self._times = TimeTexts()
        self._core_lists = CoreLists()

    def records(self, jobs: Any) -> Iterator[Record]:
        """Every job of a `pyslurm.Jobs`, which is emptied on the way: an object goes as soon as it was read."""
        return (self._record(attributes, job) for attributes, job in self._read_all(jobs))

    def changed_since(self, jobs: Any, known: Mapping[int, int], marks: JobFingerprints) -> Iterator[Record]:
        """The same, but `UnchangedJob` for a job whose mark is in `known`; fills `marks` with those of today."""
        for a, job in self._read_all(jobs):
            mark = self._mark(a) if is_cacheable(a) else None
            if mark is None:
                yield self._record(a, job)
                continue
            marks[a.id] = mark
            yield UnchangedJob(job_id=a.id, partition=a.partition) if known.get(a.id) == mark else self._record(a, job)

    def _mark(self, a: JobAttributes) -> int | None:
        names = self._names
        return job_fingerprint(a, names.user(a.user_id or 0), names.group(a.group_id or 0), self._membership)

    def _read_all(self, jobs: Any) -> Iterator[tuple[JobAttributes, Any]]:
        waiting = list(jobs.values())
        jobs.clear()
        waiting.reverse()
        quiet = Discard()
        while waiting:
            job = waiting.pop()
            with contextlib.redirect_stdout(quiet):
                attributes = self._read(job)
            yield attributes, job

    def _record(self, a: JobAttributes, job: Any) -> Record:
        eligible = a.preempt_eligible_time
        record = grouped_fields(a)
        record["user_name"] = self._names.user(a.user_id or 0)
        record["group_name"] = self._names.group(a.group_id or 0)
        record["accrue_time"] = self._times[a.accrue_time]
        record["last_sched_eval"] = self._times[a.last_sched_evaluation_time]
        record["preempt_eligible_time"] = self._times[eligible] if eligible else None
        record |= fields.WITHOUT_SOURCE
        record |= fields.array_and_heterogeneous(a)
        record |= fields.state(a)
        record |= fields.durations(a)
        record |= fields.layout_and_placement(a)
        record |= fields.memory(a)
        record |= fields.tres(a)
        record |= fields.files(a)
        record |= self._allocation(a, job) if holds_nodes(a.state) else no_allocation()
        return record

    def _allocation(self, a: JobAttributes, job: Any) -> Record:
        try:
            layout = job.get_resource_layout_per_node()
        except READ_ERRORS as error:
            # Its GRES parser raises on forms that it does not know, e.g. `gpu(IDX:0)` without a count.
            logger.warning("pyslurm cannot tell what job %s holds on each node: %r; spread evenly", a.id, error)
            layout = {}
        if layout:
            return allocation(layout, self._threads, a.cpus or 0, self._core_lists)
        # select/linear keeps no cores: the job has whole nodes.
        return even_allocation(a.allocated_nodes, a.cpus or 0, a.memory_per_cpu, a.memory_per_node)

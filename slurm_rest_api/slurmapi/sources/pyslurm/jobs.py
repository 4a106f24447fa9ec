"""Converts pyslurm's job objects to published job records."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

from slurm_rest_api.slurm.gres import gres_texts
from slurm_rest_api.slurm.sentinels import INFINITE, NO_VAL, NO_VAL64
from slurm_rest_api.slurm.states import holds_nodes
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.allocation import (
    AllocationFields,
    CoreLists,
    allocation,
    even_allocation,
    no_allocation,
)
from slurm_rest_api.slurmapi.sources.base import (
    JobFingerprints,
    Record,
    UnchangedJob,
    differs_in_priority,
    membership_fingerprint,
    with_priority,
)
from slurm_rest_api.slurmapi.sources.formats import (
    PARTITION_LIMIT,
    UNLIMITED,
    TimeTexts,
    clock_fields,
    hostlist_terms,
    joined,
    license_counts,
    minutes_text,
    none_if_unset,
    profile_bits,
    tres_memory,
    whole,
)
from slurm_rest_api.slurmapi.sources.pyslurm.attribute_reader import READ_ERRORS, AttributeReader
from slurm_rest_api.slurmapi.sources.pyslurm.attributes import JobAttributes, grouped_fields
from slurm_rest_api.slurmapi.sources.pyslurm.job_fingerprints import (
    has_shapes,
    is_cacheable,
    is_raw,
    job_fingerprint,
    only_time_changes,
)
from slurm_rest_api.slurmapi.sources.pyslurm.job_own_fields import (
    JobShapes,
    OwnAttributes,
    has_passed_its_year,
    own_attributes,
    own_fields,
    similar_record,
)

logger = logging.getLogger(__name__)

SHARING = {"NO": "0", "YES": "1", "USER": "USER"}
THREAD_RESERVATION = 0x8000
"""CORE_SPEC_THREAD of slurm.h: the number is one of threads, not of cores."""

GRES_BINDING = {"enforce-binding": "Yes", "disable-binding": "No"}
KILL_ON_INVALID_DEPENDENCY = {1: "Yes", 2: "No"}
"""KILL_INV_DEP and NO_KILL_INV_DEP of slurm.h."""

MEM_PER_CPU = 1 << 63
"""MEM_PER_CPU of slurm.h: the number is memory for each CPU, not for each node."""

TEXTS = {
    "raw_cpus_per_tres": "cpus_per_tres",
    "raw_dependency": "dependency",
    "raw_het_job_id_set": "het_job_id_set",
    "raw_mem_per_tres": "mem_per_tres",
    "raw_tres_alloc_str": "tres_alloc_str",
    "raw_tres_bind": "tres_bind",
    "raw_tres_freq": "tres_freq",
    "raw_tres_per_job": "tres_per_job",
    "raw_tres_per_node": "tres_per_node",
    "raw_tres_per_socket": "tres_per_socket",
    "raw_tres_per_task": "tres_per_task",
    "raw_tres_req_str": "tres_req_str",
}
"""Attribute to published name of Slurm's texts that are null when empty."""

_text_values = attrgetter(*TEXTS)


class JobConverter:
    """Converts the jobs of one load to records.

    Args:
        read: Reads a `pyslurm.Job`.
        names: Names of users and groups.
        nodes: The records of the nodes.
        reported: Kinds of layouts that could not be read and are in the log already. It outlives the load.
    """

    def __init__(
        self, read: AttributeReader[JobAttributes], names: UserNames, nodes: Collection[Record], reported: set[str]
    ) -> None:
        self._read = read
        self._reported = reported
        self._names = names
        self._threads = {node["name"]: node["threads"] or 1 for node in nodes}
        self._membership = membership_fingerprint(nodes)
        self._times = TimeTexts()
        self._core_lists = CoreLists()

    def records(self, jobs: Any) -> Iterator[Record]:
        """Yields every job of a `pyslurm.Jobs` and empties the collection, so that each object is freed once read."""
        return self.changed_since(jobs, {}, {})

    def changed_since(self, jobs: Any, known: Mapping[int, int], fingerprints: JobFingerprints) -> Iterator[Record]:
        """Yields the same, but an `UnchangedJob` for a job whose fingerprint is in `known`.

        Adds the fingerprints of this load to `fingerprints`.
        """
        read = self._raw_changed_since if is_raw(jobs) else self._read_changed_since
        return read(jobs, known, fingerprints)

    def _raw_changed_since(
        self, jobs: Any, known: Mapping[int, int], fingerprints: JobFingerprints
    ) -> Iterator[Record]:
        """Reads the attributes of changed jobs only, see `pyslurm_build/raw_jobs.py`."""
        user, group, membership = self._names.user, self._names.group, self._membership
        shapes, shape_of = JobShapes(), jobs.raw_shape if has_shapes(jobs) else None
        for number in range(jobs.raw_count()):
            job_id, partition, user_id, group_id, priority, raw = jobs.raw_values(number)
            # The lowest bit marks a job that runs.
            rest = hash((raw, user(user_id), group(group_id), membership)) & ~1
            waiting, running = with_priority(rest, priority), with_priority(rest | 1, priority)
            before = known.get(job_id)
            if before == waiting or differs_in_priority(before, waiting):
                jobs.raw_free(number)
                fingerprints[job_id] = waiting
                yield _unchanged(job_id, partition, None if before == waiting else priority)
                continue
            shape = None if shape_of is None else shape_of(number)
            if (similar := shapes.get(shape)) is not None:
                like, record = similar
                own = OwnAttributes._make(jobs.raw_own(number))
                jobs.raw_free(number)
                if is_cacheable(like, time.time()):
                    fingerprints[job_id] = waiting
                yield similar_record(record, own, like, priority, self._times, time.time())
                continue
            job = jobs.raw_take(number)
            if before == running and not has_passed_its_year(job.raw_time_limit, job.end_time, time.time()):
                fingerprints[job_id] = running
                yield UnchangedJob(job_id=job_id, partition=partition, run_time=job.run_time or 0)
                continue
            a = self._read(job)
            if is_cacheable(a, time.time()):
                fingerprints[job_id] = waiting
            elif only_time_changes(a):
                fingerprints[job_id] = running
            record = self._record(a, job)
            if shape is not None and a.state == "PENDING":
                shapes.add(shape, a, record)
            yield record

    def _read_changed_since(
        self, jobs: Any, known: Mapping[int, int], fingerprints: JobFingerprints
    ) -> Iterator[Record]:
        for a, job in self._read_all(jobs):
            fingerprint = self._fingerprint(a) if is_cacheable(a, time.time()) else None
            if fingerprint is None:
                yield self._record(a, job)
                continue
            fingerprints[a.id] = fingerprint
            before = known.get(a.id)
            if before == fingerprint or differs_in_priority(before, fingerprint):
                yield _unchanged(a.id, a.partition, None if before == fingerprint else a.priority)
            else:
                yield self._record(a, job)

    def _fingerprint(self, a: JobAttributes) -> int | None:
        names = self._names
        return job_fingerprint(a, names.user(a.user_id or 0), names.group(a.group_id or 0), self._membership)

    def _read_all(self, jobs: Any) -> Iterator[tuple[JobAttributes, Any]]:
        waiting = list(jobs.values())
        jobs.clear()
        waiting.reverse()
        while waiting:
            job = waiting.pop()
            yield self._read(job), job

    def _record(self, a: JobAttributes, job: Any) -> Record:
        eligible = a.preempt_eligible_time
        record = grouped_fields(a)
        record["user_name"] = self._names.user(a.user_id or 0)
        # pyslurm has "" for a QOS that was deleted since.
        record["qos"] = a.qos or None
        record["group_name"] = self._names.group(a.group_id or 0)
        record["preempt_eligible_time"] = self._times[eligible] if eligible else None
        record |= zip(TEXTS.values(), [text or None for text in _text_values(a)], strict=True)
        record |= _array_and_heterogeneous(a)
        record |= _state(a)
        record |= _time_limit(a)
        record |= _layout_and_placement(a)
        record |= _memory(a)
        record |= _tres(a)
        record["nodes"] = a.allocated_nodes or None
        record |= own_fields(own_attributes(a), a, self._times, time.time())
        record |= self._allocation(a, job) if holds_nodes(a.state) else no_allocation()
        return record

    def _allocation(self, a: JobAttributes, job: Any) -> AllocationFields:
        try:
            layout = job.get_resource_layout_per_node()
        except READ_ERRORS as error:
            # One line for a kind of failure, because it is the same for thousands of jobs in every load.
            if type(error).__name__ not in self._reported:
                self._reported.add(type(error).__name__)
                logger.warning(
                    "The layout of job %s by node cannot be read: %r. Its CPUs are published as spread evenly, "
                    "and so are those of other jobs with this failure.",
                    a.id,
                    error,
                )
            layout = {}
        if layout:
            return allocation(layout, self._threads, a.cpus or 0, self._core_lists)
        # select/linear has no cores: the job has whole nodes.
        memory = requested_memory(a)
        return even_allocation(a.allocated_nodes, a.cpus or 0, memory.per_cpu, memory.per_node)


def _unchanged(job_id: int, partition: str | None, priority: int | None) -> UnchangedJob:
    """Returns a job with the given priority, None for the one that it had."""
    unchanged = UnchangedJob(job_id=job_id, partition=partition)
    if priority is not None:
        unchanged["priority"] = priority
    return unchanged


def _array_and_heterogeneous(a: JobAttributes) -> Record:
    """Returns the fields of an array, a heterogeneous job and a federation."""
    waiting, parallel = a.raw_array_task_str or None, a.array_tasks_parallel
    # A record for many tasks has NO_VAL, also once it was cancelled and has no text of tasks any more.
    task = None if a.array_id is None or a.raw_array_task_id == NO_VAL else a.raw_array_task_id
    het = a.heterogeneous_id or None
    offset = (a.heterogeneous_offset or 0) if het else None
    return {
        "array_task_id": task,
        "array_task_str": waiting,
        "array_task_throttle": parallel if a.array_id else None,
        "het_job_id": het,
        "het_job_offset": offset,
        "pack_job_id": het,
        "pack_job_offset": offset,
        "pack_job_id_set": a.raw_het_job_id_set or None,
        "fed_viable_siblings": _siblings(a.federation_siblings_viable),
        "fed_active_siblings": _siblings(a.federation_siblings_active),
    }


def _siblings(siblings: list[str] | int | None) -> str | None:
    # 25.11.0 has a bit mask of cluster numbers instead of names.
    return None if isinstance(siblings, int) else joined(siblings)


def _state(a: JobAttributes) -> Record:
    """Returns state and exit codes."""
    return {
        "state_reason": (a.state_reason or "None").replace(" ", "_"),
        "reboot": int(bool(a.requires_node_reboot)),
        "batch_flag": int(bool(a.is_batch_job)),
        "exit_code": f"{a.exit_code or 0}:{a.exit_code_signal or 0}",
        "derived_ec": f"{a.derived_exit_code or 0}:{a.derived_exit_code_signal or 0}",
        "failed_node": a.failed_node or None,
        "kill_on_invalid_dependent": KILL_ON_INVALID_DEPENDENCY.get(a.raw_kill_inv_dep or 0),
    }


def _time_limit(a: JobAttributes) -> Record:
    """Returns run times and time limits."""
    run_time = a.run_time or 0  # None for a job that was suspended in its first second.
    limit = _minutes(a.raw_time_limit)
    return {
        **clock_fields(run_time, a.cpus, limit, a.state),
        "time_limit": limit,
        "time_limit_str": minutes_text(limit),
    }


def _minutes(limit: int | None) -> int | str:
    if limit is None or limit == NO_VAL:
        return PARTITION_LIMIT
    return UNLIMITED if limit == INFINITE else limit


def _layout_and_placement(a: JobAttributes) -> Record:
    """Returns the task layout and the nodes and features that the job asks for."""
    per_core, per_socket = a.ntasks_per_core or 0, a.ntasks_per_socket or 0
    threads = a.threads_reserved_for_system
    return {
        "ntasks_per_core": None if per_core == UNLIMITED else per_core,
        "ntasks_per_core_str": str(per_core),
        "ntasks_per_socket": None if per_socket == UNLIMITED else per_socket,
        "ntasks_per_socket_str": str(per_socket),
        "core_spec": a.cores_reserved_for_system if threads is None else threads | THREAD_RESERVATION,
        "shared": SHARING.get(a.resource_sharing or "NO", "OK"),
        "batch_features": joined(a.batch_constraints),
        "cluster_features": joined(a.cluster_constraints),
        "req_nodes": hostlist_terms(a.required_nodes),
        "exc_nodes": hostlist_terms(a.excluded_nodes),
        "spread_job": "Yes" if a.spreads_over_nodes else None,
    }


class RequestedMemory(NamedTuple):
    """MiB for each CPU or each node. The other one is None, and both are for a request per GPU or none."""

    per_cpu: int | None
    per_node: int | None


def requested_memory(a: JobAttributes) -> RequestedMemory:
    """Returns the request of a job. 0 is all memory of the node (`--mem=0`)."""
    requested = a.raw_pn_min_memory
    # slurmctld leaves any number there if the memory is requested by TRES.
    if requested is None or requested == NO_VAL64 or a.raw_mem_per_tres:
        return RequestedMemory(None, None)
    if requested & MEM_PER_CPU:
        return RequestedMemory(requested & ~MEM_PER_CPU, None)
    return RequestedMemory(None, requested)


def _memory(a: JobAttributes) -> Record:
    """Returns the requested memory in MiB. What is requested as a whole node or per GPU is what is allocated."""
    per_cpu, per_node = requested_memory(a)
    total = (per_cpu or 0) * whole(a.cpus) or (per_node or 0) * whole(a.num_nodes)
    return {
        "memory": total or tres_memory(a.raw_tres_alloc_str),
        "mem_per_cpu": per_cpu is not None,
        "min_memory_cpu": per_cpu,
        "mem_per_node": per_cpu is None and not a.raw_mem_per_tres,
        "min_memory_node": None if per_cpu is not None or a.raw_mem_per_tres else per_node or 0,
        "pn_min_memory": per_cpu or per_node or 0,
    }


def _tres(a: JobAttributes) -> Record:
    """Returns generic resources, licenses and CPU frequencies."""
    return {
        "gres": gres_texts(a.raw_tres_per_node) if a.raw_tres_per_node else [],
        "gres_enforce_bind": GRES_BINDING.get(a.gres_binding or ""),
        "licenses": license_counts(a.raw_licenses) if a.raw_licenses else {},
        "licenses_allocated": license_counts(a.raw_licenses_allocated) if a.raw_licenses_allocated else {},
        "profile": profile_bits(a.profile_types) if a.profile_types else 0,
        "cpu_freq_gov": none_if_unset(a.raw_cpu_freq_gov, 0, NO_VAL),
        "cpu_freq_min": none_if_unset(a.raw_cpu_freq_min, 0, NO_VAL),
        "cpu_freq_max": none_if_unset(a.raw_cpu_freq_max, 0, NO_VAL),
    }

"""Converts pyslurm's job objects to published job records."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from slurm_rest_api.slurm.sentinels import NO_VAL
from slurm_rest_api.slurm.states import holds_nodes
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.allocation import (
    AllocationFields,
    CoreLists,
    allocation,
    even_allocation,
    no_allocation,
)
from slurm_rest_api.slurmapi.sources.base import JobFingerprints, Record, UnchangedJob
from slurm_rest_api.slurmapi.sources.formats import (
    UNLIMITED,
    TimeTexts,
    counts_by_name,
    cpu_frequency,
    duration_text,
    gres_list,
    hostlist_terms,
    joined,
    minutes_text,
    number_or_none,
    profile_bits,
    whole,
)
from slurm_rest_api.slurmapi.sources.pyslurm.attribute_reader import READ_ERRORS, AttributeReader
from slurm_rest_api.slurmapi.sources.pyslurm.attributes import JobAttributes, grouped_fields
from slurm_rest_api.slurmapi.sources.pyslurm.job_fingerprints import (
    is_cacheable,
    job_fingerprint,
    membership_fingerprint,
)
from slurm_rest_api.slurmapi.sources.pyslurm.tres import Discard, tres_text

logger = logging.getLogger(__name__)

SHARING = {"NO": "0", "YES": "1", "USER": "USER"}
THREAD_RESERVATION = 0x8000
"""CORE_SPEC_THREAD of slurm.h: the number is one of threads, not of cores."""

UNSET_TASK = str(NO_VAL)
"""NO_VAL, which Slurm writes for `%a` in file names of a record for many array tasks."""

WITHOUT_SOURCE = dict.fromkeys(
    ("het_job_id_set", "pack_job_id_set", "cpus_per_tres", "mem_per_tres", "tres_bind", "tres_freq")
)
"""Fields that pyslurm's objects lack."""

GRES_BINDING = {"enforce-binding": "Yes", "disable-binding": "No"}

DEPENDENCY_TYPES = ("after", "afterany", "afterburstbuffer", "aftercorr", "afternotok", "afterok")


class JobConverter:
    """Converts the jobs of one load to records.

    Args:
        read: Reads a `pyslurm.Job`.
        names: Names of users and groups.
        nodes: The records of the nodes.
    """

    def __init__(self, read: AttributeReader[JobAttributes], names: UserNames, nodes: Collection[Record]) -> None:
        self._read = read
        self._names = names
        self._threads = {node["name"]: node["threads"] or 1 for node in nodes}
        self._membership = membership_fingerprint(nodes)
        self._times = TimeTexts()
        self._core_lists = CoreLists()

    def records(self, jobs: Any) -> Iterator[Record]:
        """Yields every job of a `pyslurm.Jobs` and empties the collection, so that each object is freed once read."""
        return (self._record(attributes, job) for attributes, job in self._read_all(jobs))

    def changed_since(self, jobs: Any, known: Mapping[int, int], fingerprints: JobFingerprints) -> Iterator[Record]:
        """Yields the same, but an `UnchangedJob` for a job whose fingerprint is in `known`.

        Adds the fingerprints of this load to `fingerprints`.
        """
        for a, job in self._read_all(jobs):
            fingerprint = self._fingerprint(a) if is_cacheable(a) else None
            if fingerprint is None:
                yield self._record(a, job)
                continue
            fingerprints[a.id] = fingerprint
            is_known = known.get(a.id) == fingerprint
            yield UnchangedJob(job_id=a.id, partition=a.partition) if is_known else self._record(a, job)

    def _fingerprint(self, a: JobAttributes) -> int | None:
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
        record |= WITHOUT_SOURCE
        record |= _array_and_heterogeneous(a)
        record |= _state(a)
        record |= _durations(a)
        record |= _layout_and_placement(a)
        record |= _memory(a)
        record |= _tres(a)
        record |= _files(a)
        record |= self._allocation(a, job) if holds_nodes(a.state) else no_allocation()
        return record

    def _allocation(self, a: JobAttributes, job: Any) -> AllocationFields:
        try:
            layout = job.get_resource_layout_per_node()
        except READ_ERRORS as error:
            # pyslurm's GRES parser raises on unknown forms, e.g. `gpu(IDX:0)` without a count.
            logger.warning(
                "The layout of job %s by node cannot be read: %r. Its CPUs are published as spread evenly.", a.id, error
            )
            layout = {}
        if layout:
            return allocation(layout, self._threads, a.cpus or 0, self._core_lists)
        # select/linear has no cores: the job has whole nodes.
        return even_allocation(a.allocated_nodes, a.cpus or 0, a.memory_per_cpu, a.memory_per_node)


def _array_and_heterogeneous(a: JobAttributes) -> Record:
    """Returns the fields of an array, a heterogeneous job and a federation."""
    waiting, parallel = a.array_tasks_waiting, a.array_tasks_parallel
    task = a.array_task_id
    if task is None and a.array_id is not None and waiting is None:
        task = 0  # pyslurm has None for task 0, too.
    het = a.heterogeneous_id or None
    offset = (a.heterogeneous_offset or 0) if het else None
    return {
        "array_task_id": task,
        "array_task_str": f"{waiting}%{parallel}" if waiting and parallel else waiting,
        "array_task_throttle": parallel if a.array_id else None,
        "het_job_id": het,
        "het_job_offset": offset,
        "pack_job_id": het,
        "pack_job_offset": offset,
        "fed_viable_siblings": _siblings(a.federation_siblings_viable),
        "fed_active_siblings": _siblings(a.federation_siblings_active),
    }


def _siblings(siblings: list[str] | int | None) -> str | None:
    # 25.11.0 has a bit mask of cluster numbers instead of names.
    return None if isinstance(siblings, int) else joined(siblings)


def _state(a: JobAttributes) -> Record:
    """Returns state, dependencies and exit codes."""
    return {
        "state_reason": (a.state_reason or "None").replace(" ", "_"),
        "reboot": int(bool(a.requires_node_reboot)),
        "batch_flag": int(bool(a.is_batch_job)),
        "exit_code": f"{a.exit_code or 0}:{a.exit_code_signal or 0}",
        "derived_ec": f"{a.derived_exit_code or 0}:{a.derived_exit_code_signal or 0}",
        "failed_node": a.failed_node or None,
        "dependency": _dependency_text(a.dependencies),
        "kill_on_invalid_dependent": "Yes" if a.kill_on_invalid_dependency else None,
    }


def _dependency_text(dependencies: Mapping[str, Any] | None) -> str | None:
    """Returns Slurm's dependency text, rebuilt from pyslurm's dictionary.

    pyslurm's parser drops `singleton(unfulfilled)` alone, so a dictionary without entries comes from that text.
    """
    if dependencies is None:
        return None
    terms = [f"{kind}:{job}" for kind in DEPENDENCY_TYPES for job in dependencies.get(kind) or ()]
    if dependencies.get("singleton"):
        terms.append("singleton")
    if not terms:
        return "singleton(unfulfilled)"
    return ("?" if dependencies.get("satisfy") == "any" else ",").join(terms)


def _durations(a: JobAttributes) -> Record:
    """Returns run times and time limits."""
    run_time = a.run_time or 0  # None for a job that was suspended in its first second.
    limit: int | str = a.time_limit or UNLIMITED
    remaining = limit * 60 - run_time if isinstance(limit, int) and holds_nodes(a.state) else None
    return {
        "run_time_str": duration_text(run_time),
        "run_time_remaining": remaining,
        "elapsed_cpu_time": (a.cpus or 0) * run_time,
        "time_limit": limit,
        "time_limit_str": minutes_text(limit),
    }


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


def _memory(a: JobAttributes) -> Record:
    """Returns the requested memory in MiB."""
    per_cpu, per_node = number_or_none(a.memory_per_cpu), number_or_none(a.memory_per_node)
    if per_cpu is not None:
        total: int | None = per_cpu * whole(a.cpus)
    else:
        total = per_node and per_node * whole(a.num_nodes)
    return {
        "memory": total,
        "mem_per_cpu": per_cpu is not None,
        "min_memory_cpu": per_cpu,
        "mem_per_node": per_cpu is None,
        "min_memory_node": (per_node or 0) if per_cpu is None else None,
        "pn_min_memory": per_cpu or per_node or 0,
    }


def _tres(a: JobAttributes) -> Record:
    """Returns TRES, generic resources, licenses and CPU frequencies."""
    gres = gres_list(a.gres_per_node) if a.gres_per_node else []
    return {
        "gres": gres,
        "gres_enforce_bind": GRES_BINDING.get(a.gres_binding or ""),
        "tres_req_str": tres_text(a.requested_tres),
        "tres_alloc_str": tres_text(a.allocated_tres),
        "tres_per_job": tres_text(a.tres_per_job),
        "tres_per_node": ",".join(f"gres/{item}" for item in gres) or None,
        "tres_per_socket": tres_text(a.tres_per_socket),
        "tres_per_task": tres_text(a.tres_per_task),
        "licenses": counts_by_name(a.licenses) if a.licenses else {},
        "licenses_allocated": counts_by_name(a.allocated_licenses) if a.allocated_licenses else {},
        "profile": profile_bits(a.profile_types) if a.profile_types else 0,
        "cpu_freq_gov": cpu_frequency(a.cpu_frequency_governor),
        "cpu_freq_min": cpu_frequency(a.cpu_frequency_min),
        "cpu_freq_max": cpu_frequency(a.cpu_frequency_max),
    }


def _files(a: JobAttributes) -> Record:
    """Returns the allocated nodes and the standard files of a batch job."""
    output = _file(a, a.standard_output)
    return {
        "nodes": a.allocated_nodes or None,
        "std_in": _file(a, a.standard_input),
        "std_out": output,
        "std_err": _file(a, a.standard_error) or output,
    }


def _file(a: JobAttributes, path: str | None) -> str | None:
    if not path or not a.is_batch_job:
        return None
    return path.replace(UNSET_TASK, "%a") if a.array_tasks_waiting else path

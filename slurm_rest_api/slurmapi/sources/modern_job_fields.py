"""The fields of a published job record that follow from one job's attributes alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slurm_rest_api.slurm.states import holds_nodes
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.formats import (
    UNLIMITED,
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
from slurm_rest_api.slurmapi.sources.modern_attributes import JobAttributes
from slurm_rest_api.slurmapi.sources.modern_tres import tres_text

SHARING = {"NO": "0", "YES": "1", "USER": "USER"}
THREAD_RESERVATION = 0x8000
"""CORE_SPEC_THREAD of slurm.h: the number counts threads."""

UNSET_TASK = "4294967294"
"""What `%a` of a file name becomes for a record that stands for several tasks."""

WITHOUT_SOURCE = dict.fromkeys(
    ("het_job_id_set", "pack_job_id_set", "cpus_per_tres", "mem_per_tres", "tres_bind", "tres_freq")
)
"""Fields that the object API cannot tell."""

GRES_BINDING = {"enforce-binding": "Yes", "disable-binding": "No"}

DEPENDENCY_TYPES = ("after", "afterany", "afterburstbuffer", "aftercorr", "afternotok", "afterok")


def array_and_heterogeneous(a: JobAttributes) -> Record:
    """Place in an array, a heterogeneous job, a federation."""
    waiting, parallel = a.array_tasks_waiting, a.array_tasks_parallel
    task = a.array_task_id
    if task is None and a.array_id is not None and waiting is None:
        task = 0  # pyslurm takes task 0 for an unset number.
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
    # 25.11.0 gives a bit mask of cluster numbers, from which no names can be had.
    return None if isinstance(siblings, int) else joined(siblings)


def state(a: JobAttributes) -> Record:
    """State, priority, dependencies, exit codes."""
    return {
        "state_reason": (a.state_reason or "None").replace(" ", "_"),
        "reboot": int(bool(a.requires_node_reboot)),
        "batch_flag": int(bool(a.is_batch_job)),
        "exit_code": f"{a.exit_code or 0}:{a.exit_code_signal or 0}",
        "derived_ec": f"{a.derived_exit_code or 0}:{a.derived_exit_code_signal or 0}",
        "failed_node": a.failed_node or None,
        "dependency": dependency_text(a.dependencies),
        "kill_on_invalid_dependent": "Yes" if a.kill_on_invalid_dependency else None,
    }


def dependency_text(dependencies: Mapping[str, Any] | None) -> str | None:
    """Slurm's dependency text rebuilt from pyslurm's dictionary.

    A dictionary without any entry comes from a text that pyslurm did not understand: `singleton(unfulfilled)`, the one
    form of the types that Slurm has today which its parser drops.
    """
    if dependencies is None:
        return None
    terms = [f"{kind}:{job}" for kind in DEPENDENCY_TYPES for job in dependencies.get(kind) or ()]
    if dependencies.get("singleton"):
        terms.append("singleton")
    if not terms:
        return "singleton(unfulfilled)"
    return ("?" if dependencies.get("satisfy") == "any" else ",").join(terms)


def durations(a: JobAttributes) -> Record:
    """Lengths of time."""
    run_time = a.run_time or 0  # None for a suspended job that had not run for a second.
    limit: int | str = a.time_limit or UNLIMITED
    remaining = limit * 60 - run_time if isinstance(limit, int) and holds_nodes(a.state) else None
    return {
        "run_time_str": duration_text(run_time),
        "run_time_remaining": remaining,
        "elapsed_cpu_time": (a.cpus or 0) * run_time,
        "time_limit": limit,
        "time_limit_str": minutes_text(limit),
    }


def layout_and_placement(a: JobAttributes) -> Record:
    """How tasks are to be laid out, and where the job may run."""
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


def memory(a: JobAttributes) -> Record:
    """Requested memory."""
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


def tres(a: JobAttributes) -> Record:
    """TRES, generic resources, licenses, frequencies."""
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


def files(a: JobAttributes) -> Record:
    """Allocated nodes, and the standard files of a batch job."""
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

"""The fields of a published job record that follow from one job's attributes alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slurm_rest_api.slurmapi.sources.allocation import HOLDING_STATES
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
        "array_job_id": a.array_id,
        "array_task_id": task,
        "array_task_str": f"{waiting}%{parallel}" if waiting and parallel else waiting,
        "array_max_tasks": parallel,
        "array_task_throttle": parallel if a.array_id else None,
        "het_job_id": het,
        "het_job_offset": offset,
        "het_job_id_set": None,
        "pack_job_id": het,
        "pack_job_offset": offset,
        "pack_job_id_set": None,
        "fed_origin": a.federation_origin,
        "fed_viable_siblings": _siblings(a.federation_siblings_viable),
        "fed_active_siblings": _siblings(a.federation_siblings_active),
    }


def _siblings(siblings: list[str] | int | None) -> str | None:
    # 25.11.0 gives a bit mask of cluster numbers, from which no names can be had.
    return None if isinstance(siblings, int) else joined(siblings)


def state(a: JobAttributes) -> Record:
    """State, priority, dependencies, exit codes."""
    return {
        "job_state": a.state,
        "state_reason": (a.state_reason or "None").replace(" ", "_"),
        "priority": whole(a.priority),
        "nice": a.nice or 0,
        "requeue": bool(a.is_requeueable),
        "restart_cnt": a.requeue_count or 0,
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
    remaining = limit * 60 - run_time if isinstance(limit, int) and a.state in HOLDING_STATES else None
    return {
        "run_time": run_time,
        "run_time_str": duration_text(run_time),
        "run_time_remaining": remaining,
        "elapsed_cpu_time": (a.cpus or 0) * run_time,
        "pre_sus_time": a.pre_suspension_time or 0,
        "time_limit": limit,
        "time_limit_str": minutes_text(limit),
        "time_min": a.time_limit_min or 0,
        "delay_boot_time": a.delay_boot_time,
    }


def size(a: JobAttributes) -> Record:
    """CPUs, nodes, tasks."""
    per_core, per_socket = a.ntasks_per_core or 0, a.ntasks_per_socket or 0
    threads = a.threads_reserved_for_system
    return {
        "num_cpus": whole(a.cpus),
        "num_nodes": whole(a.num_nodes),
        "num_tasks": whole(a.ntasks),
        "max_nodes": whole(a.max_nodes),
        "cpus_per_task": number_or_none(a.cpus_per_task),
        "cpus_per_tres": None,
        "pn_min_cpus": whole(a.min_cpus_per_node),
        "boards_per_node": whole(a.boards_per_node),
        "sockets_per_board": whole(a.sockets_per_board),
        "sockets_per_node": number_or_none(a.sockets_per_node),
        "cores_per_socket": number_or_none(a.cores_per_socket),
        "threads_per_core": number_or_none(a.threads_per_core),
        "ntasks_per_core": None if per_core == UNLIMITED else per_core,
        "ntasks_per_core_str": str(per_core),
        "ntasks_per_socket": None if per_socket == UNLIMITED else per_socket,
        "ntasks_per_socket_str": str(per_socket),
        "ntasks_per_node": whole(a.ntasks_per_node),
        "ntasks_per_board": whole(a.ntasks_per_board),
        "ntasks_per_gpu": number_or_none(a.ntasks_per_gpu),
        "core_spec": a.cores_reserved_for_system if threads is None else threads | THREAD_RESERVATION,
        "contiguous": bool(a.requires_contiguous_nodes),
        "shared": SHARING.get(a.resource_sharing or "NO", "OK"),
    }


def placement(a: JobAttributes) -> Record:
    """Where the job may run."""
    return {
        "features": a.constraints or [],
        "preferred_features": a.preferred_features or [],
        "batch_features": joined(a.batch_constraints),
        "cluster_features": joined(a.cluster_constraints),
        "req_nodes": hostlist_terms(a.required_nodes),
        "exc_nodes": hostlist_terms(a.excluded_nodes),
        "req_switch": whole(a.required_switches),
        "wait4switch": a.max_wait_time_switches or 0,
        "spread_job": "Yes" if a.spreads_over_nodes else None,
        "segment_size": number_or_none(a.segment_size),
        "spread_segments": bool(a.spread_segments),
        "consolidate_segments": bool(a.consolidate_segments),
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
        "mem_per_tres": None,
        "pn_min_tmp_disk": whole(a.temporary_disk_per_node),
    }


def tres(a: JobAttributes) -> Record:
    """Requested TRES, generic resources, licenses, frequencies."""
    gres = gres_list(a.gres_per_node) if a.gres_per_node else []
    profile_types = a.profile_types or []
    return {
        "gres": gres,
        "gres_enforce_bind": {"enforce-binding": "Yes", "disable-binding": "No"}.get(a.gres_binding or ""),
        "gres_tasks_per_sharing": a.gres_tasks_per_sharing,
        "tres_req_str": tres_text(a.requested_tres),
        "tres_per_job": tres_text(a.tres_per_job),
        "tres_per_node": ",".join(f"gres/{item}" for item in gres) or None,
        "tres_per_socket": tres_text(a.tres_per_socket),
        "tres_per_task": tres_text(a.tres_per_task),
        "tres_bind": None,
        "tres_freq": None,
        "licenses": counts_by_name(a.licenses or ()),
        "profile": profile_bits(profile_types),
        "profile_types": profile_types,
        "burst_buffer": a.burst_buffer,
        "burst_buffer_state": a.burst_buffer_state,
        "network": a.network,
        "cpu_freq_gov": cpu_frequency(a.cpu_frequency_governor),
        "cpu_freq_min": cpu_frequency(a.cpu_frequency_min),
        "cpu_freq_max": cpu_frequency(a.cpu_frequency_max),
    }


def allocated(a: JobAttributes) -> Record:
    """What the job holds, except by node."""
    return {
        "nodes": a.allocated_nodes or None,
        "batch_host": a.batch_host,
        "sched_nodes": a.scheduled_nodes,
        "tres_alloc_str": tres_text(a.allocated_tres),
        "licenses_allocated": counts_by_name(a.allocated_licenses or ()),
        "billable_tres": a.billable_tres,
        "reserved_ports": a.reserved_ports,
        "kill_step_when_oom": bool(a.kill_step_when_oom),
    }


def files(a: JobAttributes) -> Record:
    """Command, files, free text."""
    output = _file(a, a.standard_output)
    return {
        "command": a.command,
        "work_dir": a.working_directory,
        "std_in": _file(a, a.standard_input),
        "std_out": output,
        "std_err": _file(a, a.standard_error) or output,
        "comment": a.comment,
        "admin_comment": a.admin_comment,
        "system_comment": a.system_comment,
        "extra": a.extra,
        "selinux_context": a.selinux_context,
    }


def _file(a: JobAttributes, path: str | None) -> str | None:
    if not path or not a.is_batch_job:
        return None
    return path.replace(UNSET_TASK, "%a") if a.array_tasks_waiting else path

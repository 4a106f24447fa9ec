"""Converts pyslurm's partition objects to published partition records."""

from __future__ import annotations

from slurm_rest_api.slurm.sentinels import INFINITE, INFINITE16, NO_VAL, NO_VAL16
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.formats import (
    UNLIMITED,
    duration_text,
    none_if_unset,
    number_or_none,
    whole,
    whole_or_word,
)
from slurm_rest_api.slurmapi.sources.pyslurm.attributes import PartitionAttributes

FORCED = 32768
"""SHARED_FORCE of slurm.h."""

CONSUMABLES = {
    "CPU": 1,
    "SOCKET": 2,
    "CORE": 4,
    "MEMORY": 16,
    "CPU_MEMORY": 17,
    "SOCKET_MEMORY": 18,
    "CORE_MEMORY": 20,
}
"""CR_* of slurm.h."""


def partition_record(a: PartitionAttributes) -> Record:
    """Returns one record."""
    return {**_access(a), **_limits(a), **_scheduling(a)}


def _access(a: PartitionAttributes) -> Record:
    deny_accounts, deny_qos = _denied(a.denied_accounts), _denied(a.denied_qos)
    return {
        "name": a.name,
        "cluster": a.cluster,
        "state": a.state or "UNKNOWN",
        "allow_accounts": None if deny_accounts else _allowed(a.allowed_accounts),
        "deny_accounts": deny_accounts,
        "allow_qos": None if deny_qos else _allowed(a.allowed_qos),
        "deny_qos": deny_qos,
        "allow_groups": _allowed(a.allowed_groups),
        "allow_alloc_nodes": _allowed(a.allowed_submit_nodes),
        "alternate": a.alternate,
        "qos_char": a.qos,
        "flags": {
            "Default": int(bool(a.is_default)),
            "Hidden": int(bool(a.is_hidden)),
            # Despite its name, the attribute is true when NO_ROOT is set.
            "DisableRootJobs": int(bool(a.allow_root_jobs)),
            "RootOnly": int(bool(a.is_root_only)),
            "LLN": int(bool(a.least_loaded_nodes_scheduling)),
            "ExclusiveUser": int(bool(a.is_user_exclusive)),
            "Shared": _shared(a.oversubscribe),
        },
        "requires_reservation": bool(a.requires_reservation),
        "power_down_on_idle": bool(a.power_down_on_idle),
    }


def _allowed(names: list[str] | None) -> list[str] | str:
    return "ALL" if not names or names == ["ALL"] else names


def _denied(names: list[str] | None) -> list[str] | None:
    # pyslurm has ["ALL"] where no name is denied.
    return None if not names or names == ["ALL"] else names


def _shared(oversubscribe: str | None) -> str:
    return (oversubscribe or "NO").replace("FORCE:", "FORCED:")


def _max_share(oversubscribe: str | None) -> int:
    kind, _, jobs = (oversubscribe or "NO").partition(":")
    if kind == "EXCLUSIVE":
        return 0
    return int(jobs or 1) + (FORCED if kind == "FORCE" else 0)


def _limits(a: PartitionAttributes) -> Record:
    default_time = _seconds(a.default_time, "NONE")
    max_time = _seconds(a.max_time, UNLIMITED)
    return {
        "default_time": default_time,
        "default_time_str": _seconds_text(default_time),
        "max_time": max_time,
        "max_time_str": _seconds_text(max_time),
        "over_time_limit": a.over_time_limit or "NONE",
        "grace_time": whole(a.preemption_grace_time),
        "def_mem_per_cpu": a.default_memory_per_cpu,
        "def_mem_per_node": a.default_memory_per_node,
        "max_mem_per_cpu": a.max_memory_per_cpu,
        "max_mem_per_node": a.max_memory_per_node,
        "def_cpus_per_gpu": number_or_none(a.default_cpus_per_gpu),
        "def_mem_per_gpu": number_or_none(a.default_memory_per_gpu),
        "max_cpus_per_node": whole_or_word(a.max_cpus_per_node),
        # Slurm has the limit since 23.02.
        "max_cpus_per_socket": None if a.max_cpus_per_socket is None else whole_or_word(a.max_cpus_per_socket),
        "max_nodes": whole_or_word(a.max_nodes),
        "min_nodes": whole(a.min_nodes),
        "max_share": _max_share(a.oversubscribe),
    }


def _seconds(minutes: int | str | None, unset: str) -> int | str:
    return minutes * 60 if isinstance(minutes, int) else minutes or unset


def _seconds_text(seconds: int | str) -> str:
    return seconds if isinstance(seconds, str) else duration_text(seconds)


def _scheduling(a: PartitionAttributes) -> Record:
    # pyslurm documents a list. It has a word, or [] for the cluster's setting.
    select = a.select_type_parameters if isinstance(a.select_type_parameters, str) else None
    return {
        "nodes": a.nodes,
        "nodesets": a.nodesets or [],
        "total_nodes": whole(a.total_nodes),
        "total_cpus": whole(a.total_cpus),
        "priority": whole(a.priority_tier),
        "priority_tier": whole(a.priority_tier),
        "priority_job_factor": whole(a.priority_job_factor),
        "preempt_mode": a.preempt_mode,
        "cr_type": CONSUMABLES.get(select or "", 0),
        "select_type_parameters": select,
        "cpu_bind": a.cpu_binding,
        "billing_weights_str": a.raw_billing_weights_str or None,
        "tres_fmt_str": a.raw_tres_fmt_str or None,
        "resume_timeout": _power_saving(a.raw_resume_timeout, NO_VAL16, INFINITE16),
        "suspend_time": _power_saving(a.raw_suspend_time, NO_VAL, INFINITE),
        "suspend_timout": _power_saving(a.raw_suspend_timeout, NO_VAL16, INFINITE16),
    }


def _power_saving(seconds: int | None, unset: int, infinite: int) -> int | str | None:
    """Returns seconds, None where the cluster's value applies."""
    return UNLIMITED if seconds == infinite else none_if_unset(seconds, unset)

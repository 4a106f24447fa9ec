"""Converts pyslurm's classic job dictionaries to published records."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from slurm_rest_api.slurm.states import holds_nodes
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.allocation import AllocationFields, even_allocation, no_allocation
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.formats import (
    PROFILE_BITS,
    UNLIMITED,
    duration_text,
    hostlist_terms,
    joined,
    minutes_text,
)
from slurm_rest_api.slurmapi.sources.legacy_values import (
    ENDLESS,
    UNSET,
    UNSET_TIMES,
    Rule,
    bit,
    by_rules,
    count,
    count_16,
    flag,
    maybe,
    maybe_16,
    moment,
    text,
    words,
)

PARTITION_LIMIT = "Partition_Limit"


def _names(text_of_names: str) -> tuple[str, ...]:
    return tuple(text_of_names.split())


def _nothing(value: Any) -> None:
    """Returns None, for a field that no classic dictionary has."""


RULES: dict[Rule, tuple[str, ...]] = {
    text: _names(
        "name account partition qos wckey resv_name mcs_label alloc_node array_task_str fed_origin fed_viable_siblings "
        "fed_active_siblings dependency kill_on_invalid_dependent cpus_per_tres batch_features cluster_features "
        "spread_job mem_per_tres gres_enforce_bind tres_req_str tres_per_job tres_per_node tres_per_socket "
        "tres_per_task tres_bind tres_freq burst_buffer burst_buffer_state network nodes batch_host sched_nodes "
        "tres_alloc_str command work_dir std_in std_out std_err comment admin_comment system_comment selinux_context"
    ),
    count: _names(
        "job_id user_id group_id assoc_id alloc_sid priority submit_time eligible_time start_time end_time "
        "suspend_time resize_time run_time time_min num_cpus num_nodes max_nodes req_switch wait4switch pn_min_cpus "
        "pn_min_memory pn_min_tmp_disk nice"
    ),
    count_16: _names("restart_cnt boards_per_node sockets_per_board ntasks_per_node ntasks_per_board"),
    maybe: _names("array_job_id array_task_id array_max_tasks array_task_throttle min_memory_cpu min_memory_node"),
    maybe_16: _names(
        "cpus_per_task sockets_per_node cores_per_socket threads_per_core ntasks_per_core ntasks_per_socket core_spec"
    ),
    flag: _names("requeue contiguous mem_per_cpu mem_per_node"),
    bit: _names("reboot batch_flag"),
    moment: _names("accrue_time last_sched_eval"),
    words: _names("features"),
    _nothing: _names(
        "cluster cronjob_time container container_id failed_node deadline delay_boot_time ntasks_per_gpu segment_size "
        "gres_tasks_per_sharing reserved_ports extra"
    ),
}
"""The rule of each field that comes from the classic key of the same name."""


def job_record(job_id: int, classic: Mapping[str, Any], names: UserNames) -> Record:
    """Returns one record.

    Args:
        job_id: Key of the job in the classic dictionary; 17.11 has no other place for it in some records.
        classic: The job's dictionary.
        names: Names of users and groups.
    """
    record = by_rules(RULES, classic)
    record |= {
        "job_id": job_id,
        "user_name": names.user(record["user_id"]),
        "group_name": names.group(record["group_id"]),
        "is_cronjob": False,
        "spread_segments": False,
        "consolidate_segments": False,
        "kill_step_when_oom": False,
        "preferred_features": [],
        "licenses": dict(classic.get("licenses") or {}),
        "licenses_allocated": {},
    }
    record |= _heterogeneous(classic)
    record |= _state(classic)
    record |= _durations(record, classic)
    record |= _request(record, classic)
    record |= _allocation(record, classic)
    return record


def _heterogeneous(classic: Mapping[str, Any]) -> Record:
    leader = maybe(classic.get("het_job_id") or classic.get("pack_job_id")) or None
    offset = maybe(classic.get("het_job_offset", classic.get("pack_job_offset"))) or 0
    components = text(classic.get("het_job_id_set") or classic.get("pack_job_id_set"))
    values = {"job_id": leader, "job_offset": offset if leader else None, "job_id_set": components if leader else None}
    return {f"{prefix}_{name}": value for prefix in ("het", "pack") for name, value in values.items()}


def _state(classic: Mapping[str, Any]) -> Record:
    eligible, preempted = classic.get("preempt_eligible_time"), classic.get("preempt_time")
    return {
        "job_state": text(classic.get("job_state")) or "UNKNOWN",
        "state_reason": (text(classic.get("state_reason")) or "None").replace(" ", "_"),
        "exit_code": text(classic.get("exit_code")) or "0:0",
        "derived_ec": text(classic.get("derived_ec")) or "0:0",
        "preempt_eligible_time": None if eligible is None or eligible in UNSET_TIMES else str(eligible),
        "preempt_time": _epoch(preempted),
    }


def _epoch(value: Any) -> int | None:
    # A number until 18.08, local time text from 19.05 on.
    if isinstance(value, str):
        return None if value in UNSET_TIMES else int(time.mktime(time.strptime(value, "%Y-%m-%dT%H:%M:%S")))
    return maybe(value) or None


def _durations(record: Record, classic: Mapping[str, Any]) -> Record:
    given = classic.get("time_limit")
    if given == PARTITION_LIMIT or given in UNSET:
        limit: int | str = PARTITION_LIMIT
    else:
        limit = UNLIMITED if given is None or given == UNLIMITED or given in ENDLESS else count(given)
    run_time = record["run_time"]
    holding = holds_nodes(record["job_state"])
    return {
        "time_limit": limit,
        "time_limit_str": minutes_text(limit),
        "run_time_str": duration_text(run_time),
        "run_time_remaining": limit * 60 - run_time if isinstance(limit, int) and holding else None,
        "elapsed_cpu_time": record["num_cpus"] * run_time,
        "pre_sus_time": count(classic.get("pre_sus_time")),
    }


def _request(record: Record, classic: Mapping[str, Any]) -> Record:
    profile = classic.get("profile") or 0
    # ACCT_GATHER_PROFILE_ALL is all bits; NO_VAL is none.
    bits = 0 if profile in UNSET else profile & sum(PROFILE_BITS.values())
    per_cpu, per_node = record["min_memory_cpu"], record["min_memory_node"]
    shared = str(classic.get("shared"))
    total = per_node * record["num_nodes"] if per_node else None
    return {
        "num_tasks": count(classic.get("num_tasks")) or 1,
        "memory": per_cpu * record["num_cpus"] if per_cpu else total,
        "gres": words(classic.get("gres")) or _gres(record["tres_per_node"]),
        "ntasks_per_core_str": text(classic.get("ntasks_per_core_str")) or str(record["ntasks_per_core"] or 0),
        "ntasks_per_socket_str": text(classic.get("ntasks_per_socket_str")) or str(record["ntasks_per_socket"] or 0),
        "shared": shared if shared in {"0", "1", "USER"} else "OK",
        "req_nodes": _terms(classic.get("req_nodes")),
        "exc_nodes": _terms(classic.get("exc_nodes")),
        "profile": bits,
        "profile_types": [name for name, value in PROFILE_BITS.items() if bits & value],
        "billable_tres": _billable(classic.get("billable_tres")),
        **{name: maybe(classic.get(name)) or None for name in ("cpu_freq_gov", "cpu_freq_min", "cpu_freq_max")},
    }


def _terms(classic: list[str] | str | None) -> list[str]:
    # The classic list was split at every comma, inside brackets too.
    return hostlist_terms(joined(classic))


def _gres(tres_per_node: str | None) -> list[str]:
    items = (tres_per_node or "").split(",")
    return [item.removeprefix("gres:").removeprefix("gres/").replace("=", ":") for item in items if item]


def _billable(value: Any) -> float | None:
    return None if value is None or value in UNSET else float(value)


def _allocation(record: Record, classic: Mapping[str, Any]) -> AllocationFields:
    if not holds_nodes(record["job_state"]):
        return no_allocation()
    held = even_allocation(
        record["nodes"], record["num_cpus"], record["min_memory_cpu"] or None, record["min_memory_node"]
    )
    given = classic.get("cpus_allocated")
    if not given or not isinstance(given, Mapping):
        # 24.11 and 25.05 have 0, because Slurm removed the function for it.
        return held
    layout = classic.get("cpus_alloc_layout")
    ids = layout if isinstance(layout, Mapping) else {}
    per_cpu, per_node = record["min_memory_cpu"], record["min_memory_node"]
    return {
        "cpus_allocated": {node: count(cpus) for node, cpus in given.items()},
        "mem_allocated": {node: per_cpu * count(cpus) if per_cpu else per_node or 0 for node, cpus in given.items()},
        "cpus_alloc_layout": {node: list(ids.get(node) or []) for node in given},
        "gres_allocated": {node: {} for node in given},
    }

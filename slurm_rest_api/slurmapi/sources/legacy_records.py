"""Converts pyslurm's classic dictionaries of nodes, partitions and statistics to published records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slurm_rest_api.slurm.states import parse_node_state
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.formats import UNLIMITED, duration_text
from slurm_rest_api.slurmapi.sources.legacy_values import (
    ENDLESS,
    Rule,
    by_rules,
    count,
    count_16,
    limit,
    maybe,
    text,
    text_or_empty_list,
    words,
)
from slurm_rest_api.slurmapi.sources.pyslurm.partitions import CONSUMABLES
from slurm_rest_api.slurmapi.sources.pyslurm.statistics import BACKFILL_EXITS, RENAMED, SAME_NAME, SCHEDULE_EXITS

NODE_RULES: dict[Rule, tuple[str, ...]] = {
    text: (
        *("reason", "extra", "arch", "os", "version", "node_addr", "node_hostname", "mcs_label", "tres_fmt_str"),
        *("cluster", "next_state", "comment", "bcast_address", "cpu_bind", "alloc_tres_fmt_str"),
    ),
    count: (
        *("boot_time", "slurmd_start_time", "last_busy", "alloc_cpus", "err_cpus", "cpus"),
        *("real_memory", "alloc_mem", "mem_spec_limit", "tmp_disk", "weight"),
    ),
    count_16: ("boards", "sockets", "cores", "core_spec_cnt", "threads"),
    maybe: ("reason_time", "reason_uid", "cpu_load", "free_mem", "owner", "port"),
    words: ("gres", "gres_used", "partitions"),
    text_or_empty_list: ("gres_drain", "cpu_spec_list", "features", "features_active"),
}

ENERGY = (
    *("current_watts", "ave_watts", "base_watts"),
    *("base_consumed_energy", "consumed_energy", "previous_consumed_energy"),
)

PARTITION_RULES: dict[Rule, tuple[str, ...]] = {
    text: (
        *("cluster", "alternate", "qos_char", "nodes", "preempt_mode", "cpu_bind", "billing_weights_str"),
        "tres_fmt_str",
    ),
    count: ("grace_time", "min_nodes", "max_share", "total_nodes", "total_cpus", "cr_type"),
    count_16: ("priority_tier", "priority_job_factor"),
    limit: ("max_cpus_per_node", "max_cpus_per_socket", "max_nodes"),
    maybe: ("def_cpus_per_gpu", "def_mem_per_gpu", "resume_timeout", "suspend_time", "suspend_timout"),
}

FLAGS = ("Default", "Hidden", "DisableRootJobs", "RootOnly", "LLN", "ExclusiveUser")


def node_record(name: str, classic: Mapping[str, Any], names: UserNames) -> Record:
    """Returns one node. The field `state` has the text of the dictionary."""
    record = by_rules(NODE_RULES, classic)
    state = text(classic.get("state")) or "UNKNOWN"
    parsed = parse_node_state(state)
    energy = classic.get("energy") or {}
    uid = record["reason_uid"] if record["reason"] else None
    idle = record["cpus"] - record["alloc_cpus"] - record["err_cpus"]
    return {
        **record,
        "name": name,
        "state": state,
        "state_base": parsed.base,
        "state_flags": list(parsed.flags),
        "reason_time": record["reason_time"] or None,
        "reason_uid": uid,
        "reason_user": None if uid is None else names.user(uid),
        "cores_per_socket": record["cores"],
        "effective_cpus": record["cpus"],
        "idle_cpus": max(idle, 0),
        "idle_mem": max(record["real_memory"] - record["alloc_mem"], 0),
        "energy": {key: count(energy.get(key)) for key in ENERGY},
        "power_mgmt": {"cap_watts": maybe((classic.get("power_mgmt") or {}).get("cap_watts"))},
    }


def partition_record(name: str, classic: Mapping[str, Any]) -> Record:
    """Returns one partition."""
    record = by_rules(PARTITION_RULES, classic)
    flags = classic.get("flags") or {}
    default_time = _seconds(classic.get("default_time"), "NONE")
    max_time = _seconds(classic.get("max_time"), UNLIMITED)
    consumable = {number: word for word, number in CONSUMABLES.items()}
    return {
        **record,
        "name": name,
        # An INACTIVE partition came out as an empty text.
        "state": text(classic.get("state")) or "INACTIVE",
        **{key: _allowed(classic.get(key)) for key in ("allow_accounts", "allow_qos")},
        **{key: _allowed(classic.get(key)) or "ALL" for key in ("allow_groups", "allow_alloc_nodes")},
        "deny_accounts": words(classic.get("deny_accounts")) or None,
        # The classic API has the allowed ones under this name.
        "deny_qos": None,
        "flags": {key: int(bool(flags.get(key))) for key in FLAGS} | {"Shared": str(flags.get("Shared") or "NO")},
        "requires_reservation": False,
        "power_down_on_idle": False,
        "default_time": default_time,
        "default_time_str": _seconds_text(default_time),
        "max_time": max_time,
        "max_time_str": _seconds_text(max_time),
        "over_time_limit": _seconds(classic.get("over_time_limit"), "NONE") or "NONE",
        **{
            f"{kind}_mem_per_{what}": _memory(classic, kind, what)
            for kind in ("def", "max")
            for what in ("cpu", "node")
        },
        "nodesets": [],
        "priority": record["priority_tier"],
        "select_type_parameters": consumable.get(record["cr_type"]),
    }


def _allowed(value: Any) -> list[str] | str | None:
    return "ALL" if value == "ALL" else words(value) or None


def _memory(classic: Mapping[str, Any], kind: str, what: str) -> int | str | None:
    value = classic.get(f"{kind}_mem_per_{what}")
    return UNLIMITED if value == UNLIMITED or value in ENDLESS else maybe(value)


def _seconds(value: Any, unset: str) -> int | str:
    if value == UNLIMITED or value in ENDLESS:
        return UNLIMITED
    number = maybe(value)
    return unset if number is None else number


def _seconds_text(seconds: int | str) -> str:
    return seconds if isinstance(seconds, str) else duration_text(seconds)


def statistics_record(classic: Mapping[str, Any]) -> Record:
    """Returns the statistics. Means are computed from sums and counters."""
    record = {name: count(classic.get(name)) for name in (*SAME_NAME, *RENAMED, "bf_active", "schedule_cycle_depth")}
    cycles, bf_cycles = record["schedule_cycle_counter"], record["bf_cycle_counter"]
    minutes = (record["req_time"] - record["req_time_start"]) / 60
    types, users = classic.get("rpc_type_stats") or {}, classic.get("rpc_user_stats") or {}
    return {
        **record,
        "parts_packed": count(classic.get("parts_packed")),
        "job_states_ts": maybe(classic.get("job_states_ts")),
        "rpc_queue_enabled": False,
        "schedule_cycle_mean": _mean(record["schedule_cycle_sum"], cycles),
        "schedule_cycle_mean_depth": _mean(record["schedule_cycle_depth"], cycles),
        "schedule_cycles_per_minute": int(cycles / minutes) if minutes > 1 else 0,
        "bf_cycle_mean": _mean(record["bf_cycle_sum"], bf_cycles),
        "bf_mean_depth": _mean(record["bf_depth_sum"], bf_cycles),
        "bf_mean_depth_try": _mean(record["bf_depth_try_sum"], bf_cycles),
        "bf_queue_len_mean": _mean(record["bf_queue_len_sum"], bf_cycles),
        "schedule_exit": dict.fromkeys(SCHEDULE_EXITS, 0),
        "bf_exit": dict.fromkeys(BACKFILL_EXITS, 0),
        "rpc_type_stats": {str(name): _rpc(rpc) | _QUEUE for name, rpc in types.items()},
        "rpc_user_stats": {str(name): _rpc(rpc) | {"user_name": str(name)} for name, rpc in users.items()},
        "rpc_pending": {},
    }


_QUEUE = {"queued": 0, "dropped": 0, "cycle_last": 0, "cycle_max": 0}


def _mean(total: int, number: int) -> int:
    return total // number if number else 0


def _rpc(classic: Mapping[str, Any]) -> Record:
    return {name: count(classic.get(name)) for name in ("id", "count", "ave_time", "total_time")}

"""Converts pyslurm's node objects to published node records."""

from __future__ import annotations

from typing import Any

from slurm_rest_api.slurm.gres import gres_texts, used_gres_texts
from slurm_rest_api.slurm.sentinels import NO_VAL, NO_VAL64
from slurm_rest_api.slurm.states import node_state_text, parse_node_state
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.formats import joined, none_if_unset, number_or_none, whole
from slurm_rest_api.slurmapi.sources.pyslurm.attributes import NodeAttributes


def node_record(a: NodeAttributes, names: UserNames) -> Record:
    """Returns one record. `names` has the names of users."""
    return {**_state(a, names), **_resources(a), **_hardware(a)}


def _state(a: NodeAttributes, names: UserNames) -> Record:
    state = parse_node_state(a.state)
    # pyslurm looks at CPUs alone. A suspended job keeps memory and no CPUs (_set_node_mixed_op() of node_info.c).
    if state.base == "IDLE" and a.raw_alloc_tres_fmt_str:
        state = state._replace(base="MIXED")
    # slurmctld leaves 0 there for nodes that never had a reason, which is root.
    reason_uid = none_if_unset(a.raw_reason_uid, NO_VAL) if a.reason else None
    return {
        "name": a.name,
        "cluster": a.cluster,
        "state": node_state_text(state),
        "state_base": state.base,
        "state_flags": list(state.flags),
        "next_state": a.next_state,
        "reason": a.reason or None,
        "reason_time": a.reason_time if a.reason else None,
        "reason_uid": reason_uid,
        "reason_user": None if reason_uid is None else names.user(reason_uid),
        "boot_time": a.boot_time or 0,
        "slurmd_start_time": a.slurmd_start_time or 0,
        "last_busy": a.last_busy_time or 0,
        "comment": a.comment,
        "extra": a.extra,
    }


def _resources(a: NodeAttributes) -> Record:
    cpus, alloc_cpus = whole(a.total_cpus), whole(a.allocated_cpus)
    effective = whole(a.effective_cpus)
    memory, alloc_mem = whole(a.real_memory), whole(a.allocated_memory)
    reserved_mem = whole(a.memory_reserved_for_system)
    return {
        "cpus": cpus,
        "effective_cpus": effective,
        "alloc_cpus": alloc_cpus,
        "idle_cpus": max(effective - alloc_cpus, 0),
        "err_cpus": 0,
        "cpu_load": none_if_unset(a.raw_cpu_load, NO_VAL),
        "real_memory": memory,
        "alloc_mem": alloc_mem,
        "idle_mem": max(memory - reserved_mem - alloc_mem, 0),
        "free_mem": none_if_unset(a.raw_free_mem, NO_VAL64),
        "mem_spec_limit": reserved_mem,
        "tmp_disk": whole(a.temporary_disk),
        "gres": gres_texts(a.raw_gres),
        "gres_used": used_gres_texts(a.raw_gres_used),
        "gres_drain": _text_or_list(a.raw_gres_drain),
        "tres_fmt_str": a.raw_tres_fmt_str or None,
        "alloc_tres_fmt_str": a.raw_alloc_tres_fmt_str or None,
        "energy": {
            "current_watts": whole(a.current_watts),
            "ave_watts": whole(a.avg_watts),
            "base_watts": 0,
            "base_consumed_energy": 0,
            "consumed_energy": 0,
            "previous_consumed_energy": 0,
        },
        "power_mgmt": {"cap_watts": None},
    }


def _text_or_list(text: str | None) -> Any:
    """Returns a text, the classic `[]` for none."""
    return [] if text in (None, "", "N/A") else text


def _hardware(a: NodeAttributes) -> Record:
    features: Any = joined(a.available_features) or []
    features_active: Any = joined(a.active_features) or []
    return {
        "arch": a.architecture,
        "os": a.operating_system,
        "version": a.slurm_version,
        "node_addr": a.address,
        "node_hostname": a.hostname,
        "bcast_address": a.bcast_address,
        "port": number_or_none(a.slurmd_port),
        "boards": whole(a.boards),
        "sockets": whole(a.sockets),
        "cores": whole(a.cores_per_socket),
        "cores_per_socket": whole(a.cores_per_socket),
        "threads": whole(a.threads_per_core),
        "core_spec_cnt": whole(a.cores_reserved_for_system),
        "cpu_spec_list": _text_or_list(a.raw_cpu_spec_list),
        "cpu_bind": a.cpu_binding,
        "features": features,
        "features_active": features_active,
        "partitions": a.partitions or [],
        "owner": none_if_unset(a.raw_owner, NO_VAL),
        "mcs_label": a.mcs_label,
        "weight": whole(a.weight),
    }

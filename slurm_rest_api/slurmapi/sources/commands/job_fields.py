"""Converts groups of fields of scontrol's job text. Each depends on the values of its keys and on the state alone."""

from __future__ import annotations

from typing import Final

from slurm_rest_api.slurm.gres import gres_texts
from slurm_rest_api.slurm.sentinels import NO_VAL
from slurm_rest_api.slurm.states import base_job_state, holds_nodes
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands.job_values import (
    cpu_frequency,
    exit_code,
    mebibytes,
    number,
    range_end,
    seconds,
    word,
)
from slurm_rest_api.slurmapi.sources.formats import (
    PARTITION_LIMIT,
    UNLIMITED,
    clock_fields,
    hostlist_terms,
    license_counts,
    minutes_text,
    tres_memory,
)

THREAD_RESERVATION: Final = 0x8000
"""CORE_SPEC_THREAD of slurm.h: the number is one of threads, not of cores."""

_SHARING: Final = {"0": "0", "1": "1", "NO": "0", "YES": "1", "USER": "USER"}
_EXCLUSIVE: Final = {"NODE": "0", "USER": "USER"}
_TASKS_PER_SHARING: Final = {"Yes": "one", "No": "multiple"}

Fields = dict[str, str]


def word_of_user(text: str | None) -> str | None:
    """Returns a text of a user, None if it is empty or `(null)`, which Slurm prints for no text."""
    return None if text in ("", "(null)", None) else text


def _array_and_heterogeneous(f: Fields, state: str) -> Record:
    """Returns the fields of an array, a heterogeneous job and a federation."""
    task = f.get("ArrayTaskId", "")
    # `ArrayTaskId=5` is also the text of the only task that waits, which squeue prints as `116_[5]`. A task that was
    # requeued has its number there.
    is_text = "ArrayRecord" in f and base_job_state(state) == "PENDING" and f.get("Restarts", "0") == "0"
    waiting = (task or None) if is_text or not task.isdecimal() else None
    # Releases before 19.05 have the limit in the text of the tasks only.
    limit = number(f.get("ArrayTaskThrottle")) or number((waiting or "").partition("%")[2]) or None
    het, offset = number(f.get("HetJobId")) or None, number(f.get("HetJobOffset"))
    het_set = word(f.get("HetJobIdSet") or f.get("PackJobIdSet"))
    return {
        "array_job_id": number(f.get("ArrayJobId")),
        # A record for many tasks has NO_VAL once it was cancelled.
        "array_task_id": int(task) if task.isdecimal() and waiting is None and int(task) != NO_VAL else None,
        "array_task_str": waiting,
        "array_max_tasks": limit,
        "array_task_throttle": limit,
        "het_job_id": het,
        "het_job_offset": offset if het else None,
        "het_job_id_set": het_set,
        "pack_job_id": het,
        "pack_job_offset": offset if het else None,
        "pack_job_id_set": het_set,
        "fed_origin": word(f.get("FedOrigin")),
        "fed_viable_siblings": word(f.get("FedViableSiblings")),
        "fed_active_siblings": word(f.get("FedActiveSiblings")),
    }


def _state(f: Fields, state: str) -> Record:
    """Returns state, priority, dependencies and exit codes."""
    return {
        "job_state": state,
        "state_reason": f.get("Reason") or "None",
        "priority": number(f.get("Priority")) or 0,
        "nice": number(f.get("Nice")) or 0,
        "requeue": f.get("Requeue", "0") != "0",
        "restart_cnt": number(f.get("Restarts")) or 0,
        "reboot": int(f.get("Reboot", "0") != "0"),
        "batch_flag": int(f.get("BatchFlag", "0") != "0"),
        "exit_code": exit_code(f.get("ExitCode")),
        "derived_ec": exit_code(f.get("DerivedExitCode")),
        "failed_node": word(f.get("FailedNode")),
        "dependency": word(f.get("Dependency")),
        "kill_on_invalid_dependent": f.get("KillOnInvalidDependent") or f.get("KillOInInvalidDependent"),
    }


def _durations(f: Fields, state: str) -> Record:
    """Returns run times and time limits."""
    run_time = seconds(f.get("RunTime")) or 0
    text = f.get("TimeLimit", PARTITION_LIMIT)
    limit_seconds = seconds(text)
    limit = text if limit_seconds is None else limit_seconds // 60
    return {
        **clock_fields(run_time, number(f.get("NumCPUs")), limit, state),
        "pre_sus_time": number(f.get("SecsPreSuspend")) or 0,
        "time_limit": limit,
        "time_limit_str": minutes_text(limit),
        "time_min": (seconds(f.get("TimeMin")) or 0) // 60,
        "delay_boot_time": seconds(f.get("DelayBoot")) or None,
    }


def _size(f: Fields, state: str) -> Record:
    """Returns requested CPUs, nodes and tasks, and their layout."""
    boards, sockets_per_board, cores, threads = _four(f.get("ReqB:S:C:T"))
    per_node, per_board, per_socket, per_core = _four(f.get("NtasksPerN:B:S:C"))
    spec = number(f.get("CoreSpec"))
    if "ThreadSpec" in f:
        spec = (number(f["ThreadSpec"]) or 0) | THREAD_RESERVATION
    is_pending = base_job_state(state) == "PENDING"
    return {
        "num_cpus": number(f.get("NumCPUs")) or 0,
        "num_nodes": number(f.get("NumNodes")) or 0,
        "num_tasks": number(f.get("NumTasks")) or 1,
        "max_nodes": range_end(f.get("NumNodes")) if is_pending else None,
        "cpus_per_task": None if "CpusPerTres" in f else number(f.get("CPUs/Task")),
        "cpus_per_tres": word(f.get("CpusPerTres")),
        "pn_min_cpus": number(f.get("MinCPUsNode")) or 0,
        "boards_per_node": boards or 0,
        "sockets_per_board": sockets_per_board or 0,
        "sockets_per_node": number(f.get("Socks/Node")),
        "cores_per_socket": cores,
        "threads_per_core": threads,
        "ntasks_per_core": per_core,
        "ntasks_per_core_str": UNLIMITED if per_core is None else str(per_core),
        "ntasks_per_socket": per_socket,
        "ntasks_per_socket_str": UNLIMITED if per_socket is None else str(per_socket),
        "ntasks_per_node": per_node or 0,
        "ntasks_per_board": per_board or 0,
        "ntasks_per_gpu": number(f.get("NtasksPerTRES")) or None,
        "core_spec": spec,
        "contiguous": f.get("Contiguous", "0") != "0",
        "shared": _shared(f),
    }


def _four(text: str | None) -> list[int | None]:
    """Returns the numbers of `0:0:*:*`, None for `*`."""
    return ([number(part) for part in (text or "").split(":")] + [None] * 4)[:4]


def _shared(f: Fields) -> str:
    if "Exclusive" in f:
        return _EXCLUSIVE.get(f["Exclusive"]) or ("1" if f.get("OverSubscribe") == "YES" else "OK")
    return _SHARING.get(f.get("OverSubscribe") or f.get("Shared") or "NO", "OK")


def _placement(f: Fields, _state: str) -> Record:
    """Returns the nodes and features that the job asks for."""
    switches, _, wait = f.get("Switches", "").strip().partition("@")
    return {
        "features": _list(f.get("Features")),
        "preferred_features": _list(f.get("Prefer")),
        "batch_features": word(f.get("BatchFeatures")),
        "cluster_features": word(f.get("ClusterFeatures")),
        "req_nodes": hostlist_terms(word(f.get("ReqNodeList"))),
        "exc_nodes": hostlist_terms(word(f.get("ExcNodeList"))),
        "req_switch": number(switches) or 0,
        "wait4switch": seconds(wait) or 0,
        "spread_job": "Yes" if f.get("SpreadJob") == "Yes" else None,
        "segment_size": number(f.get("SegmentSize")),
        "spread_segments": f.get("SpreadSegments") == "Yes",
        "consolidate_segments": f.get("ConsolidateSegments") == "Yes",
    }


def _list(text: str | None) -> list[str]:
    found = word_of_user(text)
    return found.split(",") if found else []


def _memory(f: Fields, state: str) -> Record:
    """Returns the requested memory in MiB. What is requested as a whole node or per GPU is what is allocated."""
    allocated = f.get("AllocTRES") or (f.get("TRES") if base_job_state(state) != "PENDING" else None)
    per_cpu, per_node = mebibytes(f.get("MinMemoryCPU")), mebibytes(f.get("MinMemoryNode"))
    per_tres = word(f.get("MemPerTres"))
    if per_tres:
        # 22.05 prints the partition's default for a CPU, which slurmctld does not use for such a job.
        per_cpu = per_node = None
    by_tres = per_cpu is None and per_node is None
    total = (per_cpu or 0) * (number(f.get("NumCPUs")) or 0) or (per_node or 0) * (number(f.get("NumNodes")) or 0)
    return {
        "memory": total or tres_memory(allocated),
        "mem_per_cpu": per_cpu is not None,
        "min_memory_cpu": per_cpu,
        "mem_per_node": per_cpu is None and not by_tres,
        "min_memory_node": per_node,
        "pn_min_memory": per_cpu or per_node or 0,
        "mem_per_tres": per_tres,
        "pn_min_tmp_disk": mebibytes(f.get("MinTmpDiskNode")) or 0,
    }


def _tres(f: Fields, state: str) -> Record:
    """Returns TRES, generic resources, licenses and CPU frequencies."""
    # Until 22.05 `TRES` is what the job has once it started, and what it asks for until then.
    has_started = base_job_state(state) != "PENDING"
    old = word(f.get("TRES"))
    per_node = word(f.get("TresPerNode") or f.get("Gres"))
    # Until 24.11 a job has no alternatives, so it holds what it asked for.
    held_licenses = f.get("Licenses") if holds_nodes(state) else None
    return {
        "gres": gres_texts(per_node),
        "gres_enforce_bind": f.get("GresEnforceBind"),
        "gres_tasks_per_sharing": _TASKS_PER_SHARING.get(f.get("GresOneTaskPerSharing", "")),
        "tres_req_str": word(f.get("ReqTRES")) or (None if has_started else old),
        "tres_alloc_str": word(f.get("AllocTRES")) or (old if has_started else None),
        "tres_per_job": word(f.get("TresPerJob")),
        "tres_per_node": per_node,
        "tres_per_socket": word(f.get("TresPerSocket")),
        "tres_per_task": word(f.get("TresPerTask")),
        "tres_bind": word(f.get("TresBind")),
        "tres_freq": word(f.get("TresFreq")),
        "licenses": license_counts(word(f.get("Licenses"))),
        "licenses_allocated": license_counts(word(f.get("LicensesAlloc", held_licenses))),
        "profile": None,
        "profile_types": None,
        "burst_buffer": word_of_user(f.get("BurstBuffer")),
        "burst_buffer_state": word_of_user(f.get("BurstBufferState")),
        "network": word_of_user(f.get("Network")),
        "cpu_freq_gov": cpu_frequency(f.get("Governor")),
        "cpu_freq_min": cpu_frequency(f.get("CPU_min_freq")),
        "cpu_freq_max": cpu_frequency(f.get("CPU_max_freq")),
        "billable_tres": None,
        "reserved_ports": word(f.get("ResvPorts")),
        "kill_step_when_oom": f.get("OOMKillStep", "0") != "0",
    }


SECTIONS: Final = (
    (
        _array_and_heterogeneous,
        "ArrayRecord Restarts ArrayTaskId ArrayTaskThrottle HetJobId HetJobOffset HetJobIdSet PackJobIdSet ArrayJobId "
        "FedOrigin FedViableSiblings FedActiveSiblings",
    ),
    (
        _state,
        "Reason Priority Nice Requeue Restarts Reboot BatchFlag ExitCode DerivedExitCode FailedNode "
        "Dependency KillOnInvalidDependent KillOInInvalidDependent",
    ),
    (_durations, "RunTime TimeLimit NumCPUs SecsPreSuspend TimeMin DelayBoot"),
    (
        _size,
        "ReqB:S:C:T NtasksPerN:B:S:C CoreSpec ThreadSpec NumCPUs NumNodes NumTasks CPUs/Task CpusPerTres "
        "MinCPUsNode Socks/Node NtasksPerTRES Contiguous Exclusive OverSubscribe Shared",
    ),
    (
        _placement,
        "Switches Features Prefer BatchFeatures ClusterFeatures ReqNodeList ExcNodeList SpreadJob SegmentSize "
        "SpreadSegments ConsolidateSegments",
    ),
    (_memory, "MinMemoryCPU MinMemoryNode NumCPUs NumNodes TRES AllocTRES MemPerTres MinTmpDiskNode"),
    (
        _tres,
        "TRES TresPerNode Gres GresEnforceBind GresOneTaskPerSharing ReqTRES AllocTRES TresPerJob "
        "TresPerSocket TresPerTask TresBind TresFreq Licenses LicensesAlloc BurstBuffer BurstBufferState "
        "Network Governor CPU_min_freq CPU_max_freq ResvPorts OOMKillStep",
    ),
)
"""Groups of fields with the keys that they are made of."""

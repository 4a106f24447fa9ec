"""Converts the lines of `scontrol -o -a show part` to published partition records.

Sources: slurm_sprint_partition_info() of src/api/partition_info.c, Slurm 15.08 to 26.05.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands.key_values import Key, Reading, RecordGrammar, seconds_of, whole_number
from slurm_rest_api.slurmapi.sources.formats import UNLIMITED, duration_text
from slurm_rest_api.slurmapi.sources.hostlists import expand_known

FORCED: Final = 32768
"""SHARED_FORCE of slurm.h."""

CONSUMABLES: Final = {"CPU": 1, "SOCKET": 2, "CORE": 4, "MEMORY": 16}
"""CR_* of slurm.h."""


def _is_weights(text: str) -> bool:
    return " ResumeTimeout=" not in text


_GRAMMAR: Final = RecordGrammar(
    (
        Key("PartitionName"),
        # Groups of a directory service may have blanks.
        Key("AllowGroups", is_text=True, then=("AllowAccounts", "DenyAccounts")),
        *(Key(name, is_text=True, then=("AllowQos", "DenyQos")) for name in ("AllowAccounts", "DenyAccounts")),
        *(Key(name, is_text=True, then=("AllocNodes",)) for name in ("AllowQos", "DenyQos")),
        *(Key(name) for name in ("AllocNodes", "Alternate", "Default", "CpuBind")),
        Key("QoS", is_text=True, then=("Midplanes", "DefaultTime")),
        *(Key(name) for name in ("Midplanes", "DefaultTime")),
        *(Key(name) for name in ("DisableRootJobs", "ExclusiveUser", "ExclusiveTopo", "Exclusive", "GraceTime")),
        *(Key(name) for name in ("Hidden", "MaxNodes", "MaxTime", "MinNodes", "LLN")),
        *(Key(name) for name in ("MaxCPUsPerNode", "MaxCPUsPerSocket", "NodeSets", "Nodes")),
        *(Key(name) for name in ("Priority", "PriorityJobFactor", "PriorityTier", "RootOnly", "ReqResv")),
        *(Key(name) for name in ("Shared", "OverSubscribe", "OverTimeLimit", "PreemptMode", "Topology")),
        *(Key(name) for name in ("State", "TotalCPUs", "TotalNodes", "SelectTypeParameters", "JobDefaults")),
        *(Key(name) for name in ("DefMemPerCPU", "DefMemPerNode")),
        *(Key(name, ends=True) for name in ("MaxMemPerCPU", "MaxMemPerNode", "TRES")),
        # slurm.conf may have blanks after the commas.
        Key("TRESBillingWeights", is_text=True, then=("ResumeTimeout",), ends=True, accepts=_is_weights),
        *(Key(name, ends=True) for name in ("ResumeTimeout", "SuspendTimeout", "SuspendTime", "PowerDownOnIdle")),
    ),
    first="PartitionName",
)


def partition_record(line: bytes, cluster: str | None) -> Record:
    """Returns the record of one line.

    Args:
        line: A line that begins with `PartitionName=`.
        cluster: Name of the cluster.

    Raises:
        ValueError: The line is no partition, or it can be read in two ways.
    """
    reading = _GRAMMAR.read(line.decode(errors="replace"))
    if reading.doubtful:
        doubtful = ", ".join(sorted(reading.doubtful))
        raise ValueError(f"partition {reading.get('PartitionName')} can be read in two ways: {doubtful}")
    return {**_access(reading, cluster), **_limits(reading), **_scheduling(reading)}


def partition_records(lines: Iterable[bytes], cluster: str | None) -> list[Record]:
    """Returns the records of a whole output. `No partitions in the system` is an empty list.

    Raises:
        ValueError: As partition_record.
    """
    return [partition_record(line, cluster) for line in lines if line.startswith(b"PartitionName=")]


def add_partitions(nodes: Iterable[Record], partitions: Iterable[Record]) -> None:
    """Fills `partitions` of nodes from those of a release without `Partitions=` (before 17.02)."""
    members: dict[str, list[str]] = {}
    for partition in partitions:
        for node in expand_known(partition["nodes"]):
            members.setdefault(node, []).append(partition["name"])
    for record in nodes:
        record["partitions"] = members.get(record["name"], [])


def _access(a: Reading, cluster: str | None) -> Record:
    deny_accounts, deny_qos = a.word("DenyAccounts"), a.word("DenyQos")
    exclusive = a.get("Exclusive")
    return {
        "name": a.get("PartitionName"),
        "cluster": cluster,
        "state": a.word("State") or "UNKNOWN",
        "allow_accounts": None if deny_accounts else _names_or_all(a.word("AllowAccounts")),
        "deny_accounts": deny_accounts.split(",") if deny_accounts else None,
        "allow_qos": None if deny_qos else _names_or_all(a.word("AllowQos")),
        "deny_qos": deny_qos.split(",") if deny_qos else None,
        "allow_groups": _names_or_all(a.word("AllowGroups")),
        "allow_alloc_nodes": _names_or_all(a.word("AllocNodes")),
        "alternate": a.word("Alternate"),
        "qos_char": a.word("QoS"),
        "flags": {
            "Default": _bit(a, "Default"),
            "Hidden": _bit(a, "Hidden"),
            "DisableRootJobs": _bit(a, "DisableRootJobs"),
            "RootOnly": _bit(a, "RootOnly"),
            "LLN": _bit(a, "LLN"),
            # 26.05 has one key for what excludes others: NO, USER, NODE or TOPO.
            "ExclusiveUser": int(exclusive == "USER" or a.get("ExclusiveUser") == "YES"),
            "Shared": _shared(a).replace("FORCE:", "FORCED:"),
        },
        "requires_reservation": a.get("ReqResv") == "YES",
        "power_down_on_idle": a.get("PowerDownOnIdle") == "YES",
    }


def _names_or_all(text: str | None) -> list[str] | str:
    return "ALL" if text in (None, "ALL") else text.split(",")


def _bit(a: Reading, key: str) -> int:
    return int(a.get(key) == "YES")


def _shared(a: Reading) -> str:
    # 26.05 prints `OverSubscribe=NO` for a partition that gives out whole nodes.
    if a.get("Exclusive") in ("NODE", "TOPO"):
        return "EXCLUSIVE"
    return a.word("OverSubscribe", "Shared") or "NO"


def _max_share(shared: str) -> int:
    kind, _, jobs = shared.partition(":")
    if kind == "EXCLUSIVE":
        return 0
    return (whole_number(jobs) or 1) + (FORCED if kind == "FORCE" else 0)


def _limits(a: Reading) -> Record:
    default_time, max_time = _time(a.get("DefaultTime"), "NONE"), _time(a.get("MaxTime"), UNLIMITED)
    over_time = a.number("OverTimeLimit")
    job_defaults = dict(item.partition("=")[::2] for item in (a.word("JobDefaults") or "").split(","))
    return {
        "default_time": default_time,
        "default_time_str": default_time if isinstance(default_time, str) else duration_text(default_time),
        "max_time": max_time,
        "max_time_str": max_time if isinstance(max_time, str) else duration_text(max_time),
        "over_time_limit": UNLIMITED if a.get("OverTimeLimit") == UNLIMITED else over_time or "NONE",
        "grace_time": a.number("GraceTime") or 0,
        "def_mem_per_cpu": _limit(a, "DefMemPerCPU"),
        "def_mem_per_node": _limit(a, "DefMemPerNode"),
        "max_mem_per_cpu": _limit(a, "MaxMemPerCPU"),
        "max_mem_per_node": _limit(a, "MaxMemPerNode"),
        "def_cpus_per_gpu": whole_number(job_defaults.get("DefCpuPerGPU")),
        "def_mem_per_gpu": whole_number(job_defaults.get("DefMemPerGPU")),
        "max_cpus_per_node": _limit(a, "MaxCPUsPerNode") or 0,
        "max_cpus_per_socket": _limit(a, "MaxCPUsPerSocket"),
        "max_nodes": _limit(a, "MaxNodes") or 0,
        "min_nodes": a.number("MinNodes") or 0,
        "max_share": _max_share(_shared(a)),
    }


def _time(text: str | None, unset: str) -> int | str:
    seconds = seconds_of(text)
    if seconds is not None:
        return seconds
    return UNLIMITED if text == UNLIMITED else unset


def _limit(a: Reading, key: str) -> int | str | None:
    return UNLIMITED if a.get(key) in (UNLIMITED, "INFINITE") else a.number(key)


def _scheduling(a: Reading) -> Record:
    tier = a.number("PriorityTier", "Priority") or 0
    select = _select(a.word("SelectTypeParameters"))
    preempt_mode = a.word("PreemptMode")
    return {
        "nodes": a.word("Nodes"),
        "nodesets": (a.word("NodeSets") or "").split(",") if a.word("NodeSets") else [],
        "total_nodes": a.number("TotalNodes") or 0,
        "total_cpus": a.number("TotalCPUs") or 0,
        "priority": tier,
        "priority_tier": tier,
        "priority_job_factor": a.number("PriorityJobFactor", "Priority") or 0,
        "preempt_mode": None if preempt_mode is None or "UNKNOWN" in preempt_mode else preempt_mode,
        "cr_type": sum(CONSUMABLES[word] for word in (select or "").split("_") if word in CONSUMABLES),
        "select_type_parameters": select,
        "cpu_bind": a.word("CpuBind"),
        "billing_weights_str": a.word("TRESBillingWeights"),
        "tres_fmt_str": a.word("TRES"),
        "resume_timeout": _limit(a, "ResumeTimeout"),
        "suspend_time": _limit(a, "SuspendTime"),
        "suspend_timout": _limit(a, "SuspendTimeout"),
    }


def _select(text: str | None) -> str | None:
    """`CR_CORE_MEMORY,CR_LLN` → "CORE_MEMORY". None for NONE."""
    words = (word.removeprefix("CR_").removeprefix("SELECT_") for word in (text or "").split(","))
    return next(
        (word for word in words if word.split("_")[0] in CONSUMABLES and word != "CORE_DEFAULT_DIST_BLOCK"), None
    )

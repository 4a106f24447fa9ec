"""The text of `scontrol show node` or sinfo that each published field of a node has to equal."""

from __future__ import annotations

from typing import Any, Final

from slurm_rest_api.slurmapi.contract.node import NodeRecord
from tests.releases.tables import Expected, Facts, read_table
from tests.releases.texts import epoch, gres, number, number_or_0, split, used, word
from tests.testbed.cluster import Cluster
from tests.testbed.slurmnodes import HIDDEN_PARTITION
from tests.testbed.truth import parse_record

_COLUMNS: Final = ("CPUsState", "FreeMem", "GresUsed", "TimeStamp", "User", "StateLong")
_KEYS: Final = (
    "Arch", "ActiveFeatures", "AllocMem", "AllocTRES", "AveWatts", "Boards", "BootTime", "CPUAlloc", "CPUEfctv",
    "CPULoad", "CPUSpecList", "CPUTot", "CfgTRES", "Comment", "CoreSpecCount", "CoresPerSocket", "CurrentWatts",
    "Extra", "FreeMem", "Gres", "LastBusyTime", "MCS_label", "MemSpecLimit", "NodeAddr", "NodeHostName", "NodeName",
    "OS", "Owner", "Partitions", "Port", "RealMemory", "SlurmdStartTime", "Sockets", "State", "AvailableFeatures",
    "ThreadsPerCore", "TmpDisk", "Version", "Weight",
)  # fmt: skip


def _states(facts: Facts) -> tuple[str, set[str]]:
    """Returns base and flags of `IDLE*+DRAIN` (until 22.05) or `IDLE+DRAIN+NOT_RESPONDING`."""
    base, *flags = facts["State"].split("+")
    return base.rstrip("*"), {*flags, *(["NOT_RESPONDING"] if base.endswith("*") else [])}


def _features(text: str) -> str | list[str]:
    return word(text) or []


def _cpu_load(facts: Facts) -> int | None:
    return round(float(facts["CPULoad"]) * 100) if word(facts["CPULoad"]) else None


def _owner(facts: Facts) -> int | None:
    return int(facts["Owner"].rpartition("(")[2].rstrip(")")) if word(facts["Owner"]) else None


def _has_reason(facts: Facts) -> bool:
    return facts["TimeStamp"] != "Unknown"


EXPECTED: Final[dict[str, Expected]] = {
    "name": lambda facts: facts["NodeName"],
    "state_base": lambda facts: _states(facts)[0],
    "boot_time": lambda facts: epoch(facts["BootTime"]),
    "slurmd_start_time": lambda facts: epoch(facts["SlurmdStartTime"]),
    "last_busy": lambda facts: epoch(facts["LastBusyTime"]),
    "reason_time": lambda facts: epoch(facts["TimeStamp"]) or None,
    "reason_user": lambda facts: facts["User"] if _has_reason(facts) else None,
    "comment": lambda facts: word(facts["Comment"]),
    "extra": lambda facts: word(facts["Extra"]),
    "cpus": lambda facts: int(facts["CPUTot"]),
    "effective_cpus": lambda facts: int(facts["CPUEfctv"]),
    "alloc_cpus": lambda facts: int(facts["CPUAlloc"]),
    "idle_cpus": lambda facts: int(facts["CPUEfctv"]) - int(facts["CPUAlloc"]),
    "cpu_load": _cpu_load,
    "real_memory": lambda facts: int(facts["RealMemory"]),
    "alloc_mem": lambda facts: int(facts["AllocMem"]),
    "idle_mem": lambda facts: int(facts["RealMemory"]) - number_or_0(facts["MemSpecLimit"]) - int(facts["AllocMem"]),
    "free_mem": lambda facts: number(facts["FreeMem"]),
    "mem_spec_limit": lambda facts: number_or_0(facts["MemSpecLimit"]),
    "tmp_disk": lambda facts: int(facts["TmpDisk"]),
    "gres": lambda facts: gres(facts["Gres"]),
    "gres_used": lambda facts: used(facts["GresUsed"]),
    "tres_fmt_str": lambda facts: word(facts["CfgTRES"]),
    "alloc_tres_fmt_str": lambda facts: word(facts["AllocTRES"]),
    "arch": lambda facts: word(facts["Arch"]),
    "os": lambda facts: word(facts["OS"]),
    "version": lambda facts: word(facts["Version"]),
    "node_addr": lambda facts: word(facts["NodeAddr"]),
    "node_hostname": lambda facts: word(facts["NodeHostName"]),
    # scontrol leaves SlurmdPort's default out.
    "port": lambda facts: number(facts["Port"]) or 6818,
    "boards": lambda facts: int(facts["Boards"]),
    "sockets": lambda facts: int(facts["Sockets"]),
    "cores": lambda facts: int(facts["CoresPerSocket"]),
    "cores_per_socket": lambda facts: int(facts["CoresPerSocket"]),
    "threads": lambda facts: int(facts["ThreadsPerCore"]),
    "core_spec_cnt": lambda facts: number_or_0(facts["CoreSpecCount"]),
    "cpu_spec_list": lambda facts: word(facts["CPUSpecList"]) or [],
    "features": lambda facts: _features(facts["AvailableFeatures"]),
    "features_active": lambda facts: _features(facts["ActiveFeatures"]),
    "partitions": lambda facts: [name for name in split(facts["Partitions"]) if name != HIDDEN_PARTITION],
    "owner": _owner,
    "mcs_label": lambda facts: word(facts["MCS_label"]),
    "weight": lambda facts: int(facts["Weight"]),
}
MOVING: Final = frozenset({"cpu_load", "free_mem", "last_busy"})
ELSEWHERE: Final = {
    "cluster": "no program prints it for a node of the own cluster",
    "state": "composed of base and flags",
    "state_flags": "compared as a set",
    "reason": "compared with what was set",
    "reason_uid": "as reason_user",
    "next_state": "no node of the scene reboots",
    "err_cpus": "always 0",
    "gpus": "counted in gres and gres_used",
    "free_gpus": "counted in gres and gres_used",
    "reservations": "scontrol does not print them for a node",
    "gres_drain": "no GRES of the scene drains",
    "energy": "compared with CurrentWatts and AveWatts",
    "power_mgmt": "always null since 24.11",
    "bcast_address": "printed only where it is set",
    "cpu_bind": "printed only where it is set",
}
"""Fields that the table above does not compare, and why."""


def read_nodes(cluster: Cluster) -> dict[str, dict[str, str]]:
    """Returns the texts of each node by its name: scontrol's keys, and sinfo's columns."""
    facts = read_table(cluster, ["sinfo", "--all", "-N"], "NodeHost", _COLUMNS)
    printed = cluster.run(["scontrol", "-d", "-o", "-a", "show", "node"]).stdout
    for record in map(parse_record, printed.splitlines()):
        if record["NodeName"] in facts:
            facts[record["NodeName"]] |= {key: record.get(key, "") for key in _KEYS}
    return facts


def unlike_state(record: dict[str, Any], before: Facts, after: Facts) -> list[str]:
    """Returns a line if the flags, or the composed state, are not scontrol's."""
    flags = set(record["state_flags"])
    said = [_states(before)[1], _states(after)[1]]
    star = "*" if "NOT_RESPONDING" in flags else ""
    composed = "+".join([record["state_base"] + star, *(f for f in record["state_flags"] if f != "NOT_RESPONDING")])
    lines = [] if flags in said else [f"state_flags: published {sorted(flags)}, Slurm says {before['State']}"]
    return lines + ([] if record["state"] == composed else [f"state: published {record['state']}, is {composed}"])


def fields_without_a_place() -> set[str]:
    """Returns the published fields that are neither compared nor excused."""
    return set(NodeRecord.model_fields) - set(EXPECTED) - set(ELSEWHERE)

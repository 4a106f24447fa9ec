"""The text of `scontrol show partition` that each published field of a partition has to equal."""

from __future__ import annotations

from typing import Any, Final

from slurm_rest_api.slurmapi.contract.partition import PartitionRecord
from tests.releases.tables import Expected
from tests.releases.texts import seconds, split, word
from tests.testbed.cluster import Cluster
from tests.testbed.truth import parse_record

_KEYS: Final = (
    "AllocNodes", "AllowAccounts", "AllowGroups", "AllowQos", "Alternate", "DefMemPerCPU", "DefMemPerNode", "Default",
    "DefaultTime", "DenyAccounts", "DenyQos", "DisableRootJobs", "GraceTime", "Hidden", "LLN", "MaxCPUsPerNode",
    "MaxCPUsPerSocket", "MaxMemPerCPU", "MaxMemPerNode", "MaxNodes", "MaxTime", "MinNodes", "Nodes", "OverSubscribe",
    "OverTimeLimit", "PartitionName", "PreemptMode", "PriorityJobFactor", "PriorityTier", "QoS", "ReqResv", "RootOnly",
    "SelectTypeParameters", "State", "TRES", "TotalCPUs", "TotalNodes",
)  # fmt: skip
# For a partition of its own: what a partition can have on every release.
LENT: Final = {
    "Nodes": "rack[001-002]", "AllowAccounts": "physics,biology", "DenyQos": "urgent", "AllowGroups": "alice,bob",
    "Alternate": "long", "State": "DRAIN", "MaxTime": "2-12:30:00", "DefaultTime": "00:15:00", "MaxNodes": "2",
    "MinNodes": "1", "GraceTime": "30", "OverSubscribe": "FORCE:3", "DefMemPerCPU": "150", "MaxMemPerNode": "9000",
    "MaxCPUsPerNode": "6", "OverTimeLimit": "5", "PriorityJobFactor": "7", "PriorityTier": "3", "ReqResv": "YES",
    "LLN": "YES", "RootOnly": "YES", "DisableRootJobs": "YES", "Hidden": "YES",
}  # fmt: skip


def _allowed(text: str) -> str | list[str] | None:
    return "ALL" if text == "ALL" else (split(text) or None)


def _seconds(text: str) -> int | str:
    return seconds(text) if text[:1].isdigit() else text


def _number(text: str) -> int | str | None:
    return int(text) if text.isdigit() else (text or None)


EXPECTED: Final[dict[str, Expected]] = {
    "name": lambda facts: facts["PartitionName"],
    "state": lambda facts: facts["State"],
    "allow_groups": lambda facts: _allowed(facts["AllowGroups"]),
    "allow_accounts": lambda facts: _allowed(facts["AllowAccounts"]),
    "deny_accounts": lambda facts: split(facts["DenyAccounts"]) or None,
    "allow_qos": lambda facts: _allowed(facts["AllowQos"]),
    "deny_qos": lambda facts: split(facts["DenyQos"]) or None,
    "allow_alloc_nodes": lambda facts: _allowed(facts["AllocNodes"]),
    "alternate": lambda facts: word(facts["Alternate"]),
    "qos_char": lambda facts: word(facts["QoS"]),
    "default_time": lambda facts: _seconds(facts["DefaultTime"]),
    "default_time_str": lambda facts: facts["DefaultTime"],
    "max_time": lambda facts: _seconds(facts["MaxTime"]),
    "max_time_str": lambda facts: facts["MaxTime"],
    "over_time_limit": lambda facts: _number(facts["OverTimeLimit"]),
    "grace_time": lambda facts: int(facts["GraceTime"]),
    "def_mem_per_cpu": lambda facts: _number(facts["DefMemPerCPU"]),
    "def_mem_per_node": lambda facts: _number(facts["DefMemPerNode"]),
    "max_mem_per_cpu": lambda facts: _number(facts["MaxMemPerCPU"]),
    "max_mem_per_node": lambda facts: _number(facts["MaxMemPerNode"]),
    "max_cpus_per_node": lambda facts: _number(facts["MaxCPUsPerNode"]),
    "max_cpus_per_socket": lambda facts: _number(facts["MaxCPUsPerSocket"]),
    "max_nodes": lambda facts: _number(facts["MaxNodes"]),
    "min_nodes": lambda facts: int(facts["MinNodes"]),
    "nodes": lambda facts: word(facts["Nodes"]),
    "total_nodes": lambda facts: int(facts["TotalNodes"]),
    "total_cpus": lambda facts: int(facts["TotalCPUs"]),
    "priority": lambda facts: int(facts["PriorityTier"]),
    "priority_tier": lambda facts: int(facts["PriorityTier"]),
    "priority_job_factor": lambda facts: int(facts["PriorityJobFactor"]),
    "preempt_mode": lambda facts: facts["PreemptMode"],
    "select_type_parameters": lambda facts: (
        None if facts["SelectTypeParameters"] == "NONE" else facts["SelectTypeParameters"]
    ),
    "tres_fmt_str": lambda facts: word(facts["TRES"]),
    "requires_reservation": lambda facts: facts["ReqResv"] == "YES",
    "flags.Default": lambda facts: int(facts["Default"] == "YES"),
    "flags.Hidden": lambda facts: int(facts["Hidden"] == "YES"),
    "flags.DisableRootJobs": lambda facts: int(facts["DisableRootJobs"] == "YES"),
    "flags.RootOnly": lambda facts: int(facts["RootOnly"] == "YES"),
    "flags.LLN": lambda facts: int(facts["LLN"] == "YES"),
    "flags.Shared": lambda facts: facts["OverSubscribe"].replace("FORCE:", "FORCED:"),
}
ELSEWHERE: Final = {
    "flags": "compared one by one",
    "cluster": "no program prints it for a partition of the own cluster",
    "def_cpus_per_gpu": "no partition has it",
    "def_mem_per_gpu": "no partition has it",
    "max_share": "the number of OverSubscribe",
    "cr_type": "the number of SelectTypeParameters",
    "power_down_on_idle": "not in every release",
    "nodesets": "no node set is configured",
    "cpu_bind": "printed only where it is set",
    "billing_weights_str": "printed only where it is set",
    "resume_timeout": "not set for any partition",
    "suspend_time": "not set for any partition",
    "suspend_timout": "not set for any partition",
}
"""Fields that the table above does not compare, and why."""


def read_partitions(cluster: Cluster) -> dict[str, dict[str, str]]:
    """Returns scontrol's keys of each partition by its name."""
    printed = cluster.run(["scontrol", "-o", "-a", "show", "partition"]).stdout
    records = [parse_record(line) for line in printed.splitlines()]
    return {record["PartitionName"]: {key: record.get(key, "") for key in _KEYS} for record in records}


def flat(record: dict[str, Any]) -> dict[str, Any]:
    """Returns the record with its flags as fields of their own."""
    return {**record, **{f"flags.{name}": value for name, value in record["flags"].items()}}


def fields_without_a_place() -> set[str]:
    """Returns the published fields that are neither compared nor excused."""
    return set(PartitionRecord.model_fields) - set(EXPECTED) - set(ELSEWHERE)

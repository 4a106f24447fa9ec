"""Published partition records of the simulated cluster."""

from __future__ import annotations

from slurm_rest_api.demo.hardware import CLUSTER, PARTITIONS, Hardware, Node, Partition, node_list
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.formats import duration_text


def partition_records(hardware: Hardware) -> list[Record]:
    """Returns the records of all partitions. They do not change over time."""
    return [
        partition_record(partition, tuple(node for node in hardware.nodes if partition.name in node.kind.partitions))
        for partition in PARTITIONS
    ]


def partition_record(partition: Partition, nodes: tuple[Node, ...]) -> Record:
    """Returns the record of a partition with its nodes."""
    return {**_access(partition), **_limits(partition), **_scheduling(partition, nodes)}


def _access(partition: Partition) -> Record:
    return {
        "name": partition.name,
        "cluster": CLUSTER,
        "state": "UP",
        "allow_accounts": "ALL",
        "deny_accounts": None,
        "allow_qos": "ALL",
        "deny_qos": None,
        "allow_groups": "ALL",
        "allow_alloc_nodes": "ALL",
        "alternate": None,
        "qos_char": None,
        "flags": {
            "Default": int(partition.is_default), "Hidden": 0, "DisableRootJobs": 0, "RootOnly": 0, "LLN": 0,
            "ExclusiveUser": 0, "Shared": "NO",
        },
        "requires_reservation": False,
        "power_down_on_idle": False,
    }  # fmt: skip


def _limits(partition: Partition) -> Record:
    return {
        "default_time": partition.default_seconds,
        "default_time_str": duration_text(partition.default_seconds),
        "max_time": partition.max_seconds,
        "max_time_str": duration_text(partition.max_seconds),
        "over_time_limit": "NONE",
        "grace_time": 0,
        "def_mem_per_cpu": None,
        "def_mem_per_node": "UNLIMITED",
        "max_mem_per_cpu": None,
        "max_mem_per_node": "UNLIMITED",
        "def_cpus_per_gpu": None,
        "def_mem_per_gpu": None,
        "max_cpus_per_node": "UNLIMITED",
        "max_cpus_per_socket": "UNLIMITED",
        "max_nodes": "UNLIMITED",
        "min_nodes": 1,
        "max_share": 1,
    }


def _scheduling(partition: Partition, nodes: tuple[Node, ...]) -> Record:
    return {
        "nodes": node_list(nodes),
        "nodesets": [],
        "total_nodes": len(nodes),
        "total_cpus": sum(node.kind.cpus for node in nodes),
        "priority": partition.tier,
        "priority_tier": partition.tier,
        "priority_job_factor": partition.tier,
        "preempt_mode": "OFF",
        "cr_type": 0,
        "select_type_parameters": None,
        "cpu_bind": None,
        "billing_weights_str": None,
        "tres_fmt_str": None,
        "resume_timeout": None,
        "suspend_time": None,
        "suspend_timout": None,
    }

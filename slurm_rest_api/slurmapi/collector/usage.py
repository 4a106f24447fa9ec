"""Computes how much of each partition, of each node and of the cluster is in use.

Every number is defined for every snapshot, also while the cluster's configuration changes:
- A share of zero (or unknown) CPUs, memory or GPUs is 0, and so is the load of no nodes.
- An allocation counts only if its node exists and is in the job's partition. The node's own totals include it anyway.
- Loads are finite and never negative. They exceed 1 where nodes are oversubscribed.
- A node's shares are shares of what jobs can have: its CPUs without CoreSpecCount, its memory without MemSpecLimit.
- A suspended job holds memory and no CPUs, a completing job holds neither. Slurm's own totals of nodes say the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from slurm_rest_api.slurm.gres import gres_gpus
from slurm_rest_api.slurm.states import resources_held
from slurm_rest_api.slurmapi.collector.job_sums import allocated_gpus
from slurm_rest_api.slurmapi.collector.state_counts import ClusterCounts
from slurm_rest_api.slurmapi.sources.base import Record

Usage = dict[str, Any]
"""The document of `/usage`, as `slurmapi.contract.usage.UsageRecord` declares it. Memory is in MiB."""


class Allocation(NamedTuple):
    """The resources that one job holds on one node."""

    partition: str
    node: str
    cpus: int
    memory_mib: int
    gpus: int = 0


class _Held(NamedTuple):
    """The resources that the jobs of one partition hold on one node."""

    cpus: int = 0
    memory_mib: int = 0
    gpus: int = 0
    jobs: int = 0


_NOTHING = _Held()


def allocations_of(job: Record) -> list[Allocation]:
    """Returns the resources that a job holds, one entry a node, or none for other jobs.

    Reads `job_state`, `partition` and, by node name, `cpus_allocated` (CPUs), `mem_allocated` (MiB) and
    `gres_allocated`. GPUs alone are no allocation.
    """
    partition, held = job.get("partition"), resources_held(job.get("job_state"))
    if not partition or held not in ("memory", "all"):
        return []
    cpus: Mapping[str, int | None] = job.get("cpus_allocated") or {}
    memory: Mapping[str, int | None] = job.get("mem_allocated") or {}
    gres: Mapping[str, Mapping[str, int] | None] = job.get("gres_allocated") or {}
    has_cpus = held == "all"
    # A job that holds resources is in one partition. Slurm puts the partition of its start first in a list.
    name = partition.partition(",")[0]
    return [
        Allocation(
            name,
            node,
            (has_cpus and cpus.get(node)) or 0,
            memory.get(node) or 0,
            allocated_gpus({node: gres[node]}) if node in gres else 0,
        )
        for node in {**cpus, **memory}
    ]


def compute_usage(partitions: Iterable[Record], nodes: Iterable[Record], allocations: Iterable[Allocation]) -> Usage:
    """Computes the partition × node matrix of `/usage`, with totals. Memory is in MiB.

    A node is in the partitions that its own `partitions` names. Under each partition, `nodes` has every node of the
    cluster. The entries of nodes outside the partition are **one shared** `{"active": False}` object, because most of
    the matrix of a large cluster is such entries. Render the result, but do not change it.
    """
    by_name = {node["name"]: node for node in nodes}
    members = _members(by_name)
    held = _held(allocations)
    outside: Record = {"active": False}
    inactive = {name: outside for name in by_name}  # noqa: C420 - one object for all is the point
    return {
        "total_load": _mean(
            _load(_number(node, "alloc_cpus"), _number(node, "alloc_mem"), gres_gpus(node.get("gres_used")), node)
            for node in by_name.values()
        ),
        "alloc_cpus": _sum(by_name.values(), "alloc_cpus"),
        "alloc_mem": _sum(by_name.values(), "alloc_mem"),
        "total_cpus": _sum(by_name.values(), "cpus"),
        "total_mem": _sum(by_name.values(), "real_memory"),
        "partitions": {
            partition["name"]: _partition_usage(
                partition, members.get(partition["name"], []), held.get(partition["name"], {}), inactive
            )
            for partition in partitions
        },
    }


def with_counts(usage: Usage, counts: ClusterCounts) -> Usage:
    """Returns a copy with the counts of the cluster and of each partition."""
    by_partition = counts["partitions"]
    return {
        **usage,
        **counts,
        "partitions": {name: {**partition, **by_partition[name]} for name, partition in usage["partitions"].items()},
    }


def without_nodes(usage: Usage) -> Usage:
    """Returns a copy without the nodes of each partition (`usage_summary`)."""
    return {
        **usage,
        "partitions": {
            name: {field: value for field, value in partition.items() if field != "nodes"}
            for name, partition in usage["partitions"].items()
        },
    }


def compact(usage: Usage) -> Usage:
    """Returns a copy without the entries of nodes outside the partition (`usage_compact`)."""
    return {
        **usage,
        "partitions": {
            name: {
                **partition,
                "nodes": {node: entry for node, entry in partition["nodes"].items() if entry["active"]},
            }
            for name, partition in usage["partitions"].items()
        },
    }


def _partition_usage(
    partition: Record, members: list[Record], held: Mapping[str, _Held], inactive: Mapping[str, Record]
) -> Record:
    holdings = [(node, held.get(node["name"], _NOTHING)) for node in members]
    total_cpus, total_nodes = partition.get("total_cpus"), partition.get("total_nodes")
    return {
        "total_nodes": len(members) if total_nodes is None else total_nodes,
        "total_cpus": _sum(members, "cpus") if total_cpus is None else total_cpus,
        "state": partition.get("state"),
        "priority": partition.get("priority_tier"),
        "real_mem": _sum(members, "real_memory"),
        "total_used_cpus_on_active_nodes": _sum(members, "alloc_cpus"),
        "total_used_mem_on_active_nodes": _sum(members, "alloc_mem"),
        "alloc_cpus": sum(holding.cpus for _, holding in holdings),
        "alloc_mem": sum(holding.memory_mib for _, holding in holdings),
        "partition_load": _mean(
            _load(holding.cpus, holding.memory_mib, holding.gpus, node) for node, holding in holdings
        ),
        "nodes": {**inactive, **{node["name"]: _node_usage(node, holding) for node, holding in holdings}},
    }


def _node_usage(node: Record, holding: _Held) -> Record:
    return {
        "active": True,
        "total_cpus": _number(node, "cpus"),
        "total_memory": _number(node, "real_memory"),
        "total_used_cpus": _number(node, "alloc_cpus"),
        "total_used_mem": _number(node, "alloc_mem"),
        "cpus_allocated": holding.cpus,
        "mem_allocated": holding.memory_mib,
        "gpus_allocated": holding.gpus,
        "running_jobs": holding.jobs,
    }


def _members(nodes: Mapping[str, Record]) -> dict[str, list[Record]]:
    members: defaultdict[str, list[Record]] = defaultdict(list)
    for node in nodes.values():
        for partition in dict.fromkeys(node.get("partitions") or ()):
            members[partition].append(node)
    return members


def _held(allocations: Iterable[Allocation]) -> dict[str, dict[str, _Held]]:
    held: defaultdict[str, dict[str, _Held]] = defaultdict(dict)
    for partition, node, cpus, memory_mib, gpus in allocations:
        before = held[partition].get(node, _NOTHING)
        held[partition][node] = _Held(
            before.cpus + cpus, before.memory_mib + memory_mib, before.gpus + gpus, before.jobs + 1
        )
    return held


def _load(cpus: int, memory_mib: int, gpus: int, node: Record) -> float:
    """Returns the largest one of the shares of a node's CPUs, memory and GPUs."""
    # CPUEfctv of `scontrol show node`. slurmctld allocates RealMemory without MemSpecLimit.
    cpus_for_jobs = _number(node, "effective_cpus") or _number(node, "cpus")
    memory_for_jobs = _number(node, "real_memory") - _number(node, "mem_spec_limit")
    # Most nodes have no GRES.
    of_gpus = _share(gpus, gres_gpus(node["gres"])) if node.get("gres") else 0.0
    return max(_share(cpus, cpus_for_jobs), _share(memory_mib, memory_for_jobs), of_gpus)


def _share(part: int, whole: int) -> float:
    return max(part / whole, 0.0) if whole > 0 else 0.0


def _mean(values: Iterable[float]) -> float:
    loads = list(values)
    return sum(loads) / len(loads) if loads else 0.0


def _sum(records: Iterable[Record], field: str) -> int:
    return sum(_number(record, field) for record in records)


def _number(record: Record, field: str) -> int:
    number: int | None = record.get(field)
    return number or 0

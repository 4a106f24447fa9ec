"""How much of each partition, node and of the cluster is in use; pure.

Every figure is defined for every cluster, whatever a controller says in the middle of a change:
- A share of zero (or unknown) CPUs or memory is 0, and so is the load of no nodes.
- An allocation on a node that is gone, or that is not in the job's partition (any more), or in a partition
  that is gone, belongs to no entry and counts nowhere. The node's own totals still have it.
- Loads are finite and never negative. They exceed 1 where nodes are oversubscribed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from slurm_rest_api.slurm.states import base_job_state
from slurm_rest_api.slurmapi.sources.base import Record

# The published definition: completing and configuring jobs hold nodes too, but /usage counts them nowhere.
_COUNTED_STATES = frozenset(("RUNNING", "SUSPENDED"))


class Allocation(NamedTuple):
    """What one job holds on one node."""

    partition: str
    node: str
    cpus: int
    memory_mib: int


class _Held(NamedTuple):
    """What the jobs of one partition hold on one node."""

    cpus: int = 0
    memory_mib: int = 0
    jobs: int = 0


_NOTHING = _Held()


def allocations_of(job: Record) -> list[Allocation]:
    """What a running or suspended job holds, one entry a node; nothing for any other job.

    Reads `job_state`, `partition` and, by node name, `cpus_allocated` (CPUs) and `mem_allocated` (MiB).
    A job that is completing still shows in its nodes' totals, but it runs no more and counts as nothing.
    """
    state, partition = job.get("job_state"), job.get("partition")
    if not state or not partition or base_job_state(state) not in _COUNTED_STATES:
        return []
    cpus: Mapping[str, int | None] = job.get("cpus_allocated") or {}
    memory: Mapping[str, int | None] = job.get("mem_allocated") or {}
    # A job that holds resources is in one partition; of a list, Slurm names the one it started in first.
    name = partition.partition(",")[0]
    return [Allocation(name, node, cpus.get(node) or 0, memory.get(node) or 0) for node in {**cpus, **memory}]


def compute_usage(
    partitions: Iterable[Record], nodes: Iterable[Record], allocations: Iterable[Allocation]
) -> dict[str, Any]:
    """The partition × node matrix of `/usage`, with totals; memory in MiB.

    A node is in the partitions that its own `partitions` names. Under each partition `nodes` has every
    node of the cluster; all entries of nodes outside it are **the same** `{"active": False}` object,
    because the matrix of a large cluster is mostly that: render the result, do not change it.
    """
    by_name = {node["name"]: node for node in nodes}
    members = _members(by_name)
    held = _held(allocations)
    outside: Record = {"active": False}
    inactive = {name: outside for name in by_name}  # noqa: C420 - one object for all is the point
    return {
        "total_load": _mean(
            _load(_number(node, "alloc_cpus"), _number(node, "alloc_mem"), node) for node in by_name.values()
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


def with_figures(usage: dict[str, Any], figures: Mapping[str, Any]) -> dict[str, Any]:
    """The same with what `tally()` counted, of the cluster and of each partition; `usage` stays as it is."""
    counted = figures["partitions"]
    return {
        **usage,
        **figures,
        "partitions": {name: {**partition, **counted[name]} for name, partition in usage["partitions"].items()},
    }


def without_nodes(usage: dict[str, Any]) -> dict[str, Any]:
    """The figures of the cluster and its partitions alone; `usage` stays as it is."""
    return {
        **usage,
        "partitions": {
            name: {field: value for field, value in partition.items() if field != "nodes"}
            for name, partition in usage["partitions"].items()
        },
    }


def compact(usage: dict[str, Any]) -> dict[str, Any]:
    """The same without the entries of nodes that are not in the partition; `usage` stays as it is."""
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
        "partition_load": _mean(_load(holding.cpus, holding.memory_mib, node) for node, holding in holdings),
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
    for partition, node, cpus, memory_mib in allocations:
        before = held[partition].get(node, _NOTHING)
        held[partition][node] = _Held(before.cpus + cpus, before.memory_mib + memory_mib, before.jobs + 1)
    return held


def _load(cpus: int, memory_mib: int, node: Record) -> float:
    """The larger of the CPU and the memory share of a node."""
    return max(_share(cpus, _number(node, "cpus")), _share(memory_mib, _number(node, "real_memory")))


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

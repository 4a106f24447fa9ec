"""Finds the limits of partitions that a job exceeds by its request. Source: `PartitionName` of slurm.conf(5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from slurm_rest_api.acctapi.qos import PARTITION_MAX_NODES, PARTITION_MIN_NODES, PARTITION_TIME_LIMIT, Qos
from slurm_rest_api.explainapi.limit_record import record, request_text

_TOTAL_NODES: Final = "TotalNodes"
_REASONS: Final = {
    "PartitionTimeLimit": ("MaxTime",),
    "PartitionNodeLimit": ("MaxNodes", "MinNodes", _TOTAL_NODES),
    "MaxMemPerLimit": ("MaxMemPerCPU", "MaxMemPerNode"),
}
# Flags of a QOS with which jobs need not keep to a limit.
_EXEMPT: Final = {
    "MaxTime": PARTITION_TIME_LIMIT,
    "MaxNodes": PARTITION_MAX_NODES,
    "MinNodes": PARTITION_MIN_NODES,
}


class _Limit(NamedTuple):
    name: str
    limit: int
    requested: int | None
    unit: str
    noun: str
    each: str = ""
    at_least: bool = False

    @property
    def is_exceeded(self) -> bool:
        if self.requested is None:
            return True
        return self.requested < self.limit if self.at_least else self.requested > self.limit


def partition_limits(
    job: Mapping[str, Any], partitions: Sequence[Mapping[str, Any]], qos: Qos | None
) -> list[dict[str, Any]]:
    """Returns the limits of `partitions` that the pending `job` exceeds. All are published records.

    If it exceeds none of those that its reason names, all of these are returned: they may have changed since.
    """
    named = _REASONS.get((job.get("state_reason") or "").partition(",")[0], ())
    flags = 0 if qos is None else qos.flags
    found = [
        (partition["name"], limit)
        for partition in partitions
        for limit in _limits(job, partition)
        if not flags & _EXEMPT.get(limit.name, 0)
    ]
    exceeded = [each for each in found if each[1].is_exceeded]
    if named and not any(limit.name in named for _, limit in exceeded):
        exceeded += [each for each in found if each[1].name in named and each[1].name != _TOTAL_NODES]
    return [_record(name, limit, is_reason=limit.name in named) for name, limit in exceeded]


def _limits(job: Mapping[str, Any], partition: Mapping[str, Any]) -> Iterator[_Limit]:
    def value(field: str) -> int:
        found = partition.get(field)
        return found if isinstance(found, int) else 0

    minutes, nodes = job.get("time_limit"), job.get("num_nodes") or 0
    if longest := value("max_time"):
        # A job without a time limit of its own has that of the partition.
        asked = longest // 60 if minutes == "Partition_Limit" else minutes if isinstance(minutes, int) else None
        yield _Limit("MaxTime", longest // 60, asked, "minutes", "minutes of run time")
    if most := value("max_nodes"):
        yield _Limit("MaxNodes", most, nodes, "nodes", "nodes")
    if least := value("min_nodes"):
        # A job that accepts more nodes gets as many.
        yield _Limit("MinNodes", least, max(nodes, job.get("max_nodes") or 0), "nodes", "nodes", at_least=True)
    if partition.get("total_nodes") is not None:
        yield _Limit(_TOTAL_NODES, partition["total_nodes"], nodes, "nodes", "nodes")
    if cpus := value("max_cpus_per_node"):
        yield _Limit("MaxCPUsPerNode", cpus, job.get("pn_min_cpus") or 0, "CPUs", "CPUs", " on a node")
    per_cpu, per_node = job.get("min_memory_cpu"), job.get("min_memory_node")
    if (memory := value("max_mem_per_cpu")) and per_cpu:
        yield _Limit("MaxMemPerCPU", memory, per_cpu, "MiB", "MiB of memory", " for each CPU")
    if (memory := value("max_mem_per_node")) and (per_cpu or per_node is not None):
        # `--mem=0` asks for all memory of a node.
        asked = per_cpu * max(job.get("pn_min_cpus") or 0, 1) if per_cpu else per_node or None
        yield _Limit("MaxMemPerNode", memory, asked, "MiB", "MiB of memory", " on a node")


def _record(partition: str, limit: _Limit, *, is_reason: bool) -> dict[str, Any]:
    text = request_text(
        limit.limit, limit.requested, limit.noun, f"partition {partition}", each=limit.each, at_least=limit.at_least
    )
    if limit.name == "MaxMemPerNode" and limit.requested is None:
        text = f"This job asks for all memory of a node, and partition {partition} allows at most {limit.limit} MiB."
    if limit.name == _TOTAL_NODES:
        text = f"This job asks for {limit.requested} nodes, and partition {partition} has {limit.limit}."
    return record(
        name=limit.name, text=text, is_reason=is_reason, holder_type="partition", holder=partition,
        scope="node" if limit.each == " on a node" else "job", limit=limit.limit, requested=limit.requested,
        unit=limit.unit,
    )  # fmt: skip

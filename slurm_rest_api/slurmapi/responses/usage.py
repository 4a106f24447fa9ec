"""A part of the usage matrix: some partitions, under each of them some nodes, and some fields; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from slurm_rest_api.errors import BadParameter
from slurm_rest_api.slurmapi.contract.usage import ActiveNode, PartitionUsage, UsageRecord
from slurm_rest_api.slurmapi.query.parameters import UsageParameters
from slurm_rest_api.web.name_lists import NameFilter, chosen_fields
from slurm_rest_api.web.text_formats import Format

_PARTITION: Final = "partitions."
_NODE: Final = "partitions.nodes."
_NO_NODES: Final = "a row is a partition, without its nodes; format=json and format=ndjson have them, as has /nodes"
_JOB_COUNTS: Final = ("jobs_running", "jobs_pending", "running_jobs")
KNOWN_FIELDS: Final = (
    *UsageRecord.model_fields,
    *(f"{_PARTITION}{field}" for field in PartitionUsage.model_fields),
    *(f"{_NODE}{field}" for field in ActiveNode.model_fields),
)


@dataclass(frozen=True)
class FieldChoice:
    """Which fields an answer has of the cluster, of each partition, and of each node; None is all."""

    of_cluster: tuple[str, ...] | None = None
    of_partition: tuple[str, ...] | None = None
    of_node: tuple[str, ...] | None = None

    @property
    def has_nodes(self) -> bool:
        """Whether anything of single nodes is asked for."""
        return (self.of_cluster is None or "partitions" in self.of_cluster) and (
            self.of_partition is None or "nodes" in self.of_partition
        )


_SPREADSHEET: Final = FieldChoice(
    ("partitions",), tuple(field for field in PartitionUsage.model_fields if field != "nodes")
)
_TABLE: Final = FieldChoice(
    ("partitions",),
    (
        *("state", "total_nodes", "total_cpus", "alloc_cpus", "real_mem", "alloc_mem", "total_gpus", "alloc_gpus"),
        *("jobs_running", "jobs_pending", "partition_load"),
    ),
)


def fields_of(query: UsageParameters) -> FieldChoice:
    """What the parameter `fields` asks for: `partitions.nodes` by itself is everything of a partition's nodes.

    Other formats than json have a row for each partition, and only ndjson has a place for nodes in it.

    Raises:
        BadParameter: a field is unknown, or what is asked for has no place in this format.
    """
    has_nodes = query.format in ("json", "ndjson")
    if query.node is not None and not has_nodes:
        raise BadParameter(f"node makes no sense together with format={query.format}: {_NO_NODES}.", parameter="node")
    if query.fields is None:
        return FieldChoice() if has_nodes else _TABLE if query.format == "table" else _SPREADSHEET
    chosen = chosen_fields(query.fields, KNOWN_FIELDS)
    if query.format != "json":
        _check_rows(chosen, query.format)
    of_partition = _below("partitions", chosen)
    if of_partition is None and not has_nodes:
        return _SPREADSHEET
    return FieldChoice(
        _names(chosen),
        None if of_partition is None else _names(of_partition),
        None if of_partition is None else _below("nodes", of_partition),
    )


def choose(
    document: bytes,
    partitions: NameFilter | None,
    nodes: Sequence[str] | None,
    fields: FieldChoice,
    *,
    jobs: bool = True,
) -> tuple[dict[str, Any], int]:
    """The usage, of which `document` is all, with only these partitions, nodes and fields; and how many partitions.

    Without `jobs` nothing tells how many jobs there are.

    The figures of a partition and of the cluster stay those of the whole partition and the whole cluster.
    """
    usage = orjson.loads(document)
    if not jobs:
        _forget_jobs(usage)
    wanted = None if nodes is None else frozenset(nodes)
    chosen = {
        name: _partition(entry, wanted, fields)
        for name, entry in usage["partitions"].items()
        if _is_chosen(name, partitions)
    }
    return _picked({**usage, "partitions": chosen}, fields.of_cluster), len(chosen)


def _check_rows(chosen: Sequence[str], format: Format) -> None:  # noqa: A002 - the parameter's own name
    for field in chosen:
        if field.partition(".")[0] != "partitions":
            why = "a row is a partition, and this is of the whole cluster; format=json has it"
        elif f"{field}.".startswith(_NODE) and format != "ndjson":
            why = _NO_NODES
        else:
            continue
        raise BadParameter(f"fields={field!r} makes no sense together with format={format}: {why}.", parameter="fields")


def _forget_jobs(usage: dict[str, Any]) -> None:
    partitions = usage["partitions"].values()
    nodes = [node for partition in partitions for node in partition.get("nodes", {}).values()]
    for entry in (usage, *partitions, *nodes):
        for field in _JOB_COUNTS:
            entry.pop(field, None)


def _below(name: str, fields: Sequence[str]) -> tuple[str, ...] | None:
    """What of `name` the fields ask for: `a.b` asks for `b` of `a`; None is all of it."""
    if name in fields:
        return None
    return tuple(field.removeprefix(f"{name}.") for field in fields if field.startswith(f"{name}."))


def _names(fields: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(field.partition(".")[0] for field in fields))


def _partition(entry: dict[str, Any], nodes: frozenset[str] | None, fields: FieldChoice) -> dict[str, Any]:
    shown = _picked(entry, fields.of_partition)
    if "nodes" in shown and (nodes is not None or fields.of_node is not None):
        shown["nodes"] = {
            name: _picked(node, fields.of_node)
            for name, node in entry["nodes"].items()
            if nodes is None or name in nodes
        }
    return shown


def _picked(record: dict[str, Any], fields: Sequence[str] | None) -> dict[str, Any]:
    """Only these fields; a node outside the partition has few of them."""
    return record if fields is None else {field: record[field] for field in fields if field in record}


def _is_chosen(name: str, choice: NameFilter | None) -> bool:
    if choice is None:
        return True
    return (not choice.wanted or name in choice.wanted) and name not in choice.unwanted

"""Builds the body of /usage: selected partitions, nodes and fields of the usage matrix, as JSON or as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from slurm_rest_api.errors import BadParameter
from slurm_rest_api.slurmapi.contract.usage import ActiveNode, PartitionUsage, UsageRecord
from slurm_rest_api.slurmapi.query.parameters import UsageParameters
from slurm_rest_api.slurmapi.responses.json_stream import in_envelope
from slurm_rest_api.slurmapi.responses.records import Body
from slurm_rest_api.slurmapi.responses.snapshot import Snapshot
from slurm_rest_api.web.name_lists import NameFilter, chosen_fields
from slurm_rest_api.web.text_formats import Format, flat, table_of

_PARTITION: Final = "partitions."
_NODE: Final = "partitions.nodes."
_NO_NODES: Final = (
    "a row is a partition without its nodes. `format=json` and `format=ndjson` have them, and so has /nodes"
)
_JOB_COUNTS: Final = (
    *("jobs_running", "jobs_pending", "tasks_running", "tasks_pending", "jobs_pending_by_reason", "running_jobs"),
)
KNOWN_FIELDS: Final = (
    *UsageRecord.model_fields,
    *(f"{_PARTITION}{field}" for field in PartitionUsage.model_fields),
    *(f"{_NODE}{field}" for field in ActiveNode.model_fields),
)


@dataclass(frozen=True)
class FieldChoice:
    """The requested fields of the cluster, of each partition and of each node. None is all fields."""

    of_cluster: tuple[str, ...] | None = None
    of_partition: tuple[str, ...] | None = None
    of_node: tuple[str, ...] | None = None

    @property
    def has_nodes(self) -> bool:
        """True if fields of nodes are requested."""
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


def field_choice_of(query: UsageParameters) -> FieldChoice:
    """Reads the parameter `fields`: `partitions.nodes` by itself selects all fields of a partition's nodes.

    Formats other than json have a row for each partition. Only ndjson has nodes in it.

    Raises:
        BadParameter: a field is unknown, or the format has no place for it.
    """
    has_nodes = query.format in ("json", "ndjson")
    if query.node is not None and not has_nodes:
        raise BadParameter(f"`node` cannot be combined with `format={query.format}`: {_NO_NODES}.", parameter="node")
    if query.fields is None:
        return FieldChoice() if has_nodes else _TABLE if query.format == "table" else _SPREADSHEET
    chosen = chosen_fields(query.fields, KNOWN_FIELDS)
    if query.format != "json":
        _check_rows(chosen, query.format)
    of_partition = _below("partitions", chosen)
    if of_partition is None and not has_nodes:
        return _SPREADSHEET
    return FieldChoice(
        _first_names(chosen),
        None if of_partition is None else _first_names(of_partition),
        None if of_partition is None else _below("nodes", of_partition),
    )


def usage_body(snapshot: Snapshot, query: UsageParameters, fields: FieldChoice, *, job_counts: bool) -> Body:
    """Returns the usage with only the requested partitions, nodes and fields, with or without counts of jobs."""
    document = snapshot.view.document(snapshot.name)
    usage, total = choose(document, query.partition, query.node, fields, job_counts=job_counts)
    if query.format == "json":
        return Body(in_envelope([orjson.dumps(usage)], {**snapshot.meta, "total": total}), total)
    return Body(_table(query.format, usage, fields.of_partition or ()), total)


def choose(
    document: bytes,
    partitions: NameFilter | None,
    nodes: Sequence[str] | None,
    fields: FieldChoice,
    *,
    job_counts: bool = True,
) -> tuple[dict[str, Any], int]:
    """Returns the rendered usage `document` with only these partitions, nodes and fields, and the partitions' number.

    Figures of a partition and of the cluster stay those of the whole partition and the whole cluster.
    """
    usage = orjson.loads(document)
    if not job_counts:
        _remove_job_counts(usage)
    node_names = None if nodes is None else frozenset(nodes)
    chosen = {
        name: _chosen_partition(entry, node_names, fields)
        for name, entry in usage["partitions"].items()
        if _is_chosen(name, partitions)
    }
    return _with_fields({**usage, "partitions": chosen}, fields.of_cluster), len(chosen)


def _check_rows(chosen: Sequence[str], format: Format) -> None:  # noqa: A002 - the parameter's own name
    for field in chosen:
        if field.partition(".")[0] != "partitions":
            why = "a row is a partition, and this is a field of the whole cluster. `format=json` has it"
        elif f"{field}.".startswith(_NODE) and format != "ndjson":
            why = _NO_NODES
        else:
            continue
        raise BadParameter(f"`fields={field}` cannot be combined with `format={format}`: {why}.", parameter="fields")


def _remove_job_counts(usage: dict[str, Any]) -> None:
    partitions = usage["partitions"].values()
    nodes = [node for partition in partitions for node in partition.get("nodes", {}).values()]
    for entry in (usage, *partitions, *nodes):
        for field in _JOB_COUNTS:
            entry.pop(field, None)


def _below(name: str, fields: Sequence[str]) -> tuple[str, ...] | None:
    """Returns the fields of `name` among dotted fields: `a.b` is `b` of `a`. None is all of them."""
    if name in fields:
        return None
    return tuple(field.removeprefix(f"{name}.") for field in fields if field.startswith(f"{name}."))


def _first_names(fields: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(field.partition(".")[0] for field in fields))


def _chosen_partition(entry: dict[str, Any], nodes: frozenset[str] | None, fields: FieldChoice) -> dict[str, Any]:
    partition = _with_fields(entry, fields.of_partition)
    if "nodes" in partition and (nodes is not None or fields.of_node is not None):
        partition["nodes"] = {
            name: _with_fields(node, fields.of_node)
            for name, node in entry["nodes"].items()
            if nodes is None or name in nodes
        }
    return partition


def _with_fields(record: dict[str, Any], fields: Sequence[str] | None) -> dict[str, Any]:
    """Returns only these fields. A node outside the partition lacks most of them."""
    return record if fields is None else {field: record[field] for field in fields if field in record}


def _is_chosen(name: str, choice: NameFilter | None) -> bool:
    if choice is None:
        return True
    return (not choice.include or name in choice.include) and name not in choice.exclude


def _table(
    format: Format,  # noqa: A002 - the parameter's own name
    usage: Mapping[str, Any],
    fields: Sequence[str],
) -> Iterator[bytes]:
    """Yields one row a partition, its name as `partition`. A table without rows has the columns `fields`."""
    records = [{"partition": name, **entry} for name, entry in usage["partitions"].items()]
    if format == "ndjson":
        return table_of(format, records, ())
    return table_of(format, [flat(record) for record in records], _columns(records) or ("partition", *fields))


def _columns(records: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Returns the columns of all records. Columns of one field stay together, whichever records have them."""
    fields = dict.fromkeys(field for record in records for field in record)
    parts = ({field: record[field]} for field in fields for record in records if field in record)
    return tuple(dict.fromkeys(column for part in parts for column in flat(part)))

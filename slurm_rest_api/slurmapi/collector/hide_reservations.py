"""Removes hidden partitions and their nodes from reservations and licenses."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from slurm_rest_api.slurmapi.collector.node_name_filter import NodeNames
from slurm_rest_api.slurmapi.sources.base import Record, Snapshot
from slurm_rest_api.slurmapi.sources.hostlists import expand_known


def hidden_nodes_of(nodes: Iterable[Record], hidden: frozenset[str]) -> NodeNames:
    """Returns the nodes that are in hidden partitions only."""
    return NodeNames(node["name"] for node in nodes if node.get("partitions") and hidden.issuperset(node["partitions"]))


def shown_reservations(
    records: list[Record] | None, nodes: Iterable[Record], hidden: frozenset[str], hidden_nodes: NodeNames
) -> list[Record] | None:
    """Returns the reservations that are not of hidden partitions or nodes alone, without these partitions and nodes.

    Counts are those of the nodes that remain. Changed records are copies.
    """
    if records is None:
        return None
    cores = _cores(nodes) if hidden_nodes else {}
    shown = (_shown_reservation(record, hidden, hidden_nodes, cores) for record in records)
    return [record for record in shown if record is not None]


def names_of_hidden(snapshot: Snapshot, hidden: Collection[str]) -> frozenset[str]:
    """Returns the names of the reservations that are hidden with the partitions `hidden`."""
    if not hidden or not snapshot.reservations:
        return frozenset()
    names = frozenset(hidden)
    shown = shown_reservations(snapshot.reservations, (), names, hidden_nodes_of(snapshot.nodes, names)) or []
    return frozenset(record["name"] for record in snapshot.reservations) - {record["name"] for record in shown}


def without_reservations(text: str, hidden: frozenset[str]) -> str | None:
    """Returns a list of reservations, with commas between them, without the hidden ones."""
    return ",".join(name for name in text.split(",") if name not in hidden) or None


def shown_licenses(records: list[Record], hidden_nodes: NodeNames) -> list[Record]:
    """Returns the licenses without hidden nodes in their layers, and without layers of hidden nodes alone."""
    if not hidden_nodes:
        return records
    return [
        {**record, "layers": [layer for layer in map(_shown_layer(hidden_nodes), record["layers"]) if layer["nodes"]]}
        if record.get("layers")
        else record
        for record in records
    ]


def _shown_layer(hidden_nodes: NodeNames) -> Any:
    return lambda layer: {**layer, "nodes": hidden_nodes.without(layer["nodes"])}


def _shown_reservation(
    record: Record, hidden: frozenset[str], hidden_nodes: NodeNames, cores: dict[str, int | None]
) -> Record | None:
    if record.get("partition") in hidden:
        return None
    changes: Record = {}
    if allowed := record.get("allowed_partitions"):
        shown = [name for name in allowed if name.removeprefix("-") not in hidden]
        if not shown and any(not name.startswith("-") for name in allowed):
            return None
        if shown != allowed:
            changes["allowed_partitions"] = shown or None
    text = record.get("nodes")
    if text and hidden_nodes and (nodes := hidden_nodes.without(text)) != text:
        if nodes is None:
            return None
        changes.update(_without_nodes(record, nodes, hidden_nodes, cores))
    return {**record, **changes} if changes else record


def _without_nodes(record: Record, nodes: str, hidden_nodes: NodeNames, cores: dict[str, int | None]) -> Record:
    """Returns the fields that change if only `nodes` are shown. TRES cannot be divided, so they are null."""
    names = expand_known(nodes)
    parts: dict[str, str] = record.get("core_ids") or {}
    shown_parts = {node: part for node, part in parts.items() if node not in hidden_nodes}
    counts = [_core_count(shown_parts[name]) if name in shown_parts else cores.get(name) for name in names]
    return {
        "nodes": nodes,
        "node_cnt": len(names),
        "core_cnt": None if None in counts else sum(count or 0 for count in counts),
        "core_ids": shown_parts,
        "tres_str": None,
    }


def _core_count(text: str) -> int | None:
    """`0-3,8` → 5."""
    total = 0
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            return None
        total += int(last or first) - int(first) + 1
    return total


def _cores(nodes: Iterable[Record]) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for node in nodes:
        sockets, cores = node.get("sockets"), node.get("cores_per_socket")
        found[node["name"]] = sockets * cores if sockets and cores else None
    return found

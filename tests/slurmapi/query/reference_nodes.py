"""The filters, groups and sums of /nodes and /partitions, and the parts of /usage, in plain Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from tests.slurmapi.query.reference import Record, Sum, Test, chosen, in_all, number_tests

SHORT_STATES = {"MIX": "MIXED", "ALLOC": "ALLOCATED", "NO_RESPOND": "NOT_RESPONDING", "DRNG": "DRAINING"}
HOSTLISTS: Mapping[str, set[str]] = {
    "n1": {"n1"},
    "n[1-2]": {"n1", "n2"},
    "n[2-4,11],other": {"n2", "n3", "n4", "n11", "other"},
    "n01": {"n01"},
    "none[1-5]": {"none1", "none2", "none3", "none4", "none5"},
}
"""Hostlists, written out by hand."""


# What `sinfo -o %T` prints for a node in each state of `tests.slurmapi.query.nodes`, in capital letters.
SINFO_WORDS: Mapping[str, str] = {
    "IDLE": "IDLE",
    "MIXED": "MIXED",
    "ALLOCATED": "ALLOCATED",
    "DOWN*": "DOWN*",
    "IDLE*+DRAIN": "DRAINED*",
    "MIXED+DRAIN": "DRAINING",
    "MIXED+FAIL": "FAILING",
    "IDLE+COMPLETING+DRAIN": "DRAINING",
    "IDLE+PLANNED": "PLANNED",
    "IDLE+MAINTENANCE": "MAINT",
}
AVAILABLE = {"IDLE", "MIXED", "IDLE+PLANNED"}


def state_words(node: Record) -> set[str]:
    """`IDLE*+DRAIN` answers to IDLE, NOT_RESPONDING and DRAIN, and as sinfo has it to DRAINED."""
    base, *flags = node["state"].split("+")
    words = {base.rstrip("*"), *flags} | ({"NOT_RESPONDING"} if base.endswith("*") else set())
    if "DRAIN" in flags:
        words.add("DRAINING" if {"ALLOCATED", "MIXED", "COMPLETING"} & words else "DRAINED")
    if node["state"] == "MIXED+FAIL":
        words.add("FAILING")
    if node["state"] in AVAILABLE:
        words.add("AVAILABLE")
    return words


def features_of(node: Record) -> list[str]:
    texts = [node["features"] or "", node["features_active"] or ""]
    return sorted({name for text in texts for name in text.split(",") if name})


def has_gres(node: Record, name: str) -> bool:
    return any(f"{entry}:".startswith(f"{name}:") for entry in node["gres"])


def gpus(entries: list[str]) -> int:
    return sum(int(entry.rsplit(":", 1)[1]) for entry in entries if entry.split(":")[0] == "gpu")


def free_gpus(node: Record) -> int:
    return max(gpus(node["gres"]) - gpus(node["gres_used"]) - shared_gpus(node), 0)


def shared_gpus(node: Record) -> int:
    """Of the test nodes, those with shards have 8 on 3 GPUs, so that 8 in use are on all of them."""
    has_shards = [any(entry.startswith("shard:") for entry in node[field]) for field in ("gres", "gres_used")]
    return 3 if all(has_shards) else 0


NODE_TESTS: Mapping[str, Test] = {
    "state": lambda node, text: chosen(text, lambda names: in_all(names, SHORT_STATES, state_words(node))),
    "partition": lambda node, text: chosen(text, lambda name: name in node["partitions"]),
    "feature": lambda node, text: chosen(text, lambda name: name in features_of(node)),
    "gres": lambda node, text: chosen(text, lambda name: has_gres(node, name)),
    "gpu_type": lambda node, text: chosen(text, lambda name: has_gres(node, f"gpu:{name}")),
    "name": lambda node, text: node["name"] in HOSTLISTS[text],
    **number_tests({name: itemgetter(name) for name in ("cpus", "idle_cpus", "cpu_load", "free_mem", "weight")}),
    **number_tests({"gpus": lambda node: gpus(node["gres"]), "free_gpus": lambda node: free_gpus(node)}),
}
NODE_SUMS: Mapping[str, Sum] = {
    "cpus": lambda node: node["cpus"],
    "alloc_cpus": lambda node: node["alloc_cpus"],
    "idle_cpus": lambda node: node["idle_cpus"],
    "real_memory": lambda node: node["real_memory"],
    "alloc_mem": lambda node: node["alloc_mem"],
    "idle_mem": lambda node: node["idle_mem"],
    "free_mem": lambda node: node["free_mem"] or 0,
    "gpus": lambda node: gpus(node["gres"]),
    "gpus_used": lambda node: gpus(node["gres_used"]),
    "free_gpus": free_gpus,
}
NODE_GROUPS: Mapping[str, Callable[[Record], list[str]]] = {
    "state": lambda node: [SINFO_WORDS[node["state"]]],
    "partition": lambda node: node["partitions"] or ["(null)"],
    "feature": lambda node: features_of(node) or ["(null)"],
}
NODE_ORDERS = [
    "name",
    "state",
    "cpus",
    "alloc_cpus",
    "idle_cpus",
    "cpu_load",
    "real_memory",
    "alloc_mem",
    "idle_mem",
    "free_mem",
    "weight",
    "free_gpus",
]
PARTITION_TESTS: Mapping[str, Test] = {
    "name": lambda partition, text: chosen(text, lambda name: partition["name"] == name),
    **number_tests({"total_nodes": itemgetter("total_nodes"), "priority_tier": itemgetter("priority_tier")}),
    "state": lambda partition, text: chosen(
        text, lambda name: partition["state"] == {"INACT": "INACTIVE"}.get(name.upper(), name.upper())
    ),
}
PARTITION_SUMS: Mapping[str, Sum] = {
    "total_nodes": lambda partition: partition["total_nodes"],
    "total_cpus": lambda partition: partition["total_cpus"],
}
PARTITION_GROUPS: Mapping[str, Callable[[Record], list[str]]] = {"state": lambda partition: [partition["state"]]}
PARTITION_ORDERS = [
    "name",
    "state",
    "total_nodes",
    "total_cpus",
    "priority_tier",
]


def part_of_usage(usage: dict[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
    """The matrix with some partitions, and under each of them some nodes."""
    nodes = HOSTLISTS[query["node"]] if "node" in query else None
    partitions = {}
    for name, partition in usage["partitions"].items():
        if "partition" in query and not chosen(query["partition"], lambda wanted, name=name: wanted == name):  # type: ignore[misc]
            continue
        cells = {
            node: cell
            for node, cell in partition["nodes"].items()
            if (nodes is None or node in nodes) and (cell["active"] or query.get("compact") != "true")
        }
        partitions[name] = {**partition, "nodes": cells}
    return {**usage, "partitions": partitions}

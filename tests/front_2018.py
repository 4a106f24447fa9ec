"""Reads from the API as the three example pages of 2018 did, and computes what they showed.

JavaScript reads a field that is not there as undefined and goes on, with NaN on the page; here it is a KeyError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Ask = Callable[[str], Any]
"""Sends a GET of a path with its query; gives the document."""


@dataclass(frozen=True)
class Bars:
    """Three bars: shares of what is used, in percent."""

    nodes: int
    load: float
    cpus: float
    memory: float


def current_load(ask: Ask) -> Bars:
    """The page of bars: every node that is up counts, by the fuller of its CPUs and its memory."""
    up = [node for node in ask("/nodes")["data"].values() if node["state"] != "DOWN*"]
    loads = [max(node["alloc_cpus"] / node["cpus"], node["alloc_mem"] / node["real_memory"]) for node in up]

    def share(used: str, there: str) -> float:
        return float(100 * sum(node[used] for node in up) / sum(node[there] for node in up))

    return Bars(len(up), 100 * sum(loads) / len(up), share("alloc_cpus", "cpus"), share("alloc_mem", "real_memory"))


def _cell(node: Mapping[str, Any]) -> str:
    if node["active"] is not True:
        return "striped"
    memory = node["total_used_mem"] / node["total_memory"]
    load = max(node["total_used_cpus"] / node["total_cpus"], 1.0 if memory > 0.95 else memory)
    # The text of the tooltip.
    for part, whole in (("cpus_allocated", "total_cpus"), ("mem_allocated", "total_memory")):
        assert node[part] / node[whole] >= 0
    if load == 0:
        return "empty"
    steps = ("low", "medium", "high", "very high")
    level = "full" if load >= 1 else next(name for n, name in enumerate(steps, 1) if load <= 0.25 * n)
    return level if node["running_jobs"] > 0 else f"{level}, no job of this tier"


def node_map(ask: Ask) -> dict[str, dict[str, str]]:
    """The page with a row for each partition and a cell for each node: a look for each; highest priority first."""
    partitions = ask("/usage")["data"]["partitions"]
    rows = sorted(partitions, key=lambda name: -partitions[name]["priority"])
    return {name: {node: _cell(fields) for node, fields in partitions[name]["nodes"].items()} for name in rows}


@dataclass(frozen=True)
class Graphs:
    """Lines in percent, a point for each of `times` (epoch seconds)."""

    times: list[int]
    lines: dict[str, list[float]]


def _rounded(share: float) -> float:
    return round(100 * share, 2)


def load_graphs(ask: Ask, seconds: int = 86400, offset: int | None = None) -> Graphs:
    """The page of graphs: the last day, or one that the date picker chose. Partitions are those of the first sample."""
    samples = ask(f"/load?time={seconds}" + ("" if offset is None else f"&offset={offset}"))["data"]
    lines = {
        "load": [_rounded(sample["total_load"]) for sample in samples],
        "cpus": [_rounded(sample["alloc_cpus"] / sample["total_cpus"]) for sample in samples],
        "memory": [_rounded(sample["alloc_mem"] / sample["total_mem"]) for sample in samples],
    }
    for name in samples[0]["partitions"]:
        # A partition that a later sample does not have is drawn at zero.
        there = [(sample, sample["partitions"].get(name)) for sample in samples]
        lines[name] = [_rounded(part["partition_load"]) if part else 0 for _, part in there]
        lines[f"cpu_{name}"] = [
            _rounded(part["alloc_cpus"] / all_["total_cpus"]) if part else 0 for all_, part in there
        ]
        lines[f"mem_{name}"] = [_rounded(part["alloc_mem"] / all_["total_mem"]) if part else 0 for all_, part in there]
    return Graphs([sample["time"] for sample in samples], lines)

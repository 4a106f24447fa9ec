"""Sums the GRES that jobs hold on each node, where the source does not know it, and adds the GPUs by model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from slurm_rest_api.slurm.gpus import node_gpus
from slurm_rest_api.slurm.gres import Gres, count_devices, parse_gres
from slurm_rest_api.slurm.states import resources_held
from slurm_rest_api.slurmapi.sources.base import Record, UnchangedJob

GresByNode = Mapping[str, Mapping[str, int] | None]
"""The published `gres_allocated` of a job."""


def with_gpus(nodes: Iterable[Record]) -> list[Record]:
    """Returns copies of the nodes with the fields `gpus` and `free_gpus`, from `gres` and `gres_used`."""
    return [_with_gpus(node) for node in nodes]


def _with_gpus(node: Record) -> Record:
    found = node_gpus(node.get("gres"), node.get("gres_used"))
    return {
        **node,
        "gpus": {model: count._asdict() for model, count in found.by_model.items()},
        "free_gpus": found.free,
    }


class GresInUse:
    """Fills `gres_used` of the nodes for which the source has None, with the sum of their jobs' `gres_allocated`.

    All jobs count, those of hidden partitions too, as in slurmctld's own GresUsed.

    Args:
        nodes: The records of the nodes.
        before: `held` of the last load, which has what an `UnchangedJob` holds.
    """

    def __init__(self, nodes: Iterable[Record], before: Mapping[int, GresByNode]) -> None:
        self.held: dict[int, GresByNode] = {}
        """What jobs hold, by job id."""
        self._before = before
        self._held: dict[str, Counter[tuple[str, str | None]]] = {
            node["name"]: Counter() for node in nodes if node.get("gres_used", ()) is None
        }

    def sum_while_iterating(self, jobs: Iterable[Record]) -> Iterator[Record]:
        """Returns the same jobs lazily."""
        for job in jobs:
            if isinstance(job, UnchangedJob):
                by_node = self._before.get(job["job_id"])
            else:
                by_node = job.get("gres_allocated")
                if by_node and resources_held(job.get("job_state")) not in ("memory", "all"):
                    by_node = None
            if by_node:
                self.held[job["job_id"]] = by_node
                self._add(by_node)
            yield job

    def filled(self, nodes: list[Record]) -> list[Record]:
        """Returns the nodes, those without `gres_used` as copies with it. The jobs have to be read before."""
        if not self._held:
            return nodes
        return [
            {**node, "gres_used": _texts(self._held[node["name"]])} if node.get("gres_used", ()) is None else node
            for node in nodes
        ]

    def _add(self, by_node: GresByNode) -> None:
        for node, gres in by_node.items():
            if gres and node in self._held:
                self._held[node].update(_devices(parse_gres(f"{name}:{count}" for name, count in gres.items())))


def _devices(entries: list[Gres]) -> dict[tuple[str, str | None], int]:
    """Returns counts by name and type, each device once: untyped is what the typed entries do not include."""
    counts: Counter[tuple[str, str | None]] = Counter()
    for entry in entries:
        if entry.type is not None:
            counts[entry.name, entry.type] += entry.count
    for name in {entry.name for entry in entries if entry.type is None}:
        typed = sum(count for (of, _), count in counts.items() if of == name)
        counts[name, None] = count_devices(entries, name) - typed
    return counts


def _texts(counts: Counter[tuple[str, str | None]]) -> list[str]:
    """Returns `name:type:count` of each entry. A name with devices of unknown type has one entry for all of them."""
    untyped = {name for (name, kind), count in counts.items() if kind is None and count}
    merged: Counter[str] = Counter()
    for (name, kind), count in counts.items():
        merged[name if kind is None or name in untyped else f"{name}:{kind}"] += count
    return [f"{key}:{count}" for key, count in sorted(merged.items()) if count]

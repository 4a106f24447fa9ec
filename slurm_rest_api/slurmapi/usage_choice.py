"""A part of the usage matrix: some partitions, and under each of them some nodes; pure."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from slurm_rest_api.web.names import Choice


def choose(
    document: bytes, partitions: Choice | None, nodes: Sequence[str] | None, *, jobs: bool = True
) -> tuple[bytes, int]:
    """The rendered usage with only these partitions and nodes, and how many partitions these are.

    Without `jobs` nothing tells how many jobs a node has.

    The figures of a partition and of the cluster stay those of the whole partition and the whole cluster.
    """
    usage = orjson.loads(document)
    chosen = {name: entry for name, entry in usage["partitions"].items() if _is_chosen(name, partitions)}
    if nodes is not None:
        wanted = frozenset(nodes)
        for entry in chosen.values():
            entry["nodes"] = {name: node for name, node in entry["nodes"].items() if name in wanted}
    if not jobs:
        for entry in chosen.values():
            for node in entry.get("nodes", {}).values():
                node.pop("running_jobs", None)
    usage["partitions"] = chosen
    return orjson.dumps(usage), len(chosen)


def _is_chosen(name: str, choice: Choice | None) -> bool:
    if choice is None:
        return True
    return (not choice.wanted or name in choice.wanted) and name not in choice.unwanted

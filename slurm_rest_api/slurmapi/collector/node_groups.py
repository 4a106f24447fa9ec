"""Groups the nodes for /availability by all that matters to a job apart from what other jobs hold."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from slurm_rest_api.slurmapi.collector.index_rows import node_kind
from slurm_rest_api.slurmapi.shared.node_order import in_order
from slurm_rest_api.slurmapi.sources.base import Record


def node_groups(nodes: Iterable[Record]) -> dict[str, Any]:
    """Returns the document `node_groups`.

    `names` are all names as `in_order()` returns them. Each of `groups` is a list: the kind of its nodes, their places
    in `names`, and the CPUs and the memory (MiB) that jobs hold of them. Of nodes with the same name it has the first.
    """
    by_name = {node["name"]: node for node in reversed(list(nodes))}
    names = _in_order(tuple(by_name))
    groups: dict[str, tuple[list[int], list[int], list[int]]] = {}
    for place, name in enumerate(names):
        if name is not None:
            node = by_name[name]
            places, cpus, memory = groups.setdefault(node_kind(node), ([], [], []))
            places.append(place)
            cpus.append(node.get("alloc_cpus") or 0)
            memory.append(node.get("alloc_mem") or 0)
    return {"names": names, "groups": [[kind, *values] for kind, values in sorted(groups.items())]}


# Names rarely change from load to load.
@functools.lru_cache(maxsize=1)
def _in_order(names: tuple[str, ...]) -> list[str | None]:
    return in_order(names)

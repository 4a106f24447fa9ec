"""Holds the nodes of one load in groups of one kind, and selects those that a job may use."""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from itertools import compress
from typing import Final, NamedTuple

import orjson

from slurm_rest_api.slurmapi.availability.model import NodeKind, parse_node_kind
from slurm_rest_api.slurmapi.availability.reserved import Reserved
from slurm_rest_api.slurmapi.shared.node_order import NodeOrder

_MOST_KEPT: Final = 8
"""Most sets of reservations whose nodes are kept. Jobs that name no reservation have one for each time limit between
two starts of reservations."""


class NodeGroup(NamedTuple):
    """Nodes of one kind: their places in the `NodeOrder`, and the CPUs and the memory (MiB) that jobs hold of them.

    All three are sorted by CPUs. `sorted_memory` has the same memory, sorted.
    """

    kind: NodeKind
    places: list[int]
    cpus: list[int]
    memory: list[int]
    sorted_memory: list[int]

    def free(self, cpus: int, memory_mib: int) -> list[int]:
        """Returns the places of the nodes of which jobs hold at most so much."""
        number = bisect_right(self.cpus, cpus)
        if not self.sorted_memory or memory_mib >= self.sorted_memory[-1]:
            return self.places[:number]
        return [place for place, memory in zip(self.places[:number], self.memory, strict=False) if memory <= memory_mib]

    def above_cpus(self, cpus: int) -> int:
        """Returns the number of nodes of which jobs hold more CPUs."""
        return len(self.cpus) - bisect_right(self.cpus, cpus)

    def above_memory(self, memory_mib: int) -> int:
        """Returns the number of nodes of which jobs hold more memory."""
        return len(self.sorted_memory) - bisect_right(self.sorted_memory, memory_mib)

    def with_places(self, chosen: Sequence[bool | int]) -> NodeGroup:
        """Returns the nodes whose values in `chosen` are true. These are in the order of `places`."""
        memory = list(compress(self.memory, chosen))
        places, cpus = list(compress(self.places, chosen)), list(compress(self.cpus, chosen))
        return NodeGroup(self.kind, places, cpus, memory, sorted(memory))


def node_group(kind: NodeKind, places: Iterable[int], cpus: Iterable[int], memory: Iterable[int]) -> NodeGroup:
    """Returns a group of nodes that come in any order."""
    rows = sorted(zip(cpus, memory, places, strict=True))
    held = [row[1] for row in rows]
    return NodeGroup(kind, [row[2] for row in rows], [row[0] for row in rows], held, sorted(held))


class NodeTable:
    """The nodes of one load. Their order does not depend on what jobs hold, so that loads may share it."""

    def __init__(self, order: NodeOrder, groups: Sequence[NodeGroup]) -> None:
        self.order = order
        self._groups = groups
        self._kept: dict[Reserved, Sequence[NodeGroup]] = {}

    def groups(
        self, reserved: Reserved, only: Collection[str] | None = None, never: Collection[str] = ()
    ) -> Sequence[NodeGroup]:
        """Returns the nodes in groups with the same reserved cores.

        A job with a reservation of its own finds the nodes of that alone. Without the nodes `never`, and those outside
        of `only`.
        """
        found = self._kept.get(reserved)
        if found is None:
            found = self._with_reserved(reserved)
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[reserved] = found
        return found if only is None and not never else self._usable(found, only, never)

    def _with_reserved(self, reserved: Reserved) -> Sequence[NodeGroup]:
        places = self.order.places
        others = {places[name]: cores for name, cores in reserved.cores_of_others().items() if name in places}
        if reserved.own is None:
            own = None
            if not others:
                return self._groups
        else:
            own = {places[name]: cores for name, cores in reserved.own.cores().items() if name in places}
        found: list[NodeGroup] = []
        for group in self._groups:
            if own is None and others.keys().isdisjoint(group.places):
                found.append(group)
                continue
            # None: the node is outside of the job's reservation.
            cores = [
                (others.get(place, 0), 0)
                if own is None
                else (others.get(place, 0), own[place])
                if place in own
                else None
                for place in group.places
            ]
            for part in dict.fromkeys(cores):
                if part is not None:
                    kind = group.kind._replace(reserved=part[0], own=part[1])
                    found.append(group._replace(kind=kind).with_places([each == part for each in cores]))
        return found

    def _usable(
        self, groups: Sequence[NodeGroup], only: Collection[str] | None, never: Collection[str]
    ) -> Sequence[NodeGroup]:
        places = self.order.places
        usable = bytearray(len(self.order.names)) if only is not None else bytearray(b"\1") * len(self.order.names)
        for names, value in ((only or (), 1), (never, 0)):
            for name in names:
                if name in places:
                    usable[places[name]] = value
        found = []
        for group in groups:
            chosen = [usable[place] for place in group.places]
            if all(chosen):
                found.append(group)
            elif any(chosen):
                found.append(group.with_places(chosen))
        return found


@functools.lru_cache(maxsize=1)
def parse_nodes(document: bytes) -> NodeTable:
    """Parses the collector's document `node_groups`, once for each load that changes a node."""
    found = orjson.loads(document)
    groups = [node_group(parse_node_kind(kind), *values) for kind, *values in found["groups"]]
    return NodeTable(_order_of(tuple(found["names"])), groups)


# Names rarely change from load to load.
@functools.lru_cache(maxsize=1)
def _order_of(names: tuple[str | None, ...]) -> NodeOrder:
    return NodeOrder(names)

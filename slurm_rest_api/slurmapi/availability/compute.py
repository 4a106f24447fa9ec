"""Computes for each partition on how many nodes a job could start now, and what the other nodes lack."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from slurm_rest_api.slurmapi.availability.limits import Checked, Limit, check
from slurm_rest_api.slurmapi.availability.model import (
    LACKS,
    Lack,
    Piece,
    Request,
    Room,
    room_for,
    sizes,
)
from slurm_rest_api.slurmapi.availability.nodes import NodeGroup, NodeTable
from slurm_rest_api.slurmapi.availability.reserved import reserved_for

Record = Mapping[str, Any]

_LIMIT_OF_SIZE: Mapping[Lack, str] = {"cpus": "NodeCPUs", "memory": "NodeMemory", "gpus": "NodeGPUs"}


class _Answer(NamedTuple):
    """The nodes of one group for one piece: their number, places of the free ones, and what the others lack."""

    total: int
    free: list[int]
    lacking: dict[Lack, int]


@dataclass
class _Found:
    """The nodes of one partition that are large enough: places of those that are free, and what others lack."""

    free: list[int] = field(default_factory=list)
    free_groups: list[int] = field(default_factory=list)
    fitting: int = 0
    lacking: Counter[Lack] = field(default_factory=Counter)


def compute(
    request: Request,
    partitions: Iterable[Record],
    nodes: NodeTable,
    reservations: Sequence[Record] | None,
    now: float,
) -> list[dict[str, Any]]:
    """Returns the published record of each partition, in the order of `partitions`.

    `reservations` are None if they are not read. `now` is an epoch second.
    """
    checked = {partition["name"]: check(partition, request, reservations, now) for partition in partitions}
    # The time limit differs from partition to partition, and with it the reservations that are in the way.
    by_seconds: dict[float, Sequence[NodeGroup]] = {}
    changes = _changes(reservations or (), now)
    found = {name: _Found() for name in checked}
    for until in {_step(one.seconds, changes) for one in checked.values()}:
        reserved = reserved_for(reservations or (), request, now, until)
        by_seconds[until] = nodes.groups(reserved, request.only, request.never)
    folded: dict[tuple[float, Piece, tuple[int, ...]], str] = {}
    records = []
    for until, groups in by_seconds.items():
        names = {name for name, one in checked.items() if _step(one.seconds, changes) == until}
        _search(groups, {name: checked[name].piece for name in names}, found)
    for name, one in checked.items():
        until, result = _step(one.seconds, changes), found[name]
        key = until, one.piece, tuple(result.free_groups)
        if key not in folded:
            folded[key] = nodes.order.fold(result.free)
        records.append(_record(name, request, one, result, folded[key], by_seconds[until]))
    return records


def _changes(reservations: Sequence[Record], now: float) -> list[float]:
    """Returns the seconds from now after which a reservation begins, sorted."""
    starts = {reservation["start_time"] - now for reservation in reservations if reservation.get("start_time")}
    return sorted(start for start in starts if start > 0)


def _step(seconds: float, changes: Sequence[float]) -> float:
    """Returns one value for all time limits with the same reservations before their end."""
    return next((change for change in changes if change >= seconds), math.inf)


def _search(groups: Sequence[NodeGroup], pieces: Mapping[str, Piece], found: Mapping[str, _Found]) -> None:
    """Adds the nodes of each group to the partitions that they are in."""
    in_partitions: dict[str, list[tuple[str, Piece]]] = {}
    for number, group in enumerate(groups):
        words = group.kind.partition_words
        if words not in in_partitions:
            in_partitions[words] = [(name, pieces[name]) for name in words.split(",") if name in pieces]
        answers: dict[Piece, _Answer | None] = {}
        for partition, piece in in_partitions[words]:
            if piece not in answers:
                room = room_for(group.kind, piece)
                answers[piece] = None if room is None else _answer(room, group)
            answer = answers[piece]
            if answer is not None:
                result = found[partition]
                result.fitting += answer.total
                for lack, count in answer.lacking.items():
                    result.lacking[lack] += count
                result.free += answer.free
                result.free_groups.append(number)


def _answer(room: Room, group: NodeGroup) -> _Answer:
    total = len(group.places)
    lacking: dict[Lack, int] = dict.fromkeys(room.always, total)
    most_cpus, most_memory = min(room.cpus, room.unreserved), room.memory_mib
    if room.whole:
        most_cpus, most_memory = min(most_cpus, 0), min(most_memory, 0)
    free = [] if room.always else group.free(most_cpus, most_memory)
    if len(free) < total:
        above_cpus = group.above_cpus(room.cpus)
        lacking["cpus"] = lacking.get("cpus", 0) + above_cpus
        lacking["memory"] = lacking.get("memory", 0) + group.above_memory(room.memory_mib)
        if room.unreserved < room.cpus and "reserved" not in room.always:
            lacking["reserved"] = group.above_cpus(room.unreserved) - above_cpus
        if room.whole and "exclusive" not in room.always:
            lacking["exclusive"] = total - len(group.free(0, 0))
    return _Answer(total, free, lacking)


def _record(
    name: str,
    request: Request,
    checked: Checked,
    found: _Found,
    nodes: str,
    groups: Sequence[NodeGroup],
) -> dict[str, Any]:
    limits, unchecked = list(checked.limits), list(checked.unchecked)
    if found.fitting < request.nodes:
        limits += _limits_of_size(name, request, checked.piece, found.fitting, groups)
    free = len(found.free)
    answer = "never" if limits else "later" if checked.is_down or free < request.nodes else "now"
    return {
        "partition": name,
        "answer": answer,
        "free_nodes": free,
        "nodes": nodes or None,
        "missing_nodes": max(request.nodes - free, 0),
        "fitting_nodes": found.fitting,
        "short": {lack: found.lacking[lack] for lack in LACKS},
        "partition_down": checked.is_down,
        "limits": [limit._asdict() for limit in limits],
        "unchecked": unchecked,
        "cpus": checked.piece.cpus,
        "memory": checked.piece.memory_mib,
        "time_limit": "UNLIMITED" if checked.seconds == math.inf else int(checked.seconds),
        "exclusive": checked.piece.whole,
    }


def _limits_of_size(
    name: str, request: Request, piece: Piece, fitting: int, groups: Sequence[NodeGroup]
) -> list[Limit]:
    """Returns the figures of the partition's nodes that keep the job from ever starting.

    For CPUs, memory and GPUs that is what the last of the nodes has that the job needs, in their order by size.
    """
    word = f",{name},"
    present = [
        (group.kind, len(group.places)) for group in groups if word in group.kind.partition_words and group.kind.exists
    ]
    total = sum(count for _, count in present)
    if total < request.nodes:
        return [Limit("TotalNodes", total, request.nodes)]
    limits = []
    for lack, (_, need) in sizes(present[0][0], piece).items():
        have = _nth_largest([(sizes(node, piece)[lack][0], count) for node, count in present], request.nodes)
        if have < need:
            limits.append(Limit(_LIMIT_OF_SIZE[lack], have, need))
    return limits or [Limit("FittingNodes", fitting, request.nodes)]


def _nth_largest(values: Iterable[tuple[int, int]], number: int) -> int:
    """Returns the `number`-th largest value. Each comes with how often it is there."""
    seen = 0
    for value, count in sorted(values, reverse=True):
        seen += count
        if seen >= number:
            return value
    return 0

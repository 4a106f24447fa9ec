"""The request of a job, and what one node has for it."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

Lack = Literal["cpus", "memory", "gpus", "reserved", "planned", "completing", "exclusive", "unavailable"]
LACKS: Final[tuple[Lack, ...]] = (
    "cpus",
    "memory",
    "gpus",
    "reserved",
    "planned",
    "completing",
    "exclusive",
    "unavailable",
)
"""The reasons for which a job cannot start on a node now, in the order in which they are published."""

WHOLE: Final = -1
"""The reserved cores of a node that is reserved as a whole."""

UNLIMITED: Final = math.inf
"""The seconds of a job without a time limit."""

# States of nodes for which slurmctld starts no job, whatever is free. slurm.states.can_take_jobs() has all of them.
_STATES_OF_RESERVATIONS: Final = frozenset(("RESERVED", "MAINTENANCE"))
_CLOSED: Final = frozenset(
    ("BLOCKED", "DRAIN", "FAIL", "INVALID_REG", "NOT_RESPONDING", "POWERING_DOWN", "EXTERNAL", "POWER_DOWN")
) | {"POWER_DRAIN", "REBOOT_ISSUED"}
_NO_NODE: Final = frozenset(("FUTURE", "DYNAMIC_FUTURE"))
_PLANNED: Final[frozenset[Lack]] = frozenset(("planned",))
_EXCLUSIVE: Final[frozenset[Lack]] = frozenset(("exclusive",))
_GPUS: Final[frozenset[Lack]] = frozenset(("gpus",))
_RESERVED: Final[frozenset[Lack]] = frozenset(("reserved",))


@dataclass(frozen=True)
class Request:
    """A job of `nodes` identical pieces, each on a node of its own: `cpus`, `memory_mib` and `gpus` are of one node.

    None is the default of the partition. `seconds` is the time limit, `math.inf` for UNLIMITED. `user_id` is the id of
    `user`. A job that `is_queued` already may start in a partition in the state DRAIN, and is taken as the first in the
    queue: plans for other jobs do not hold nodes. `exclusive` is sbatch's option. `only` are the names of the nodes
    that the job may use, None for all, `never` those that it may not. `unchecked` names further conditions of the job,
    which are not compared.
    """

    cpus: int | None = None
    memory_mib: int | None = None
    gpus: int = 0
    gpu_type: str | None = None
    nodes: int = 1
    seconds: float | None = None
    account: str | None = None
    qos: str | None = None
    user: str | None = None
    user_id: int | None = None
    reservation: str | None = None
    exclusive: bool = False
    is_queued: bool = False
    only: frozenset[str] | None = None
    never: frozenset[str] = frozenset()
    unchecked: tuple[str, ...] = ()


class Piece(NamedTuple):
    """The needs of the job on each node in one partition. Memory is in MiB, None if it is not limited.

    `whole` is True if the job gets nodes without other jobs, `in_reservation` if it uses a reservation, and
    `begins_later` if that has not begun. `heeds_plans` is True if plans for other jobs hold nodes.
    """

    cpus: int
    memory_mib: int | None
    gpus: int
    gpu_type: str | None
    whole: bool
    user_id: int | None
    in_reservation: bool
    begins_later: bool = False
    heeds_plans: bool = True


class Resources(NamedTuple):
    """The resources of a node: CPUs for jobs, MiB for the system, owner, threads, GPUs by model.

    `owner` is the id of the user with exclusive use, `threads` are those of a core. A model has its
    number of GPUs, and the least number of free ones.
    """

    cpus: int
    mem_spec_mib: int
    owner: int | None
    threads: int
    gpus: dict[str, tuple[int, int]]
    total_gpus: int
    free_gpus: int


class NodeKind(NamedTuple):
    """The common properties of nodes that differ in their names and in what jobs hold of them.

    `memory_mib` is the memory for jobs. Nodes in the state FUTURE do not exist for jobs. The nodes lack `lacks` because
    of their states, for a job in a reservation `lacks_in_reservation`. `reserved` is the number of cores that other
    reservations hold, WHOLE for all of the node. `own` is the number of those in the job's reservation.
    """

    partition_words: str
    exists: bool
    lacks: frozenset[Lack]
    lacks_in_reservation: frozenset[Lack]
    memory_mib: int
    resources: Resources
    reserved: int = 0
    own: int = 0


class Room(NamedTuple):
    """The most that jobs may hold of a node of one kind if a piece is to start there. Memory is in MiB.

    With more CPUs than `cpus` it lacks CPUs, with more than `unreserved` only reserved ones are idle. The nodes lack
    `always` in any case. A `whole` node has to be empty.
    """

    cpus: int
    unreserved: int
    memory_mib: int
    whole: bool
    always: frozenset[Lack]


def sizes(node: NodeKind, piece: Piece) -> dict[Lack, tuple[int, int]]:
    """Returns by resource what the whole node has, and what the piece needs."""
    return {
        "cpus": (node.resources.cpus, piece.cpus),
        "memory": (node.memory_mib, piece.memory_mib or 0),
        "gpus": (_of_model(node.resources, piece.gpu_type)[0], piece.gpus),
    }


def room_for(node: NodeKind, piece: Piece) -> Room | None:
    """Returns the room for the piece, None if the empty node is too small. The state of the node does not matter.

    Reserved cores count as not free, even where jobs of their reservation use them.
    """
    resources = node.resources
    most, memory = resources.cpus - piece.cpus, node.memory_mib - (piece.memory_mib or 0)
    gpus, free_gpus = _of_model(resources, piece.gpu_type)
    if not node.exists or most < 0 or memory < 0 or gpus < piece.gpus:
        return None
    always = node.lacks_in_reservation if piece.in_reservation else node.lacks
    # Sets are made for few nodes only.
    if not piece.heeds_plans:
        always = always - _PLANNED
    if resources.owner is not None and resources.owner != piece.user_id:
        always = always | _EXCLUSIVE
    if free_gpus < piece.gpus:
        always = always | _GPUS
    own_is_small = node.own not in (0, WHOLE) and node.own * resources.threads < piece.cpus
    if node.reserved == WHOLE or own_is_small or (piece.whole and node.reserved) or piece.begins_later:
        always = always | _RESERVED
    return Room(
        cpus=most,
        unreserved=most - max(node.reserved, 0) * resources.threads,
        memory_mib=memory,
        whole=piece.whole,
        always=always,
    )


def parse_node_kind(text: str) -> NodeKind:
    """Parses the kind of a node, as the collector's `node_kind()` writes it."""
    partitions, states, real_memory, rest = text.split("\n")
    resources = parse_resources(rest)
    return NodeKind(
        partitions,
        _NO_NODE.isdisjoint(states.split(",")),
        _lacks_of_state(states, in_reservation=False),
        _lacks_of_state(states, in_reservation=True),
        int(real_memory) - resources.mem_spec_mib,
        resources,
    )


@functools.lru_cache(maxsize=4096)
def parse_resources(text: str) -> Resources:
    """Parses the resources of a node, the last part of its kind."""
    cpus, mem_spec, owner, threads, free_gpus, models = text.split("|", 5)
    entries = [entry.rsplit(":", 2) for entry in models.split(",") if entry]
    totals = sum(int(total) for _, total, _ in entries)
    free_in_all = int(free_gpus)
    gpus = {
        # With an unknown number at least as many are free as if all GPUs of the other models were.
        model: (int(total), int(free) if free else max(free_in_all - (totals - int(total)), 0))
        for model, total, free in entries
    }
    return Resources(int(cpus), int(mem_spec), int(owner) if owner else None, int(threads), gpus, totals, free_in_all)


def _of_model(resources: Resources, model: str | None) -> tuple[int, int]:
    if model is None:
        return resources.total_gpus, resources.free_gpus
    return resources.gpus.get(model, (0, 0))


@functools.lru_cache(maxsize=1024)
def _lacks_of_state(state_words: str, *, in_reservation: bool) -> frozenset[Lack]:
    words = frozenset(state_words.split(","))
    found: set[Lack] = set()
    if "PLANNED" in words:
        found.add("planned")
    if "COMPLETING" in words:
        found.add("completing")
    if not words.isdisjoint(_STATES_OF_RESERVATIONS) and not in_reservation:
        found.add("reserved")
    if not words.isdisjoint(_CLOSED) or words.isdisjoint(("IDLE", "MIXED", "ALLOCATED")):
        found.add("unavailable")
    return frozenset(found)

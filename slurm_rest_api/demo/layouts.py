"""Divides the nodes of a block into disjoint shares, for one window of its timetable."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from slurm_rest_api.demo.hardware import Block, Node
from slurm_rest_api.demo.jobs import NodeShare

Style = Literal["mixed", "wide", "array", "het"]

# Divisions of a node into shares, in quarters.
_QUARTERS: Final = ((4,), (4,), (2, 2), (2, 1, 1), (3, 1), (1, 1, 1, 1))
_REASONS: Final = (
    "Not responding",
    "gres/gpu count too low",
    "Kill task failed",
    "disk errors on /scratch",
    "memory module to be replaced",
    "firmware update",
)
_OUTAGES: Final = 0.18
# How the administrators take a node out of service, by reason. Other nodes are drained.
_FLAGS: Final = {
    "memory module to be replaced": ("FAIL",),
    "firmware update": ("MAINTENANCE", "RESERVED"),
}


@dataclass(frozen=True)
class Outage:
    """A node that accepts no jobs from epoch second `since` to the end of the window. `down` also ends its jobs."""

    node: Node
    since: int
    until: int
    down: bool
    reason: str

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of the node's state meanwhile."""
        return ("NOT_RESPONDING",) if self.down else _FLAGS.get(self.reason, ("DRAIN",))


@dataclass(frozen=True)
class Layout:
    """The shares of a window, and the style of the jobs on them."""

    style: Style
    shares: tuple[NodeShare, ...]
    outage: Outage | None


def lay_out(random: Random, block: Block, start: int) -> Layout:
    """Draws the layout of the window that begins at epoch second `start`."""
    outage = _outage(random, block, start)
    styles: list[Style] = ["mixed", "wide", "array", "het"]
    weights = [55, 20, 15, 10] if len(block.nodes) > 1 else [80, 0, 20, 0]
    (style,) = random.choices(styles, weights)
    # Jobs on more than one node avoid the node with an outage for the whole window.
    sound = tuple(
        node for node in block.nodes if outage is None or node is not outage.node or style in ("mixed", "array")
    )
    if style == "wide":
        return Layout(style, (_node_share(sound, 0, 4),), outage)
    if style == "het":
        return Layout(style, tuple(_node_share(nodes, 0, 4) for nodes in (sound[:1], sound[1:]) if nodes), outage)
    if style == "array":
        quarters = random.choice(((4,), (2, 2), (1, 1, 1, 1)))
        return Layout(style, tuple(share for node in sound for share in _node_shares(node, quarters)), outage)
    return Layout(
        style, tuple(share for node in sound for share in _node_shares(node, random.choice(_QUARTERS))), outage
    )


def _outage(random: Random, block: Block, start: int) -> Outage | None:
    if random.random() >= _OUTAGES:
        return None
    window = block.kind.window
    down = random.random() < 0.25
    reason = random.choice([r for r in _REASONS if block.kind.gpus or not r.startswith("gres")])
    return Outage(
        node=random.choice(block.nodes),
        since=start + random.randrange(window // 2),
        until=start + window,
        down=down,
        reason=_REASONS[0] if down else reason if reason != _REASONS[0] else "firmware update",
    )


def _node_shares(node: Node, quarters: tuple[int, ...]) -> list[NodeShare]:
    return [_node_share((node,), sum(quarters[:i]), quarter) for i, quarter in enumerate(quarters)]


def _node_share(nodes: tuple[Node, ...], first: int, quarters: int) -> NodeShare:
    """Returns a share of nodes of one kind, in quarters. 1/16 of the memory is left to the system."""
    kind = nodes[0].kind
    return NodeShare(
        nodes=nodes,
        first_cpu=kind.cpus * first // 4,
        cpus=kind.cpus * quarters // 4,
        memory=kind.memory * quarters // 4 * 15 // 16,
        gpus=kind.gpus * quarters // 4,
    )

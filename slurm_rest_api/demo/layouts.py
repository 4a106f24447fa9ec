"""How the nodes of a block are shared out in one window of its timetable: slots that never overlap; pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from slurm_rest_api.demo.hardware import Block, Node
from slurm_rest_api.demo.jobs import Slot

Style = Literal["mixed", "wide", "array", "het"]

# Shares of a node, in quarters of it.
_QUARTERS: Final = ((4,), (4,), (2, 2), (2, 1, 1), (3, 1), (1, 1, 1, 1))
_REASONS: Final = (
    "Not responding",
    "gres/gpu count too low",
    "Kill task failed",
    "disk errors on /scratch",
    "memory module to be replaced",
    "firmware update",
)
_OUTAGES: Final = 0.09


@dataclass(frozen=True)
class Outage:
    """A node that takes no jobs from the epoch second `since` to the end of the window; `down` ends those on it."""

    node: Node
    since: int
    until: int
    down: bool
    reason: str


@dataclass(frozen=True)
class Layout:
    """The slots of a window, and the style of what runs on them."""

    style: Style
    slots: tuple[Slot, ...]
    outage: Outage | None


def lay_out(random: Random, block: Block, start: int) -> Layout:
    """The layout of the window that begins at `start`."""
    outage = _outage(random, block, start)
    styles: list[Style] = ["mixed", "wide", "array", "het"]
    weights = [55, 20, 15, 10] if len(block.nodes) > 1 else [80, 0, 20, 0]
    (style,) = random.choices(styles, weights)
    # What spans several nodes does without the sick one for the whole window.
    sound = tuple(
        node for node in block.nodes if outage is None or node is not outage.node or style in ("mixed", "array")
    )
    if style == "wide":
        return Layout(style, (_share(sound, 0, 4),), outage)
    if style == "het":
        return Layout(style, tuple(_share(nodes, 0, 4) for nodes in (sound[:1], sound[1:]) if nodes), outage)
    if style == "array":
        quarters = random.choice(((4,), (2, 2), (1, 1, 1, 1)))
        return Layout(style, tuple(slot for node in sound for slot in _slots(node, quarters)), outage)
    return Layout(style, tuple(slot for node in sound for slot in _slots(node, random.choice(_QUARTERS))), outage)


def _outage(random: Random, block: Block, start: int) -> Outage | None:
    if random.random() >= _OUTAGES:
        return None
    window = block.kind.window
    down = random.random() < 0.5
    reason = random.choice([r for r in _REASONS if block.kind.gpus or not r.startswith("gres")])
    return Outage(
        node=random.choice(block.nodes),
        since=start + random.randrange(window // 2),
        until=start + window,
        down=down,
        reason=_REASONS[0] if down else reason if reason != _REASONS[0] else "firmware update",
    )


def _slots(node: Node, quarters: tuple[int, ...]) -> list[Slot]:
    return [_share((node,), sum(quarters[:i]), quarter) for i, quarter in enumerate(quarters)]


def _share(nodes: tuple[Node, ...], first: int, quarters: int) -> Slot:
    """A share of some nodes of one kind, in quarters; a little memory is left to the system."""
    kind = nodes[0].kind
    return Slot(
        nodes=nodes,
        first_cpu=kind.cpus * first // 4,
        cpus=kind.cpus * quarters // 4,
        memory=kind.memory * quarters // 4 * 15 // 16,
        gpus=kind.gpus * quarters // 4,
    )

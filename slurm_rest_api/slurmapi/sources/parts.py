"""Names the parts of a cluster's state, and says from where and why each of them is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, NamedTuple

PARTS: Final = ("jobs", "nodes", "partitions", "statistics", "reservations", "licenses")
"""Parts of the cluster's state that slurmctld sends, in the order in which they are reported."""

Origin = Literal["pyslurm", "commands", "none"]


class PartOrigin(NamedTuple):
    """The origin of one part.

    Attributes:
        part: One of `PARTS`.
        origin: `pyslurm`, `commands` (Slurm's own), or `none`: the part is not read.
        why: Why the part does not come from pyslurm. None where it does.
    """

    part: str
    origin: Origin
    why: str | None = None


def all_from(origin: Origin, why: str | None = None, parts: Iterable[str] = PARTS) -> tuple[PartOrigin, ...]:
    """Returns the origins of `parts` that come from one place for one reason."""
    return tuple(PartOrigin(part, origin, why) for part in parts)


def parts_from(origins: Iterable[PartOrigin], origin: Origin, parts: Iterable[str] = PARTS) -> tuple[str, ...]:
    """Returns those of `parts` that come from `origin`."""
    found = {row.part for row in origins if row.origin == origin}
    return tuple(part for part in parts if part in found)


def origins_as_json(origins: Iterable[PartOrigin]) -> list[dict[str, Any]]:
    """Returns the origins as objects of JSON with the keys `part`, `from` and `why`."""
    return [{"part": row.part, "from": row.origin, "why": row.why} for row in origins]


def origins_from_json(rows: Iterable[dict[str, Any]]) -> tuple[PartOrigin, ...]:
    """Returns the origins that `origins_as_json()` has written."""
    return tuple(PartOrigin(row["part"], row["from"], row["why"]) for row in rows)


def origins_text(origins: Sequence[PartOrigin]) -> str:
    """Returns a sentence for people: `jobs, nodes from pyslurm; statistics from commands, because …`.

    Parts with the same origin and reason are named once.
    """
    groups: dict[tuple[Origin, str | None], list[str]] = {}
    for row in origins:
        groups.setdefault((row.origin, row.why), []).append(row.part)
    return "; ".join(
        f"{', '.join(parts)} {'not read' if origin == 'none' else f'from {origin}'}"
        + (f", because {why}" if why is not None else "")
        for (origin, why), parts in groups.items()
    )

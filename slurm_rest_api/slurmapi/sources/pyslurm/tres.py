"""Rebuilds TRES texts from pyslurm's objects, which drop Slurm's text."""

from __future__ import annotations

import io
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

SINGLE = ("cpu", "mem", "energy", "node", "billing", "vmem", "pages")
GROUPS = ("fs", "gres", "license", "interconnect", "other")
"""TRES that have a name and a type. Slurm prints TRES in the order of their ids, which is about this one."""

_singles = attrgetter(*SINGLE)
_groups = attrgetter(*GROUPS)


class Discard(io.TextIOBase):
    """Discards text. pyslurm 25.11 prints every TRES of an unknown type to standard output."""

    def write(self, text: str, /) -> int:
        """Discards the text."""
        return len(text)


def tres_text(tres: Any) -> str | None:
    """Returns `cpu=6,mem=1500M,node=3,gres/gpu=2` of a TrackableResources, or of the dictionary of 25.11.0.

    Memory is MiB with the suffix M in any case. None for an empty object.
    """
    if not tres:
        return None
    parts = _from_mapping(tres) if isinstance(tres, Mapping) else _from_object(tres)
    return ",".join(parts) or None


def _from_mapping(tres: Mapping[str, Any]) -> list[str]:
    return [_part(name, count) for name, count in tres.items()]


def _from_object(tres: Any) -> list[str]:
    singles = zip(SINGLE, _singles(tres), strict=True)
    parts = [_part(name, single.count) for name, single in singles if single is not None]
    for group in _groups(tres):
        if group:
            parts += [f"{resource.type_and_name}={resource.count}" for resource in group.values()]
    return parts


def _part(name: str, count: Any) -> str:
    return f"mem={count}M" if name == "mem" and isinstance(count, int) else f"{name}={count}"

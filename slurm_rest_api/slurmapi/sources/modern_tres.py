"""TRES texts rebuilt from pyslurm's objects, which do not keep Slurm's text."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

BEFORE_NAMED = ("cpu", "mem", "energy", "node", "billing")
AFTER_NAMED = ("vmem", "pages")
NAMED = ("fs", "gres", "license", "interconnect", "other")
"""Groups of TRES that have a name of their own. Slurm prints TRES by their ids, which follow this order."""


class Discard(io.TextIOBase):
    """Takes and forgets text: pyslurm 25.11 prints every TRES whose type it does not know to standard output."""

    def write(self, text: str, /) -> int:
        """Forget the text."""
        return len(text)


def tres_text(tres: Any) -> str | None:
    """`cpu=6,mem=1500M,node=3,billing=6,gres/gpu=2` of a TrackableResources, or of the dictionary of 25.11.0.

    Memory is MiB with the suffix M, whatever unit Slurm chose. None when there is nothing.
    """
    if not tres:
        return None
    parts = _from_mapping(tres) if isinstance(tres, Mapping) else _from_object(tres)
    return ",".join(parts) or None


def _from_mapping(tres: Mapping[str, Any]) -> Iterator[str]:
    for name, count in tres.items():
        yield f"{name}={count}M" if name == "mem" and isinstance(count, int) else f"{name}={count}"


def _from_object(tres: Any) -> Iterator[str]:
    for name in BEFORE_NAMED + AFTER_NAMED:
        single = getattr(tres, name)
        if single is not None:
            yield f"mem={single.count}M" if name == "mem" else f"{name}={single.count}"
    for group in NAMED:
        for resource in (getattr(tres, group) or {}).values():
            yield f"{resource.type_and_name}={resource.count}"

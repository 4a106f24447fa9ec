"""Parses the TRES of jobs as Slurm prints them: `cpu=4,mem=1.50G,node=1,billing=4,gres/gpu:a100=2`.

Source: assoc_mgr_make_tres_str_from_array() of src/common/assoc_mgr.c with TRES_STR_CONVERT_UNITS.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Final

_ENTRY: Final = re.compile(r"(?P<name>[^=,]+)=(?P<count>[0-9]{1,19}(?:\.[0-9]{1,6})?)(?P<unit>[KMGTPE]?)")
_POWERS: Final = {letter: power for power, letter in enumerate("KMGTPE", start=1)}


@functools.lru_cache(maxsize=4096)
def parse_tres(text: str | None) -> Mapping[str, int]:
    """Returns counts by TRES: `{"cpu": 4, "mem": 1536, "node": 1, "billing": 4, "gres/gpu:a100": 2}`. Memory is MiB."""
    return {
        match["name"]: _count(match["name"], match["count"], match["unit"]) for match in _ENTRY.finditer(text or "")
    }


def _count(name: str, count: str, unit: str) -> int:
    # Memory is stored in MiB, so a number without a unit is MiB, too.
    power = _POWERS.get(unit, 0) - (_POWERS["M"] if name == "mem" and unit else 0)
    return round(float(count) * 1024**power) if unit or "." in count else int(count)

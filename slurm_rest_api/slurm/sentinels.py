"""Numbers by which Slurm says "not set" (NO_VAL) and "unlimited" (INFINITE), by width. Source: slurm.h."""

from __future__ import annotations

from typing import Final

NO_VAL16: Final = 0xFFFE
NO_VAL: Final = 0xFFFFFFFE
NO_VAL64: Final = 0xFFFFFFFFFFFFFFFE

INFINITE16: Final = 0xFFFF
INFINITE: Final = 0xFFFFFFFF
INFINITE64: Final = 0xFFFFFFFFFFFFFFFF

"""Values of pyslurm's classic dictionaries without Slurm's sentinels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from slurm_rest_api.slurm.sentinels import INFINITE, INFINITE16, INFINITE64, NO_VAL, NO_VAL16, NO_VAL64
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.formats import UNLIMITED

UNSET = frozenset({NO_VAL, NO_VAL64})
ENDLESS = frozenset({INFINITE, INFINITE64})
SENTINELS = UNSET | ENDLESS
SENTINELS_16 = frozenset({NO_VAL16, INFINITE16}) | SENTINELS
"""Only for fields of 16 bits, because 65534 MiB is a real memory size."""

UNSET_TIMES = frozenset({"", "None", "Unknown", "NONE", "N/A"})

Rule = Callable[[Any], Any]


def text(value: Any) -> str | None:
    """Text, None for nothing."""
    return str(value) if value not in (None, "", "(null)") else None


def count(value: Any) -> int:
    """A whole number, 0 for nothing, words and sentinels."""
    return int(value) if isinstance(value, int | float) and value not in SENTINELS else 0


def count_16(value: Any) -> int:
    """As count, for a field of 16 bits."""
    return 0 if value in SENTINELS_16 else count(value)


def maybe(value: Any) -> int | None:
    """A whole number, None for nothing, words and sentinels."""
    return int(value) if isinstance(value, int | float) and value not in SENTINELS else None


def maybe_16(value: Any) -> int | None:
    """As maybe, for a field of 16 bits."""
    return None if isinstance(value, int) and value in SENTINELS_16 else maybe(value)


def limit(value: Any) -> int | str:
    """A whole number or `UNLIMITED`; 0 for nothing."""
    return UNLIMITED if value == UNLIMITED or value in ENDLESS else count(value)


def flag(value: Any) -> bool:
    """A truth value."""
    return bool(value) and value not in SENTINELS_16


def bit(value: Any) -> int:
    """1 or 0."""
    return int(flag(value))


def words(value: Any) -> list[str]:
    """A list of texts; comma-separated text is split."""
    if not value:
        return []
    return value.split(",") if isinstance(value, str) else [str(word) for word in value]


def text_or_empty_list(value: Any) -> str | list[str]:
    """Text, [] for nothing: features of a node in the classic form."""
    return (value if isinstance(value, str) else ",".join(value)) if value else []


def moment(value: Any) -> str:
    """Local time text; `Unknown` for nothing."""
    return "Unknown" if value is None or value in UNSET_TIMES else str(value)


def by_rules(rules: Mapping[Rule, tuple[str, ...]], classic: Mapping[str, Any]) -> Record:
    """Each named field of a classic dictionary through its rule; a missing key is as None."""
    return {name: rule(classic.get(name)) for rule, names in rules.items() for name in names}

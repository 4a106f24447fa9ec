"""Converts values of pyslurm's classic dictionaries, which have Slurm's sentinels."""

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
    """Returns text, None for an empty one."""
    return str(value) if value not in (None, "", "(null)") else None


def count(value: Any) -> int:
    """Returns a whole number, 0 for None, words and sentinels."""
    return int(value) if isinstance(value, int | float) and value not in SENTINELS else 0


def count_16(value: Any) -> int:
    """Returns the same as count, for a field of 16 bits."""
    return 0 if value in SENTINELS_16 else count(value)


def maybe(value: Any) -> int | None:
    """Returns a whole number, None for words and sentinels."""
    return int(value) if isinstance(value, int | float) and value not in SENTINELS else None


def maybe_16(value: Any) -> int | None:
    """Returns the same as maybe, for a field of 16 bits."""
    return None if isinstance(value, int) and value in SENTINELS_16 else maybe(value)


def limit(value: Any) -> int | str:
    """Returns a whole number or `UNLIMITED`, 0 for None."""
    return UNLIMITED if value == UNLIMITED or value in ENDLESS else count(value)


def flag(value: Any) -> bool:
    """Returns True for a value other than 0 and a sentinel."""
    return bool(value) and value not in SENTINELS_16


def bit(value: Any) -> int:
    """Returns 1 or 0."""
    return int(flag(value))


def words(value: Any) -> list[str]:
    """Returns a list of texts. Comma-separated text is split."""
    if not value:
        return []
    return value.split(",") if isinstance(value, str) else [str(word) for word in value]


def text_or_empty_list(value: Any) -> str | list[str]:
    """Returns text, [] for None: the classic form of a node's features."""
    return (value if isinstance(value, str) else ",".join(value)) if value else []


def moment(value: Any) -> str:
    """Returns a local time as text, `Unknown` for None."""
    return "Unknown" if value is None or value in UNSET_TIMES else str(value)


def by_rules(rules: Mapping[Rule, tuple[str, ...]], classic: Mapping[str, Any]) -> Record:
    """Applies to each named field of a classic dictionary its rule. A missing key is None."""
    return {name: rule(classic.get(name)) for rule, names in rules.items() for name in names}

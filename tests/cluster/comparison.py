"""Tables that say which fact of Slurm's own commands a published field has to equal, and the comparison by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Convert = Callable[[Any], Any]


def same(value: Any) -> Any:
    """As Slurm says it."""
    return value


def word(value: str) -> str | None:
    """A text; Slurm's empty texts and `(null)`, `N/A` are null."""
    return None if value in ("", "(null)", "N/A") else value


def split(value: str) -> list[str]:
    """A comma-separated text as list."""
    return value.split(",") if word(value) else []


def count(value: Mapping[str, Any]) -> int:
    """A number of Slurm's JSON, 0 when it is unset."""
    return int(value["number"]) if value["set"] else 0


def limit(value: Mapping[str, Any]) -> int | str:
    """A number of Slurm's JSON, `UNLIMITED` when it is infinite, 0 when it is unset."""
    return "UNLIMITED" if value["infinite"] else count(value)


def known(value: Mapping[str, Any]) -> int | None:
    """A number of Slurm's JSON, null when it is unset or infinite."""
    return int(value["number"]) if value["set"] else None


def known_not_zero(value: Mapping[str, Any]) -> int | None:
    """A number of Slurm's JSON of which 0 means unset."""
    return known(value) or None


@dataclass(frozen=True)
class Row:
    """One published field, Slurm's field (`a.b` for b inside a) and how the one follows from the other.

    A `moving` field changes by itself: its value may lie anywhere between the two readings of the truth around it.
    `ours` brings a published value into a form in which it can be compared, where Slurm's order of parts is not kept.
    """

    field: str
    slurm: str
    convert: Convert = same
    moving: bool = False
    ours: Convert = same


def differences(
    rows: Sequence[Row], ours: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[str]:
    """One line for each field that is not what Slurm said before and after it was read."""
    return [line for row in rows if (line := _difference(row, ours, before, after))]


def _difference(row: Row, ours: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    if row.field not in ours:
        return f"{row.field}: not published"
    value = row.ours(ours[row.field])
    first, last = row.convert(_fact(before, row.slurm)), row.convert(_fact(after, row.slurm))
    if _equal(value, first) or _equal(value, last):
        return ""
    if row.moving and type(value) is type(first) is type(last) and min(first, last) <= value <= max(first, last):
        return ""
    told = repr(first) if first == last else f"{first!r}, then {last!r}"
    return f"{row.field}: published {value!r}, Slurm's {row.slurm} is {told}"


def _equal(value: Any, expected: Any) -> bool:
    # In Python True == 1, in JSON it is not.
    return bool(value == expected) and isinstance(value, bool) == isinstance(expected, bool)


def _fact(record: Mapping[str, Any], path: str) -> Any:
    fact: Any = record
    for step in path.split("."):
        fact = fact[step]
    return fact

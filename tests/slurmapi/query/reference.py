"""Reference implementation of filters, orders, groups, pages and formats in plain Python over the whole body."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Record = dict[str, Any]
Test = Callable[[Record, str], bool]
"""Returns True if a record matches the text of one filter."""
Sum = Callable[[Record], int]
FORMULAS = "=+-@\t\r\n"


def chosen(text: str, has: Callable[[str], bool]) -> bool:
    """Returns True if `has` of a record matches `a,b,!c`."""
    names = text.split(",")
    wanted = [name for name in names if name[0] != "!"]
    unwanted = [name[1:] for name in names if name[0] == "!"]
    return (not wanted or any(map(has, wanted))) and not any(map(has, unwanted))


def number_tests(values: Mapping[str, Callable[[Record], Any]], *, unknown: Any = None) -> dict[str, Test]:
    """Returns the tests of `name=1,2`, `name<=3` and `name>=2` for each field.

    UNLIMITED is above all numbers. Null, `unknown` and other texts are in no range.
    """
    tests: dict[str, Test] = {}
    for name, value in values.items():

        def size(record: Record, of: Callable[[Record], Any] = value) -> float | None:
            found = of(record)
            known = isinstance(found, int) and found != unknown
            return math.inf if found == "UNLIMITED" else found if known else None

        def equals(record: Record, text: str, of: Callable[[Record], Any] = value) -> bool:
            return of(record) is not None and str(of(record)) in text.split(",")

        def below(record: Record, text: str, size: Callable[[Record], float | None] = size) -> bool:
            return (found := size(record)) is not None and found <= int(text)

        def above(record: Record, text: str, size: Callable[[Record], float | None] = size) -> bool:
            return (found := size(record)) is not None and found >= int(text)

        tests |= {name: equals, f"{name}<": below, f"{name}>": above}
    return tests


def in_all(text: str, short: Mapping[str, str], words: set[str]) -> bool:
    """Returns True if these state words have every state of `mix+drain`, and none with a `!`."""
    return all(
        (short.get(name.lstrip("!").upper(), name.lstrip("!").upper()) in words) != name.startswith("!")
        for name in text.replace("*", "+no_respond").split("+")
    )


def ordered(records: Iterable[Record], key: str, sort: str) -> list[Record]:
    """The records in the order of `-priority,submit_time`, ties by `key`; null comes first, numbers before texts."""
    listed = sorted(records, key=lambda record: rank(record[key]))
    for field in reversed(sort.split(",") if sort else []):
        name = field.removeprefix("-")
        listed.sort(key=lambda record: rank(record.get(name)), reverse=field.startswith("-"))
    return listed


def rank(value: Any) -> tuple[int, Any]:
    if value is None:
        return 0, 0
    return (2, value.encode()) if isinstance(value, str) else (1, value)


def numbers(records: Iterable[Record], sums: Mapping[str, Sum]) -> dict[str, int]:
    """Returns the data of `count=true`."""
    listed = list(records)
    return {"count": len(listed), **{name: sum(map(value, listed)) for name, value in sums.items()}}


def grouped(
    records: Iterable[Record], names_of: Callable[[Record], list[str]], sums: Mapping[str, Sum]
) -> dict[str, dict[str, int]]:
    """Returns the data of `group_by`."""
    listed = list(records)
    names = sorted({name for record in listed for name in names_of(record)})
    return {name: numbers((record for record in listed if name in names_of(record)), sums) for name in names}


def with_fields(record: Record, fields: Iterable[str]) -> Record:
    return {field: record.get(field) for field in fields}


def plain(value: Any) -> str:
    """A value as people read it."""
    if value is None or isinstance(value, str):
        return value or ""
    return str(value) if isinstance(value, int | float) else json.dumps(value, separators=(",", ":"))


def cell(value: Any) -> str:
    """A cell of a spreadsheet, which takes a text that begins like a formula for one."""
    return f"'{value}" if isinstance(value, str) and value and value[0] in FORMULAS else plain(value)


def one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def aligned(rows: list[list[str]]) -> list[str]:
    """Columns as wide as their widest cell, with a blank between them."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        " ".join(text + " " * (width - len(text)) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]

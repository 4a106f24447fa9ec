"""Slurm's own tables with columns of a fixed width, and the comparison of published records with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tests.testbed.cluster import Cluster

Facts = Mapping[str, str]
Expected = Callable[[Facts], Any]

_WIDTH: Final = 200
_ID_WIDTH: Final = 20


def read_table(cluster: Cluster, program: Sequence[str], key: str, columns: Sequence[str]) -> dict[str, dict[str, str]]:
    """Returns the rows of `PROGRAM -O` by their column `key`: column → text.

    Columns of a fixed width need no separator, which a text could contain. None of them may be text of a user.
    """
    wanted = f"{key}:{_ID_WIDTH}," + ",".join(f"{column}:{_WIDTH}" for column in columns)
    heading, *lines = cluster.run([*program, "-O", wanted]).stdout.splitlines()
    # squeue ignores a column that it does not know, and would shift the others.
    assert len(heading) == _ID_WIDTH + _WIDTH * len(columns), f"{program[0]} does not know one of {columns}"
    return {line[:_ID_WIDTH].strip(): _cut(line, columns) for line in lines}


def _cut(line: str, columns: Sequence[str]) -> dict[str, str]:
    starts = range(_ID_WIDTH, _ID_WIDTH + _WIDTH * len(columns), _WIDTH)
    return {column: line[start : start + _WIDTH].strip() for column, start in zip(columns, starts, strict=True)}


def unlike(
    expected: Mapping[str, Expected],
    moving: frozenset[str],
    record: Mapping[str, Any],
    before: Facts,
    after: Facts,
) -> list[str]:
    """Returns one line for each field that differs from Slurm's own texts before and after it was read.

    Args:
        expected: field → function that computes its value from Slurm's texts.
        moving: fields that change by themselves, and may have any value between the two.
        record: the published record.
        before: Slurm's texts before the record was read.
        after: the same after it.
    """
    lines = []
    for field, compute in expected.items():
        value, first, last = record[field], compute(before), compute(after)
        if _same(value, first) or _same(value, last) or (field in moving and _between(value, first, last)):
            continue
        said = repr(first) if first == last else f"{first!r}, then {last!r}"
        lines.append(f"{field}: published {value!r}, Slurm says {said}")
    return lines


def _same(value: Any, expected: Any) -> bool:
    # In Python True == 1, in JSON it is not.
    return bool(value == expected) and isinstance(value, bool) == isinstance(expected, bool)


def _between(value: Any, first: Any, last: Any) -> bool:
    return type(value) is type(first) is type(last) and bool(min(first, last) <= value <= max(first, last))

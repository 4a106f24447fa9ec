"""Totals of job records by the keys of their groups: reads them from the database, adds them up, packs them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Select

from slurm_rest_api.acctapi.sums_sql import MOST_GROUPS, SUMS, SumQuery, sum_statements
from slurm_rest_api.errors import BadParameter

Keys = tuple[Any, ...]
"""Values of the columns of a group. They stand for its names: see `acctapi.sum_groups`."""


class TooManyGroups(BadParameter, status=400, title="Bad parameter"):
    """A statement found more than `MOST_GROUPS` groups."""

    def __init__(self) -> None:
        super().__init__(
            f"`group_by` makes more than {MOST_GROUPS:,} groups here. Add a filter, a shorter time window, or leave a"
            " group out.",
            parameter="group_by",
        )


@dataclass(slots=True)
class Total:
    """Sums over records: in the order of `SUMS`, and the number of records by `state:bucket` as `sum_statements`."""

    sums: list[int] = field(default_factory=lambda: [0] * len(SUMS))
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, other: Total) -> None:
        """Adds the sums over further records."""
        self.sums = [mine + more for mine, more in zip(self.sums, other.sums, strict=True)]
        counts = self.counts
        if not counts:
            counts.update(other.counts)
            return
        for name, count in other.counts.items():
            counts[name] = counts.get(name, 0) + count


Totals = dict[Keys, Total]


class PackedTotal(NamedTuple):
    """A `Total` in a fraction of its memory."""

    sums: tuple[int, ...]
    counts: bytes

    def unpacked(self) -> Total:
        """Returns the total."""
        return Total(list(self.sums), orjson.loads(self.counts))


def packed(total: Total) -> PackedTotal:
    """Returns a total in little memory."""
    return PackedTotal(tuple(total.sums), orjson.dumps(total.counts))


def size_of(totals: Mapping[Keys, PackedTotal]) -> int:
    """Returns the bytes of memory that packed totals take, with their keys and the dictionary."""
    parts = [
        part for keys, total in totals.items() for part in (keys, *keys, total, total.sums, *total.sums, total.counts)
    ]
    return sys.getsizeof(totals) + sum(map(sys.getsizeof, parts))


def add_up(parts: Iterable[Totals]) -> Totals:
    """Returns the totals of all parts, which it changes."""
    found: Totals = {}
    for part in parts:
        if not found:
            found = part
            continue
        for keys, total in part.items():
            known = found.setdefault(keys, total)
            if known is not total:
                known.add(total)
    return found


def read_totals(connection: Connection, query: SumQuery, *, waits: bool) -> Totals:
    """Reads the totals of a query. Counts of waits are empty without `waits`.

    Raises:
        TooManyGroups: there are more groups than a statement returns.
    """
    found: Totals = {}
    width = len(query.keys)
    for statement in sum_statements(query, waits=waits):
        for row in rows_of(connection, statement):
            *sums, counts = row[width:]
            total = Total(list(map(int, sums)), orjson.loads(f"{{{counts}}}"))
            known = found.setdefault(tuple(row[:width]), total)
            if known is not total:
                known.add(total)
    return found


def rows_of(connection: Connection, statement: Select[Any]) -> Sequence[Any]:
    """Returns the rows of a statement of sums.

    Raises:
        TooManyGroups: there are more than it returns.
    """
    rows = connection.execute(statement).all()
    if len(rows) > MOST_GROUPS:
        raise TooManyGroups
    return rows

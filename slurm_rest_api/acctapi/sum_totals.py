"""Totals of job records by the keys of their groups: reads them from the database, adds them up, packs them."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Select

from slurm_rest_api.acctapi.sums_sql import MOST_GROUPS, SUMS, SumQuery, sum_statements
from slurm_rest_api.errors import BadParameter

_FASTEST: Final = 1

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
    """Sums over records: in the order of `SUMS`, and the number of records by state, and by bucket of their wait."""

    sums: list[int] = field(default_factory=lambda: [0] * len(SUMS))
    states: dict[int, int] = field(default_factory=dict)
    waits: dict[int, int] = field(default_factory=dict)

    def add(self, other: Total) -> None:
        """Adds the sums over further records."""
        self.sums = [mine + more for mine, more in zip(self.sums, other.sums, strict=True)]
        _add(self.states, other.states)
        _add(self.waits, other.waits)


def _add(counts: dict[int, int], more: dict[int, int]) -> None:
    if not counts:
        counts.update(more)
        return
    for number, count in more.items():
        counts[number] = counts.get(number, 0) + count


Totals = dict[Keys, Total]


@dataclass(frozen=True)
class PackedTotals:
    """Totals in a tenth of their memory. `data` are the sums and the counts in the order of `keys`, compressed."""

    keys: tuple[Keys, ...] = ()
    data: bytes = b""

    @property
    def size(self) -> int:
        """Bytes of memory without those of the keys, which more than one of these may share."""
        return sys.getsizeof(self.keys) + sys.getsizeof(self.data)

    def unpacked(self) -> Totals:
        """Returns the totals."""
        if not self.keys:
            return {}
        totals = (
            Total(list(map(int, sums)), dict(zip(*states, strict=True)), dict(zip(*waits, strict=True)))
            for sums, states, waits in orjson.loads(zlib.decompress(self.data))
        )
        return dict(zip(self.keys, totals, strict=True))


def packed(totals: Totals) -> PackedTotals:
    """Returns totals in little memory."""
    # As texts, because JSON of orjson has no integers of more than 64 bits.
    rows = [
        (list(map(str, total.sums)), *((list(counts), list(counts.values())) for counts in (total.states, total.waits)))
        for total in totals.values()
    ]
    return PackedTotals(tuple(totals), zlib.compress(orjson.dumps(rows), _FASTEST)) if rows else PackedTotals()


def size_of_keys(keys: Iterable[Keys]) -> int:
    """Returns the bytes of memory of keys with their values. Those that are the same object count once."""
    distinct = {id(one): one for one in keys}
    return sum(sys.getsizeof(one) + sum(map(sys.getsizeof, one)) for one in distinct.values())


def add_up(parts: Iterable[Totals]) -> Totals:
    """Returns the totals of all parts, which it changes.

    Raises:
        TooManyGroups: they have more groups together than a statement returns.
    """
    found: Totals = {}
    for part in parts:
        if not found:
            found = part
            continue
        for keys, total in part.items():
            known = found.setdefault(keys, total)
            if known is not total:
                known.add(total)
        if len(found) > MOST_GROUPS:
            raise TooManyGroups
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
            total = _total(sums, orjson.loads(f"{{{counts}}}"))
            known = found.setdefault(tuple(row[:width]), total)
            if known is not total:
                known.add(total)
    return found


def _total(sums: Iterable[Any], counts: dict[str, int]) -> Total:
    """Returns the total of a row of `sum_statements`, whose counts are by `state:bucket`."""
    total = Total(list(map(int, sums)))
    states, waits = total.states, total.waits
    for name, count in counts.items():
        state, bucket = _state_and_bucket(name)
        states[state] = states.get(state, 0) + count
        waits[bucket] = waits.get(bucket, 0) + count
    return total


@lru_cache(maxsize=10_000)
def _state_and_bucket(name: str) -> tuple[int, int]:
    state, bucket = name.split(":")
    return int(state), int(bucket)


def rows_of(connection: Connection, statement: Select[Any]) -> Sequence[Any]:
    """Returns the rows of a statement of sums.

    Raises:
        TooManyGroups: there are more than it returns.
    """
    rows = connection.execute(statement).all()
    if len(rows) > MOST_GROUPS:
        raise TooManyGroups
    return rows

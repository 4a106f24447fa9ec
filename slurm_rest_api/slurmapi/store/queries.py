"""Reads chosen records of one kind: those that meet a condition, in an order, from a place on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from slurm_rest_api.slurmapi.store.conditions import ALWAYS, NEVER, Condition, all_of, any_of, compares
from slurm_rest_api.slurmapi.store.index_columns import Kind, Value

_BATCH: Final = 200


class Order(NamedTuple):
    """One column of an order."""

    column: str
    descending: bool = False


@dataclass(frozen=True)
class Selection:
    """Which records of `kind`, in which order. Ties are in the order of the keys, so that every order is total.

    `after` is the place of the last record that is *not* wanted any more, as `places` gave it.
    """

    kind: Kind
    where: Condition = ALWAYS
    order: tuple[Order, ...] = ()
    after: tuple[Value, ...] | None = None
    limit: int | None = None

    def orders(self) -> tuple[Order, ...]:
        """The order down to the key."""
        named = [column.column for column in self.order]
        return self.order[: named.index("key") + 1] if "key" in named else (*self.order, Order("key"))


def count(connection: sqlite3.Connection, kind: Kind, where: Condition) -> int:
    """How many records of `kind` meet the condition."""
    query = f"SELECT count(*) FROM {kind}_facts WHERE {where.sql}"
    return int(connection.execute(query, where.values).fetchone()[0])


def places(
    connection: sqlite3.Connection, selection: Selection, columns: Sequence[str] = ()
) -> Iterator[tuple[Value, ...]]:
    """The places of the records, at most `limit`, as they are asked for, each with these columns behind it.

    The last value of a place is the key.
    """
    orders = selection.orders()
    where = all_of([selection.where, _beyond(orders, selection.after)])
    place = ", ".join([*(order.column for order in orders), *columns])
    order_by = ", ".join(f"{order.column}{' DESC' if order.descending else ''}" for order in orders)
    query = f"SELECT {place} FROM {selection.kind}_facts WHERE {where.sql} ORDER BY {order_by} LIMIT ?"
    found = connection.execute(query, (*where.values, -1 if selection.limit is None else selection.limit))
    while batch := found.fetchmany(_BATCH):
        yield from batch


def bodies(
    connection: sqlite3.Connection, kind: Kind, found: Iterable[tuple[Value, ...]]
) -> Iterator[tuple[int | str, bytes]]:
    """Key and rendered JSON of the records at these places."""
    query = f"SELECT key, body FROM {kind} WHERE key = ?"
    for place in found:
        # A fetch for each: sorting has to carry keys around, not records.
        yield connection.execute(query, place[-1:]).fetchone()


def _beyond(orders: Sequence[Order], after: tuple[Value, ...] | None) -> Condition:
    """What comes after the place `after`. SQLite sorts null before everything else."""
    if after is None:
        return ALWAYS
    ways = []
    for number, (order, value) in enumerate(zip(orders, after, strict=True)):
        same = [Condition(f"{orders[i].column} IS ?", (after[i],)) for i in range(number)]
        ways.append(all_of([*same, _further(order, value)]))
    return any_of(ways)


def _further(order: Order, value: Value) -> Condition:
    if not order.descending:
        return Condition(f"{order.column} IS NOT NULL") if value is None else compares(order.column, ">", value)
    if value is None:
        return NEVER
    return any_of([compares(order.column, "<", value), Condition(f"{order.column} IS NULL")])


def groups(
    connection: sqlite3.Connection, kind: Kind, where: Condition, sums: Mapping[str, str], by: str | None
) -> list[tuple[Value, dict[str, int]]]:
    """For each value of the column `by` the number of records (`count`) and the sum of each column of `sums`.

    `sums` maps published names to columns. Without `by` there is one entry, also of no record at all.
    """
    totals = ", ".join(["count(*)", *(f"coalesce(sum({column}), 0)" for column in sums.values())])
    query = f"SELECT {by or 'NULL'}, {totals} FROM {kind}_facts WHERE {where.sql}"
    if by is not None:
        # By an expression: in the order of an index SQLite would jump to and fro in the table for each row.
        query += f" GROUP BY +{by} ORDER BY +{by}"
    names = ("count", *sums)
    rows = connection.execute(query, where.values)
    return [(row[0], dict(zip(names, row[1:], strict=True))) for row in rows]


class Changed(NamedTuple):
    """A record that changed: its rendered JSON, or None when it does not meet the condition (any more).

    `moved` tells whether more than the clock has.
    """

    key: int | str
    body: bytes | None
    moved: bool


def changes(
    connection: sqlite3.Connection, kind: Kind, where: Condition, seen: Condition, since: int, *, clock: bool
) -> Iterator[Changed]:
    """The records that changed after version `since`, then, with `clock`, those in which only the clock has moved.

    Those that do not meet `seen` are left out, whatever has happened to them.
    """
    body = f"(SELECT body FROM {kind} AS b WHERE b.key = f.key)"
    # Sorted by an expression: in the order of the keys themselves SQLite would walk them all to save the sorting.
    # With an offset it sorts before it looks for the records, which it would carry around else.
    sorted_keys = (
        f"SELECT key, {where.sql} AS meets FROM {kind}_facts WHERE changed > ? AND ({seen.sql})"
        " ORDER BY +key LIMIT -1 OFFSET 0"
    )
    moved = f"SELECT key, CASE WHEN meets THEN {body} END FROM ({sorted_keys}) AS f"
    for key, found in connection.execute(moved, (*where.values, since, *seen.values)):
        yield Changed(key, found, moved=True)
    if not clock:
        return
    still = f"SELECT key FROM {kind}_facts WHERE still IS NOT NULL AND changed <= ? AND ({where.sql})"
    ticked = f"SELECT key, body FROM {kind} WHERE version > ? AND key IN ({still}) ORDER BY key"
    for key, found in connection.execute(ticked, (since, since, *where.values)):
        yield Changed(key, found, moved=False)


def gone_since(connection: sqlite3.Connection, kind: Kind, seen: Condition, version: int) -> list[int | str]:
    """The keys of records that met `seen`, went after `version` and have not come back, in their order.

    A record that has another owner now is gone for the one that it had.
    """
    back = f"SELECT 1 FROM {kind}_facts AS f WHERE f.key = gone.key AND ({seen.sql})"
    query = (
        f"SELECT DISTINCT key FROM gone WHERE kind = ? AND version > ? AND ({seen.sql}) AND NOT EXISTS ({back})"
        " ORDER BY key"
    )
    return [key for (key,) in connection.execute(query, (kind, version, *seen.values, *seen.values))]


def anything_since(connection: sqlite3.Connection, kind: Kind, seen: Condition, version: int) -> bool:
    """Whether any record that meets `seen` changed otherwise than by the clock, or went, after `version`."""
    query = (
        f"SELECT EXISTS (SELECT 1 FROM {kind}_facts WHERE changed > ? AND ({seen.sql}))"
        f" OR EXISTS (SELECT 1 FROM gone WHERE kind = ? AND version > ? AND ({seen.sql}))"
    )
    values = (version, *seen.values, kind, version, *seen.values)
    return bool(connection.execute(query, values).fetchone()[0])

"""Selects, counts and groups the records of one kind by the columns of its index table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from slurm_rest_api.slurmapi.store.conditions import ALWAYS, NEVER, Condition, all_of, any_of, compares
from slurm_rest_api.slurmapi.store.index_columns import INDEXED, WHOLE_INDEXES, Kind, Value
from slurm_rest_api.slurmapi.store.job_sums import have_sums
from slurm_rest_api.slurmapi.store.statements import Statements

# Pieces of SQL that steer SQLite's query planner. `tests/slurmapi/store/test_queries.py` counts the steps they save.
_NO_INDEX: Final = "+"
"""Before a column: its index is not used. In the order of an index SQLite would seek in the table for each row."""
_SORT_FIRST: Final = "LIMIT -1 OFFSET 0"
"""At the end of a subquery: it is sorted before the outer query reads bodies. Otherwise the sorter carries them."""


_BODIES_AT_ONCE: Final = 50


class Order(NamedTuple):
    """One column to sort by."""

    column: str
    descending: bool = False


@dataclass(frozen=True)
class Selection:
    """The records of `kind` to read, and their order. Equal records are sorted by key, so every order is total.

    `after` is the cursor: the values of the order's columns of the last record before the selection, as
    `RecordQueries.ordered_keys` returned them. A `limit` of None reads all. `selects_most` says that the condition
    refuses fewer records than it selects.
    """

    kind: Kind
    where: Condition = ALWAYS
    order: tuple[Order, ...] = ()
    after: tuple[Value, ...] | None = None
    limit: int | None = None
    selects_most: bool = False

    def orders(self) -> tuple[Order, ...]:
        """Returns the columns to sort by, down to the key."""
        named = [column.column for column in self.order]
        return self.order[: named.index("key") + 1] if "key" in named else (*self.order, Order("key"))


class Change(NamedTuple):
    """A record that changed: its rendered JSON, or None when it does not meet the condition (any more).

    `clock_only` is True when nothing but its clock fields changed.
    """

    key: int | str
    body: bytes | None
    clock_only: bool


class RecordQueries:
    """Reads records of one view of the store by conditions on their columns.

    `visible` is the condition for the rows that a user may see. Names of columns are ours, never a client's text.
    """

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def count(self, kind: Kind, where: Condition) -> int:
        """Counts the records of `kind` that meet the condition."""
        [(_, counts)] = self.groups(kind, where, {}, ())
        return counts["count"]

    def ordered_keys(self, selection: Selection, columns: Sequence[str] = ()) -> Iterator[tuple[Value, ...]]:
        """Reads the sort values of the selected records lazily, in their order, followed by the values of `columns`.

        The sort values end with the key. Up to there a row is a cursor for `Selection.after`.
        """
        orders = selection.orders()
        where = all_of([selection.where, _after_cursor(orders, selection.after)]).finding_rows()
        selected = ", ".join([*(order.column for order in orders), *columns])
        # An index in this order ends the search after `limit` rows. Where a condition refuses rows it may seek all.
        unused = () if where == ALWAYS else WHOLE_INDEXES
        order_by = ", ".join(
            f"{_NO_INDEX if order.column in unused else ''}{order.column}{' DESC' if order.descending else ''}"
            for order in orders
        )
        rows = _rows(selection.kind, where)
        if selection.selects_most and selection.limit is not None and _has_whole_index(selection.kind, orders[0]):
            # It passes as many rows as the condition refuses, at most. Sorting would read all that it selects.
            rows = f"{selection.kind}_index INDEXED BY {selection.kind}_by_{orders[0].column} WHERE {where.sql}"
            order_by = order_by.removeprefix(_NO_INDEX)
        query = f"SELECT {selected} FROM {rows} ORDER BY {order_by} LIMIT ?"
        limit = -1 if selection.limit is None else selection.limit
        yield from self._statements.execute(query, (*where.values, limit))

    def bodies(self, kind: Kind, rows: Iterable[tuple[Value, ...]]) -> Iterator[tuple[int | str, bytes]]:
        """Reads key and rendered JSON for each of `rows`, whose last value is the key.

        It reads bodies in short lists, apart from the rows, so that sorting carries keys and not bodies.
        """
        query = f"SELECT key, body FROM {kind} WHERE key IN (SELECT value FROM json_each(?))"
        left = iter(rows)
        while keys := [row[-1] for row in islice(left, _BODIES_AT_ONCE)]:
            found = {row[0]: row for row in self._statements.execute(query, (json.dumps(keys),))}
            for key in keys:
                yield found[key]

    def groups(
        self, kind: Kind, where: Condition, sums: Mapping[str, str], by: Sequence[str]
    ) -> list[tuple[tuple[Value, ...], dict[str, int]]]:
        """Returns the number of records (`count`) and the sums of columns for each combination of values of `by`.

        `sums` maps published names to columns. Without `by` there is one entry, even where no record matches.
        """
        where = where.finding_rows()
        in_sums = kind == "queue" and where.by_sums and have_sums([*by, *sums.values()])
        number = "coalesce(sum(jobs), 0)" if in_sums else "count(*)"
        totals = ", ".join([number, *(f"coalesce(sum({column}), 0)" for column in sums.values())])
        if in_sums:
            rows = f"job_sums WHERE {where.sql}"
        elif (by or sums) and not (where.by_key or where.by_index):
            # SQLite would use the index of a range, however many rows are in it, and seek in the table for each.
            rows = f"{kind}_index NOT INDEXED WHERE {where.sql}"
        else:
            rows = _rows(kind, where)
        query = f"SELECT {', '.join([*by, totals])} FROM {rows}"
        if by:
            columns = ", ".join(f"{_NO_INDEX}{column}" for column in by)
            query += f" GROUP BY {columns} ORDER BY {columns}"
        names = ("count", *sums)
        found = self._statements.execute(query, where.values)
        return [(row[: len(by)], dict(zip(names, row[len(by) :], strict=True))) for row in found]

    def count_by(self, kind: Kind, columns: Sequence[str]) -> list[tuple[tuple[Value, ...], int]]:
        """Counts all records of `kind` for each combination of the values of `columns`."""
        names = ", ".join(columns)
        grouped = ", ".join(f"{_NO_INDEX}{column}" for column in columns)
        rows = self._statements.execute(f"SELECT {names}, count(*) FROM {kind}_index GROUP BY {grouped}")
        return [(row[:-1], row[-1]) for row in rows]

    def changes(self, kind: Kind, where: Condition, visible: Condition, since: int, *, clock: bool) -> Iterator[Change]:
        """Reads the visible records that changed after version `since`, in the order of their keys.

        With `clock`, the records in which only clock fields changed follow, if they meet `where`.
        """
        body = f"(SELECT body FROM {kind} AS b WHERE b.key = f.key)"
        changed_keys = (
            f"SELECT key, {where.sql} AS meets FROM {kind}_index WHERE changed > ? AND ({visible.sql})"
            f" ORDER BY {_NO_INDEX}key {_SORT_FIRST}"
        )
        changed = f"SELECT key, CASE WHEN meets THEN {body} END FROM ({changed_keys}) AS f"
        for key, found in self._statements.execute(changed, (*where.values, since, *visible.values)):
            yield Change(key, found, clock_only=False)
        if not clock:
            return
        running = f"SELECT key FROM {kind}_index WHERE stable_hash IS NOT NULL AND changed <= ? AND ({where.sql})"
        ticked = f"SELECT key, body FROM {kind} WHERE version > ? AND key IN ({running}) ORDER BY key"
        for key, found in self._statements.execute(ticked, (since, since, *where.values)):
            yield Change(key, found, clock_only=True)

    def tombstones(self, kind: Kind, visible: Condition, since: int) -> list[int | str]:
        """Returns the keys of visible records that were removed after version `since`, sorted by key.

        A record that exists again has no tombstone. A record with a new owner is removed for its former owner.
        """
        returned = f"SELECT 1 FROM {kind}_index AS f WHERE f.key = tombstone.key AND ({visible.sql})"
        query = (
            f"SELECT DISTINCT key FROM tombstone WHERE kind = ? AND version > ? AND ({visible.sql})"
            f" AND NOT EXISTS ({returned}) ORDER BY key"
        )
        rows = self._statements.execute(query, (kind, since, *visible.values, *visible.values))
        return [key for (key,) in rows]


def _rows(kind: Kind, where: Condition) -> str:
    """Returns the table and the condition. If it selects keys, SQLite may use no index but that of the keys."""
    # SQLite counts the index of a key that is text among the indexes. These kinds have no other index to choose.
    return f"{kind}_index{' NOT INDEXED' if where.by_key and kind == 'queue' else ''} WHERE {where.sql}"


def _has_whole_index(kind: Kind, order: Order) -> bool:
    return order.column in WHOLE_INDEXES and (order.column,) in INDEXED[kind]


def _after_cursor(orders: Sequence[Order], after: tuple[Value, ...] | None) -> Condition:
    """Returns the condition for the rows that sort after the cursor `after`. SQLite sorts null first."""
    if after is None:
        return ALWAYS
    alternatives = []
    for number, (order, value) in enumerate(zip(orders, after, strict=True)):
        equal = [Condition(f"{orders[i].column} IS ?", (after[i],)) for i in range(number)]
        alternatives.append(all_of([*equal, _greater_than(order, value)]))
    return any_of(alternatives)


def _greater_than(order: Order, value: Value) -> Condition:
    if not order.descending:
        return Condition(f"{order.column} IS NOT NULL") if value is None else compares(order.column, ">", value)
    if value is None:
        return NEVER
    return any_of([compares(order.column, "<", value), Condition(f"{order.column} IS NULL")])

"""Statements that read slurmdbd's tables of usage, by their primary keys."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    RowMapping,
    Select,
    Table,
    func,
    literal,
    select,
    union_all,
)

from slurm_rest_api.acctapi.database import MOST_TEXT
from slurm_rest_api.acctapi.filters import one_of_many, one_of_texts
from slurm_rest_api.acctapi.joined_numbers import joined_numbers, whole_numbers_of
from slurm_rest_api.acctapi.usage_tables import UsageTables, planned_column
from slurm_rest_api.acctapi.usage_window import Piece
from slurm_rest_api.errors import BadParameter

_FIGURES: Final = ("alloc_secs", "idle_secs", "down_secs", "pdown_secs", "over_secs")
_MOST_RANGES: Final = 5000
"""Ranges of the primary key in one statement. Servers give up finding ranges if there are too many."""

_BRANCHES: Final = 50
_FEW_IDS: Final = 20
"""Groups of fewer ids on average are summed up here: reading a row of each id costs less than a row of each step."""

MOST_STEPS: Final = MOST_TEXT // (2 * len(f"{2**64},"))
"""Most steps of one id in a statement, so that the server does not cut their text."""

_MOST_WCKEYS: Final = 50_000
"""Most workload keys that one request sums up."""


class GroupRow(NamedTuple):
    """TRES seconds of one group, with one QOS if the table has it, by the starts of steps.

    The seconds of a total are those of its first step.
    """

    group: int
    qos: int | None
    tres: int
    steps: Collection[tuple[int, int]]


@dataclass(frozen=True)
class Wanted:
    """The ids of each group, the ids of TRES, and those of QOS for the table that has them."""

    groups: Sequence[Sequence[int]]
    tres: Sequence[int]
    qos: Sequence[int] | None = None

    @property
    def ranges_per_id(self) -> int:
        """Returns the number of ranges of the primary key for each id."""
        return len(self.tres) * (1 if self.qos is None else len(self.qos))


def group_rows(
    connection: Connection, table: Table, wanted: Wanted, piece: Piece, *, total: bool
) -> Iterator[GroupRow]:
    """Yields the usage of each group and TRES in `piece`, which has at most `MOST_STEPS` steps.

    A group may have several rows.
    """
    if not (wanted.tres and (wanted.qos is None or wanted.qos)):
        return
    columns = table.c
    common = [columns.id_tres.in_(wanted.tres), columns.time_start >= piece.since, columns.time_start < piece.until]
    extra = [] if wanted.qos is None else [columns.id_alt]
    if wanted.qos is not None:
        common.append(columns.id_alt.in_(wanted.qos))
    ids = sum(map(len, wanted.groups))
    at_once = max(1, _MOST_RANGES // wanted.ranges_per_id)
    if total or ids < _FEW_IDS * len(wanted.groups):
        group_of = {number: group for group, numbers in enumerate(wanted.groups) for number in numbers}
        # Grouped in the order of the primary key, so the server needs no temporary table.
        keys = [columns.id, *extra, columns.id_tres]
        value: ColumnElement[Any] = joined_numbers(literal(piece.since), func.sum(columns.alloc_secs))
        if not total:
            value = func.group_concat(joined_numbers(columns.time_start, columns.alloc_secs))
        for some in _batches(sorted(group_of), at_once):
            rows = select(joined_numbers(*keys, value)).where(one_of_many(columns.id, some), *common).group_by(*keys)
            for text in connection.execute(_by_key(rows, table)).scalars():
                number, *numbers = whole_numbers_of(text)
                qos = numbers.pop(0) if extra else None
                yield GroupRow(group_of[number], qos, numbers[0], list(zip(numbers[1::2], numbers[2::2], strict=True)))
        return
    for batch in _branches(wanted.groups, at_once):
        branches = [_branch(table, group, some, extra, common) for group, some in batch]
        statement: Executable = branches[0] if len(branches) == 1 else union_all(*branches)
        for group, *of_qos, start, tres, seconds in connection.execute(statement):
            yield GroupRow(group, of_qos[0] if of_qos else None, tres, [(start, int(seconds))])


def cluster_rows(
    connection: Connection, table: Table, tres: Sequence[int], piece: Piece, *, total: bool, after: Any, limit: int
) -> Sequence[RowMapping]:
    """Returns rows of the cluster's usage, by start and TRES, after the pair `after`. A total has no start."""
    columns = table.c
    figures = [columns[name] for name in _FIGURES] + [planned_column(table).label("planned_secs")]
    where = [columns.id_tres.in_(tres), columns.time_start >= piece.since, columns.time_start < piece.until]
    if total:
        sums = [func.sum(figure).label(figure.name) for figure in figures]
        statement = select(columns.id_tres, func.max(columns["count"]).label("count"), *sums).group_by(columns.id_tres)
    else:
        statement = select(columns.id_tres, columns.time_start, columns["count"].label("count"), *figures)
        statement = statement.order_by(columns.time_start, columns.id_tres).limit(limit)
        if after is not None:
            start, last = after
            where.append((columns.time_start > start) | ((columns.time_start == start) & (columns.id_tres > last)))
            where.append(columns.time_start >= start)
    return connection.execute(_by_key(statement.where(*where), table)).mappings().all()


def first_and_last(connection: Connection, table: Table, tres: int) -> tuple[int, int] | None:
    """Returns the starts of the first and the last step of a table of the cluster's usage. None if it is empty."""
    start = table.c.time_start
    found = connection.execute(select(func.min(start), func.max(start)).where(table.c.id_tres == tres)).one()
    return None if found[0] is None else (int(found[0]), int(found[1]))


def wckeys(
    connection: Connection, usage: UsageTables, users: Collection[str] | None, names: Collection[str] | None
) -> dict[int, tuple[str, str]]:
    """Returns the name and the user of each workload key by its id, removed ones included. None: of all.

    Raises:
        BadParameter: there are more than 50,000.
    """
    table = usage.names_of_wckeys()
    statement = select(table.c.id_wckey, table.c.wckey_name, table.c.user).limit(_MOST_WCKEYS + 1)
    for column, texts in ((table.c.user, users), (table.c.wckey_name, names)):
        if texts is not None:
            statement = statement.where(one_of_texts(column, texts))
    found = {number: (name, user) for number, name, user in connection.execute(statement)}
    if len(found) > _MOST_WCKEYS:
        raise BadParameter(
            f"There are more than {_MOST_WCKEYS} workload keys. Choose some with `wckey` or `user`.",
            parameter="group_by",
        )
    return found


def _branch(
    table: Table, group: int, ids: Sequence[int], extra: Sequence[Any], common: Sequence[ColumnElement[bool]]
) -> Select[Any]:
    columns = table.c
    keys = [*extra, columns.time_start, columns.id_tres]
    statement = select(literal(group).label("number"), *keys, func.sum(columns.alloc_secs).label("seconds"))
    return _by_key(statement.where(one_of_many(columns.id, ids), *common).group_by(*keys), table)


def _branches(groups: Sequence[Sequence[int]], at_once: int) -> Iterator[list[tuple[int, list[int]]]]:
    """Yields batches of groups with ids. A batch has at most `at_once` ids. A group may be in several."""
    batch: list[tuple[int, list[int]]] = []
    room = at_once
    for group, ids in enumerate(groups):
        for some in _batches(ids, at_once):
            if batch and (len(some) > room or len(batch) == _BRANCHES):
                yield batch
                batch, room = [], at_once
            batch.append((group, some))
            room -= len(some)
    if batch:
        yield batch


def _batches(ids: Sequence[int], size: int) -> Iterator[list[int]]:
    pending = iter(ids)
    while batch := list(islice(pending, size)):
        yield batch


def _by_key(statement: Select[Any], table: Table) -> Select[Any]:
    return statement.with_hint(table, "FORCE INDEX (PRIMARY)", "mysql")

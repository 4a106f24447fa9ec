"""Selects and sums the events of nodes for /events. Independent of HTTP.

Source: `<cluster>_event_table`, as_mysql_get_cluster_events() of
src/plugins/accounting_storage/mysql/as_mysql_cluster.c, sacctmgr_list_event() of src/sacctmgr/event_functions.c.
"""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    Table,
    and_,
    case,
    cast,
    false,
    func,
    or_,
    select,
)

from slurm_rest_api.acctapi.column_probe import Schema, readable
from slurm_rest_api.acctapi.database import Database
from slurm_rest_api.acctapi.encodings import Times, number, point_in_time, published_tres, tres
from slurm_rest_api.acctapi.joined_rows import JoinedRows, Row
from slurm_rest_api.acctapi.list_page import ListPage
from slurm_rest_api.acctapi.parameters import is_number
from slurm_rest_api.acctapi.reference_data import ReferenceDataCache
from slurm_rest_api.acctapi.reference_parameters import EventsParameters
from slurm_rest_api.slurm.node_state_numbers import BASE, compact_state, state_words
from slurm_rest_api.slurm.user_names import UserNames

Record = dict[str, Any]
EventKey = tuple[int, str]
"""Sort key of an event: its start in epoch seconds, the node. Newest first."""

ShownNodes = Callable[[], frozenset[str]]
"""Returns the nodes that are not hidden."""

_COLUMNS: Final = {"node": "node_name", "reason": "reason", "state": "state", "user": "reason_uid"}
_FEW_NODES: Final = 1000


@dataclass
class _Sum:
    events: int = 0
    going_on: int = 0
    seconds: int = 0


class Events:
    """The events of the cluster. With `shown_nodes` only events of these nodes are shown, and none of the cluster."""

    def __init__(
        self,
        database: Database,
        reference_data: ReferenceDataCache,
        most: int,
        now: Callable[[], float] = time.time,
        users: UserNames | None = None,
    ) -> None:
        self._database = database
        self._reference_data = reference_data
        self._most = most
        self._now = now
        self._users = users or UserNames()

    def page(
        self, query: EventsParameters, after: EventKey | None, shown: frozenset[str] | None
    ) -> ListPage[Record, EventKey]:
        """Returns the page of `query` after the sort key `after`, newest first. `shown` limits the nodes.

        Raises:
            ApiError: the database cannot be used.
        """
        size = min(query.limit, self._most)

        def read(connection: Connection, schema: Schema) -> ListPage[Record, EventKey]:
            columns = _table(schema).c
            joined = _joined(_table(schema))
            statement = select(*joined.columns).where(*self._conditions(columns, query, shown))
            if after is not None:
                start, node = after
                earlier = and_(columns.time_start == start, columns.node_name < node)
                statement = statement.where(columns.time_start <= start, or_(columns.time_start < start, earlier))
            rows = [joined.row(*row) for row in _newest(connection, statement, schema, query, size + 1)]
            names = self._reference_data.get(connection, schema).tres
            last = (rows[size - 1]["time_start"], rows[size - 1]["node_name"]) if len(rows) > size else None

            @functools.cache
            def counts(text: str) -> Mapping[str, int | str]:
                return published_tres(tres(text, names))

            records = [self._record(row, counts(row["tres"]), query.times) for row in rows[:size]]
            return ListPage(records, last, truncated=last is not None and size != query.limit)

        return self._database.run(read)

    def sums(self, query: EventsParameters, shown: frozenset[str] | None) -> ListPage[Record, EventKey]:
        """Returns events and seconds of nodes for each group of `query.group_by`, most seconds first.

        Only the part of an event within `since` and `until` counts. One that goes on counts until now.
        """
        groups: defaultdict[str | None, _Sum] = defaultdict(_Sum)
        now = int(self._now())

        def read(connection: Connection, schema: Schema) -> list[Any]:
            columns = _table(schema).c
            group = columns[_COLUMNS[query.group_by or "node"]]
            last = min(now, query.until or now)
            end = case((columns.time_end == 0, last), (columns.time_end > last, last), else_=columns.time_end)
            first = query.since or 0
            start = case((columns.time_start < first, first), else_=columns.time_start)
            # Unsigned numbers have no negative difference.
            seconds = func.sum(case((end > start, end - start), else_=0))
            statement = select(group, func.count(), func.sum(case((columns.time_end == 0, 1), else_=0)), seconds)
            is_text = query.group_by in (None, "node", "reason")
            # A collation may take different texts for equal.
            statement = statement.group_by(cast(group, LargeBinary) if is_text else group)
            statement = statement.where(columns.node_name != "", *self._conditions(columns, query, shown))
            return list(connection.execute(_by_index(statement, schema, query, is_ordered=False)))

        for value, count, going_on, seconds in self._database.run(read):
            found = groups[self._group(query.group_by, value)]
            found.events += int(count)
            found.going_on += int(going_on)
            found.seconds += int(seconds)
        ordered = sorted(groups.items(), key=lambda item: (-item[1].seconds, item[0] or ""))
        size = min(query.limit, self._most)
        records = [{"group": name, **vars(found)} for name, found in ordered[:size]]
        return ListPage(records, None, truncated=len(ordered) > size)

    def _group(self, by: str | None, value: Any) -> str | None:
        if by == "state":
            return compact_state(value)
        if by == "user":
            return None if (uid := number(value)) is None else self._users.user(uid)
        return value or None

    def _conditions(
        self, columns: Any, query: EventsParameters, shown: frozenset[str] | None
    ) -> Iterator[ColumnElement[bool]]:
        nodes = query.node if shown is None else shown if query.node is None else shown & query.node
        if nodes is not None:
            yield columns.node_name.in_(sorted(nodes)) if nodes else false()
        if query.event == "node":
            yield columns.node_name != ""
        elif query.event == "cluster":
            yield columns.node_name == ""
        if query.state is not None:
            yield and_(columns.node_name != "", or_(*(_has_state(columns.state, state) for state in query.state)))
        if query.reason is not None:
            yield columns.reason.contains(query.reason, autoescape=True)
        if query.user is not None:
            uids = [uid for user in query.user if (uid := self._uid_of(user)) is not None]
            yield columns.reason_uid.in_(uids) if uids else false()
        if query.since is not None:
            yield or_(columns.time_end >= query.since, columns.time_end == 0)
        if query.until is not None:
            yield columns.time_start < query.until
        if query.open is not None:
            yield columns.time_end == 0 if query.open else columns.time_end != 0

    def _uid_of(self, user: str) -> int | None:
        return int(user) if is_number(user) else self._users.uid_of(user)

    def _record(self, row: Row, counts: Mapping[str, int | str], times: Times) -> Record:
        is_node = row["node_name"] != ""
        state, words = _state(row["state"]) if is_node else (None, ())
        uid = number(row["reason_uid"])
        end = row["time_end"] or None
        return {
            "event": "Node" if is_node else "Cluster",
            "node": row["node_name"] or None,
            "state": state,
            "state_words": words,
            "state_raw": row["state"],
            "reason": row["reason"] or None,
            "reason_uid": uid,
            "user": None if uid is None else self._users.user(uid),
            "start": point_in_time(row["time_start"], times),
            "end": point_in_time(end, times),
            "duration": max(0, (end or int(self._now())) - row["time_start"]),
            "tres": counts,
            "cluster_nodes": row["cluster_nodes"] or None,
        }


@functools.lru_cache(maxsize=8)
def _joined(events: Table) -> JoinedRows:
    return JoinedRows(events.c)


@functools.lru_cache(maxsize=1000)
def _state(number: int) -> tuple[str, tuple[str, ...]]:
    return compact_state(number), tuple(state_words(number))


def _has_state(column: Any, state: int) -> ColumnElement[bool]:
    """Returns the condition of sacctmgr: equal base states, or any of the flags."""
    if state & BASE:
        condition: ColumnElement[bool] = column.op("&")(BASE) == state & BASE
        return condition
    flagged: ColumnElement[bool] = column.op("&")(state) != 0
    return flagged


def _newest(
    connection: Connection, statement: Select[Any], schema: Schema, query: EventsParameters, count: int
) -> list[Any]:
    """Returns the newest `count` events of `statement`, newest first.

    With `since`, most events began later. Those that began before it are found apart from them, by their end if that
    finds fewer: read in the order of their starts, all older events would be read.
    """
    start = _table(schema).c.time_start
    if query.since is None or schema.event_end_index is None or _is_of_few_nodes(query):
        return _in_order(connection, statement, schema, query, count)
    rows = _in_order(connection, statement.where(start >= query.since), schema, query, count)
    if len(rows) < count:
        earlier = statement.where(start < query.since).order_by((start + 0).desc(), _table(schema).c.node_name.desc())
        found = _by_index(earlier.limit(count - len(rows)), schema, query, is_ordered=False)
        rows += connection.execute(found)
    return rows


def _in_order(
    connection: Connection, statement: Select[Any], schema: Schema, query: EventsParameters, count: int
) -> list[Any]:
    """Reads the newest events in the order of an index, which has that of their starts alone.

    It finds the first start of the page. Then only the events from there on are sorted.
    """
    columns = _table(schema).c
    starts = statement.with_only_columns(columns.time_start).order_by(columns.time_start.desc()).limit(count)
    newest = _by_index(starts, schema, query).subquery("newest")
    first = connection.execute(select(func.min(newest.c.time_start))).scalar()
    if first is None:
        return []
    ordered = statement.where(columns.time_start >= first)
    ordered = ordered.order_by(columns.time_start.desc(), columns.node_name.desc()).limit(count)
    return list(connection.execute(_by_index(ordered, schema, query)))


def _by_index(
    statement: Select[Any], schema: Schema, query: EventsParameters, *, is_ordered: bool = True
) -> Select[Any]:
    """Names the index that finds the events: that of few nodes, else that of their start, which is the order.

    Without that order, the server takes the index of starts or ends that finds fewer events since `since`.
    """
    indexes = [schema.event_time_index]
    if _is_of_few_nodes(query):
        indexes = ["PRIMARY"]
    elif not is_ordered and query.since is not None:
        indexes.append(schema.event_end_index)
    names = ", ".join(f"`{name}`" for name in indexes if name is not None)
    return statement.with_hint(_table(schema), f"FORCE INDEX ({names})", "mysql") if names else statement


def _is_of_few_nodes(query: EventsParameters) -> bool:
    return query.node is not None and len(query.node) <= _FEW_NODES


def _table(schema: Schema) -> Table:
    return readable(schema.event, "/events", "table_event")

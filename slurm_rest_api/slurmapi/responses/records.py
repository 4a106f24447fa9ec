"""Executes a list query against a snapshot and builds the response body."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from slurm_rest_api.slurmapi.query.list_query import ListQuery, cursor_key_of
from slurm_rest_api.slurmapi.query.record_kinds import RECORD_KINDS
from slurm_rest_api.slurmapi.responses import aggregates, changes
from slurm_rest_api.slurmapi.responses.json_stream import (
    KeyedBody,
    as_list,
    as_object,
    in_envelope,
    parsed,
    with_fields,
)
from slurm_rest_api.slurmapi.responses.priority_factors import has_factors, with_factors
from slurm_rest_api.slurmapi.responses.snapshot import Snapshot
from slurm_rest_api.slurmapi.store.conditions import ALWAYS
from slurm_rest_api.slurmapi.store.reader import StoreView
from slurm_rest_api.web.text_formats import table_of

LinkTo = Callable[[list[Any]], str]
"""Returns the link to the page that begins after a cursor key."""


@dataclass(frozen=True)
class Body:
    """The pieces of a response body. `total` is the number of matching records, `next` links to the next page."""

    pieces: Iterator[bytes]
    total: int | None = None
    next: str | None = None


def execute(snapshot: Snapshot, query: ListQuery, link_to: LinkTo) -> Body:
    """Returns the body of the response to `query`. Its pieces are read from the snapshot one by one."""
    if query.aggregates:
        return _aggregates(snapshot, query)
    if query.since is not None:
        return _changes(snapshot, query, query.since)
    return _page(snapshot, query, link_to)


def _aggregates(snapshot: Snapshot, query: ListQuery) -> Body:
    found = aggregates.aggregates_of(snapshot.view, query)
    total = _total(snapshot, query)
    rows = aggregates.as_rows(query, found)
    if query.format != "json":
        return Body(table_of(query.format, rows, aggregates.columns(query)), total)
    data = orjson.dumps(rows if query.as_list else found)
    return Body(in_envelope([data], {**snapshot.meta, "total": total}), total)


def _changes(snapshot: Snapshot, query: ListQuery, since: str) -> Body:
    total = _total(snapshot, query)
    meta = {**snapshot.meta, "total": total}
    version = changes.comparable_version(since, snapshot)
    if version is None:
        records = _all_records(snapshot.view, query)
        meta |= {"full": True, "gone": []}
    else:
        more_meta, records = changes.changes_since(snapshot.view, query, version)
        meta |= more_meta
    return Body(in_envelope(as_object(records), meta), total)


def _page(snapshot: Snapshot, query: ListQuery, link_to: LinkTo) -> Body:
    total = _total(snapshot, query)
    selection = query.selection
    # The reader would have to pass the records before a cursor, too.
    selects_most = selection.after is None and selection.where != ALWAYS and 2 * total > snapshot.collection.total
    ranged = replace(query, selection=replace(selection, selects_most=selects_most))
    records, next_page = _page_records(snapshot.view, ranged, link_to)
    if query.format != "json":
        return Body(table_of(query.format, parsed(records), query.fields or ()), total, next_page)
    data = as_list(records) if query.as_list else as_object(records)
    return Body(in_envelope(data, {**snapshot.meta, "total": total, "next": next_page}), total, next_page)


def _page_records(view: StoreView, query: ListQuery, link_to: LinkTo) -> tuple[Iterator[KeyedBody], str | None]:
    selection, limit = query.selection, query.selection.limit
    if limit is None:
        return _all_records(view, query), None
    columns = _columns_of_fields(query)
    # One row more than the page has shows that there is a next page.
    rows = list(view.ordered_keys(replace(selection, limit=limit + 1), columns or ()))
    if len(rows) <= limit:
        return _bodies(view, query, rows, columns), None
    last_key = rows[limit - 1][: len(selection.orders())]
    return _bodies(view, query, rows[:limit], columns), link_to(cursor_key_of(selection, last_key))


def _all_records(view: StoreView, query: ListQuery) -> Iterator[KeyedBody]:
    columns = _columns_of_fields(query)
    return _bodies(view, query, view.ordered_keys(query.selection, columns or ()), columns)


def _columns_of_fields(query: ListQuery) -> list[str] | None:
    """Returns the columns that hold the requested fields, or None if a field is only in the rendered record."""
    column_of = RECORD_KINDS[query.kind].sortable
    if query.fields is None or not column_of.keys() >= set(query.fields):
        return None
    return [column_of[field] for field in query.fields]


def _bodies(
    view: StoreView, query: ListQuery, rows: Iterable[tuple[Any, ...]], columns: list[str] | None
) -> Iterator[KeyedBody]:
    """Yields the records of `rows` with the requested fields. Each row is a sort key, then the values of `columns`."""
    fields = query.fields
    if fields is None:
        return view.bodies(query.kind, rows)
    if has_factors(fields):
        return with_factors(view, view.bodies(query.kind, rows), fields)
    if columns is None:
        return ((key, with_fields(body, fields)) for key, body in view.bodies(query.kind, rows))
    width = len(query.selection.orders())
    return ((row[width - 1], orjson.dumps(dict(zip(fields, row[width:], strict=True)))) for row in rows)


def _total(snapshot: Snapshot, query: ListQuery) -> int:
    where = query.selection.where
    return snapshot.collection.total if where == ALWAYS else snapshot.view.count(query.kind, where)

"""Executes a list query against a snapshot and builds the response body."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, Final

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
from slurm_rest_api.slurmapi.store.queries import Selection
from slurm_rest_api.slurmapi.store.reader import StoreView
from slurm_rest_api.web.text_formats import table_of

LinkTo = Callable[[list[Any]], str]
"""Returns the link to the page that begins after a cursor key."""

_FIRST_ROWS: Final = 1000
"""Rows of a response without `limit` that are read before the others."""


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
    found, total = aggregates.aggregates_of(snapshot.view, query)
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
    view, selection, limit = snapshot.view, query.selection, query.selection.limit
    most = _FIRST_ROWS if limit is None else limit
    total = None if _is_counted_last(selection) else _total(snapshot, query)
    # The reader would have to pass the records before a cursor, too.
    is_first_page = selection.after is None and selection.where != ALWAYS
    selects_most = is_first_page and total is not None and 2 * total > snapshot.collection.total
    # One row more than the page has shows that there is a next page.
    ranged = replace(selection, limit=None if limit is None else limit + 1, selects_most=selects_most)
    columns = _columns_of_fields(query)
    rows = view.ordered_keys(ranged, columns or ())
    first = list(islice(rows, most + 1))
    if total is None:
        total = len(first) if len(first) <= most else _total(snapshot, query)
    next_page = None
    if limit is not None and len(first) > limit:
        next_page = link_to(cursor_key_of(selection, first[limit - 1][: len(selection.orders())]))
        del first[limit:]
    records = _bodies(view, query, chain(first, rows), columns)
    if query.format != "json":
        return Body(table_of(query.format, parsed(records), query.fields or ()), total, next_page)
    data = as_list(records) if query.as_list else as_object(records)
    return Body(in_envelope(data, {**snapshot.meta, "total": total, "next": next_page}), total, next_page)


def _is_counted_last(selection: Selection) -> bool:
    """Returns True if the records are read before they are counted, as a few that are all need no count.

    Of a page in another order than that of the keys, the number decides how it is read.
    """
    in_key_order = selection.orders()[0].column == "key"
    return selection.after is None and (in_key_order or selection.limit is None)


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

"""From a question and the present edition to the answer: what goes over the wire, and what stands beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from slurm_rest_api.slurmapi.query.list_query import ListQuery, cursor_place
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
from slurm_rest_api.slurmapi.responses.snapshot import Representation, SnapshotView
from slurm_rest_api.slurmapi.store.conditions import ALWAYS
from slurm_rest_api.slurmapi.store.reader import StoreView
from slurm_rest_api.web.text_formats import table_of

Link = Callable[[list[Any]], str]
"""Makes the link to the page that begins at a cursor's place."""


@dataclass(frozen=True)
class Answer:
    """The pieces of a body; `total` records meet the question, and `next` leads to the next page, if there is one."""

    pieces: Iterator[bytes]
    total: int
    next: str | None = None


def tagged(current: SnapshotView, digest: str) -> Representation:
    """The present edition of the answer to the question that `digest` stands for."""
    return replace(current.edition, tag=f"{current.edition.tag}-{digest}")


def answer_to(current: SnapshotView, question: ListQuery, link: Link) -> Answer:
    """The answer; its pieces are read from the store as they are asked for."""
    if question.numbers:
        return _numbers(current, question)
    if question.since is not None:
        return _changes(current, question, question.since)
    return _page(current, question, link)


def _numbers(current: SnapshotView, question: ListQuery) -> Answer:
    found = aggregates.numbers_of(current.view, question)
    total = _total(current, question)
    records = aggregates.as_records(question, found)
    if question.format != "json":
        return Answer(table_of(question.format, records, aggregates.columns(question)), total)
    data = orjson.dumps(records if question.as_list else found)
    return Answer(in_envelope([data], {**current.edition.meta, "total": total}), total)


def _changes(current: SnapshotView, question: ListQuery, since: str) -> Answer:
    version = changes.comparable(since, current.run, current.collection)
    meta = {**current.edition.meta, "total": _total(current, question)}
    if version is None:
        data = as_object(_all(current.view, question))
        meta |= {"full": True, "gone": []}
    else:
        more, records = changes.changes_of(current.view, question, version)
        data = as_object(records)
        meta |= more
    return Answer(in_envelope(data, meta), meta["total"])


def _page(current: SnapshotView, question: ListQuery, link: Link) -> Answer:
    total = _total(current, question)
    records, following = _records(current, question, link)
    if question.format != "json":
        return Answer(table_of(question.format, parsed(records), question.fields or ()), total, following)
    shaped = as_list if question.as_list else as_object
    meta = {**current.edition.meta, "total": total, "next": following}
    return Answer(in_envelope(shaped(records), meta), total, following)


def _records(current: SnapshotView, question: ListQuery, link: Link) -> tuple[Iterator[KeyedBody], str | None]:
    view, selection, limit = current.view, question.selection, question.selection.limit
    if limit is None:
        return _all(view, question), None
    columns = _columns(question)
    found = list(view.ordered_keys(replace(selection, limit=limit + 1), columns or ()))
    is_last = len(found) <= limit
    following = None if is_last else link(cursor_place(selection, found[limit - 1][: len(selection.orders())]))
    return _bodies(view, question, found[:limit], columns), following


def _all(view: StoreView, question: ListQuery) -> Iterator[KeyedBody]:
    columns = _columns(question)
    return _bodies(view, question, view.ordered_keys(question.selection, columns or ()), columns)


def _columns(question: ListQuery) -> list[str] | None:
    """The columns that hold the fields asked for as they are; None where records have to be read for them."""
    orders = RECORD_KINDS[question.kind].orders
    if question.fields is None or not orders.keys() >= set(question.fields):
        return None
    return [orders[field] for field in question.fields]


def _bodies(
    view: StoreView, question: ListQuery, found: Iterable[tuple[Any, ...]], columns: list[str] | None
) -> Iterator[KeyedBody]:
    """The records at these places with the fields asked for; `columns` of them follow each place."""
    fields = question.fields
    if fields is None:
        return view.bodies(question.kind, found)
    if columns is None:
        return ((key, with_fields(body, fields)) for key, body in view.bodies(question.kind, found))
    width = len(question.selection.orders())
    return ((row[width - 1], orjson.dumps(dict(zip(fields, row[width:], strict=True)))) for row in found)


def _total(current: SnapshotView, question: ListQuery) -> int:
    where = question.selection.where
    return current.collection.total if where == ALWAYS else current.view.count(question.kind, where)

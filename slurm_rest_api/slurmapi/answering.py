"""From a question and the present edition to the answer: what goes over the wire, and what stands beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson

from slurm_rest_api.slurmapi import changes, numbers
from slurm_rest_api.slurmapi.catalog import CATALOG
from slurm_rest_api.slurmapi.live import Edition, OpenEdition
from slurm_rest_api.slurmapi.question import Question, cursor_place
from slurm_rest_api.slurmapi.rendering import KeyedBody, as_list, as_object, in_envelope, parsed, with_fields
from slurm_rest_api.slurmapi.store.columns import Value
from slurm_rest_api.slurmapi.store.conditions import ALWAYS
from slurm_rest_api.slurmapi.store.reader import StoreView
from slurm_rest_api.web.tables import table_of

Link = Callable[[list[Any]], str]
"""Makes the link to the page that begins at a cursor's place."""


@dataclass(frozen=True)
class Answer:
    """The pieces of a body; `total` records meet the question, and `next` leads to the next page, if there is one."""

    pieces: Iterator[bytes]
    total: int
    next: str | None = None


def tagged(current: OpenEdition, digest: str) -> Edition:
    """The present edition of the answer to the question that `digest` stands for."""
    return replace(current.edition, tag=f"{current.edition.tag}-{digest}")


def answer_to(current: OpenEdition, question: Question, link: Link) -> Answer:
    """The answer; its pieces are read from the store as they are asked for."""
    if question.numbers:
        return _numbers(current, question)
    if question.since is not None:
        return _changes(current, question, question.since)
    return _page(current, question, link)


def _numbers(current: OpenEdition, question: Question) -> Answer:
    found = numbers.numbers_of(current.view, question)
    total = _total(current, question)
    records = numbers.as_records(question, found)
    if question.format != "json":
        return Answer(table_of(question.format, records, numbers.columns(question)), total)
    data = orjson.dumps(records if question.as_list else found)
    return Answer(in_envelope([data], {**current.edition.meta, "total": total}), total)


def _changes(current: OpenEdition, question: Question, since: str) -> Answer:
    version = changes.comparable(since, current.run, current.collection)
    meta = {**current.edition.meta, "total": _total(current, question)}
    if version is None:
        data = as_object(_bodies(current.view, question, current.view.places(question.selection)))
        meta |= {"full": True, "gone": []}
    else:
        more, records = changes.changes_of(current.view, question, version)
        data = as_object(records)
        meta |= more
    return Answer(in_envelope(data, meta), meta["total"])


def _page(current: OpenEdition, question: Question, link: Link) -> Answer:
    total = _total(current, question)
    records, following = _records(current, question, link)
    if question.format != "json":
        return Answer(table_of(question.format, parsed(records), question.fields or ()), total, following)
    shaped = as_list if question.as_list else as_object
    meta = {**current.edition.meta, "total": total, "next": following}
    return Answer(in_envelope(shaped(records), meta), total, following)


def _records(current: OpenEdition, question: Question, link: Link) -> tuple[Iterator[KeyedBody], str | None]:
    view, selection, limit = current.view, question.selection, question.selection.limit
    if limit is None:
        return _bodies(view, question, view.places(selection)), None
    places = list(view.places(replace(selection, limit=limit + 1)))
    following = link(cursor_place(selection, places[limit - 1])) if len(places) > limit else None
    return _bodies(view, question, places[:limit]), following


def _bodies(view: StoreView, question: Question, places: Iterable[tuple[Value, ...]]) -> Iterator[KeyedBody]:
    """The records at these places with the fields asked for; no record is read where columns hold all of them."""
    kind, fields = question.kind, question.fields
    if fields is None:
        return view.bodies(kind, places)
    columns = [CATALOG[kind].orders.get(field) for field in fields]
    if None in columns:
        return ((key, with_fields(body, fields)) for key, body in view.bodies(kind, places))
    found = view.facts(kind, places, [column for column in columns if column is not None])
    return ((key, orjson.dumps(dict(zip(fields, values, strict=True)))) for key, *values in found)


def _total(current: OpenEdition, question: Question) -> int:
    where = question.selection.where
    return current.collection.total if where == ALWAYS else current.view.count(question.kind, where)

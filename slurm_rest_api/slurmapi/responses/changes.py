"""What has changed since a version: with the answer to `since` a client goes from that version's body to this one.

For each key of `data` the client sets the fields that it finds; then it removes the keys of `meta.gone`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slurm_rest_api.slurmapi.query.list_query import ListQuery
from slurm_rest_api.slurmapi.responses.json_stream import KeyedBody, with_fields
from slurm_rest_api.slurmapi.store.index_columns import CLOCK_FIELDS
from slurm_rest_api.slurmapi.store.reader import Collection, StoreView


def comparable(since: str, run: str, collection: Collection) -> int | None:
    """The number of the version `since`; None where it is unknown what has changed since then.

    That is so of another life of the store, of a version before the oldest key that is remembered to have gone, and of
    a text that is no version at all.
    """
    life, _, number = since.rpartition("-")
    if life != run or not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    version = int(number)
    return version if collection.tombstones_complete_from <= version <= collection.version else None


def changes_of(view: StoreView, question: ListQuery, since: int) -> tuple[dict[str, Any], Iterator[KeyedBody]]:
    """What goes into `meta`, and the records; `meta` is complete only when all of them have been read."""
    gone = [str(key) for key in view.tombstones(question.kind, question.seen.where, since)]
    return {"full": False, "gone": gone}, _records(view, question, since, gone)


def _records(view: StoreView, question: ListQuery, since: int, gone: list[str]) -> Iterator[KeyedBody]:
    """The records that changed; one in which only the clock moved has only what it moves.

    The keys of those that the question does not ask for are added to `gone`.
    """
    fields = question.fields
    ticking = tuple(field for field in CLOCK_FIELDS if fields is None or field in fields)
    clock = question.clock and bool(ticking)
    where, seen = question.selection.where, question.seen.where
    for change in view.changes(question.kind, where, seen, since, clock=clock):
        if change.body is None:
            gone.append(str(change.key))
        else:
            yield change.key, with_fields(change.body, ticking if change.clock_only else fields)

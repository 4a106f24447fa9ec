"""Selects the changes since a version, with which a client updates its copy to the current version.

For each key of `data` the client sets the fields that it finds. Then it removes the keys of `meta.gone`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slurm_rest_api.slurmapi.query.list_query import ListQuery
from slurm_rest_api.slurmapi.responses.json_stream import KeyedBody, with_fields
from slurm_rest_api.slurmapi.responses.snapshot import Snapshot
from slurm_rest_api.slurmapi.store.index_columns import CLOCK_FIELDS
from slurm_rest_api.slurmapi.store.reader import StoreView


def comparable_version(since: str, snapshot: Snapshot) -> int | None:
    """Returns the number of the version `since`, or None if the changes since then are not known.

    They are not known for a version of another generation, for one before the oldest tombstone, and for a text that is
    no version.
    """
    generation, _, number = since.rpartition("-")
    if generation != snapshot.generation or not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    version, collection = int(number), snapshot.collection
    return version if collection.tombstones_complete_from <= version <= collection.version else None


def changes_since(view: StoreView, query: ListQuery, version: int) -> tuple[dict[str, Any], Iterator[KeyedBody]]:
    """Returns the entries for `meta`, and the changed records. `meta` is complete once all records are read."""
    gone = [str(key) for key in view.tombstones(query.kind, query.visible.where, version)]
    return {"full": False, "gone": gone}, _records(view, query, version, gone)


def _records(view: StoreView, query: ListQuery, version: int, gone: list[str]) -> Iterator[KeyedBody]:
    """Yields the changed records. Adds the keys of those that do not match the query any more to `gone`.

    A record in which only clock fields changed has only these.
    """
    fields = query.fields
    clock_fields = tuple(field for field in CLOCK_FIELDS if fields is None or field in fields)
    clock = query.clock and bool(clock_fields)
    for change in view.changes(query.kind, query.selection.where, query.visible.where, version, clock=clock):
        if change.body is None:
            gone.append(str(change.key))
        else:
            yield change.key, with_fields(change.body, clock_fields if change.clock_only else fields)

"""Finds pages of records by nodes, or by names with undecodable bytes, in the order of `page_keys`.

SQL cannot expand hostlists, and does not replace bytes as the service does. So records are read in batches until enough
of them match.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Table

from slurm_rest_api.acctapi import encodings, states
from slurm_rest_api.acctapi.filters import Filters
from slurm_rest_api.acctapi.sql import CursorKey, KeyRange, Page, later_attempts, page_keys
from slurm_rest_api.slurm.hostlist import expand

_BATCH: Final = 1000
_MAX_ROWS: Final = 50_000
"""Most records that one request reads. `meta.next` of its answer continues the search."""


class Found(NamedTuple):
    """Keys of matching records. `stopped_at` is the last record read if the search ended early, else None."""

    cursor_keys: list[CursorKey]
    stopped_at: CursorKey | None = None


def search(
    connection: Connection,
    job: Table,
    filters: Filters,
    keys: KeyRange,
    page: Page,
    in_time: Callable[[], bool],
) -> Found:
    """Finds the keys of `page` among the candidates that match `filters`. Stops once `in_time()` is False."""
    wanted = page.offset + page.limit
    batch = replace(page, limit=_BATCH, offset=0, extra=("nodelist", "job_name", "state"))
    found: list[CursorKey] = []
    read = 0
    while True:
        rows = connection.execute(page_keys(job, filters, keys, batch)).all()
        matching = [row for row in rows if _matches(row, filters)]
        if not filters.duplicates:
            matching = _without_earlier_attempts(connection, job, filters, matching)
        found += [cursor_key_of(row) for row in matching]
        if len(found) >= wanted or len(rows) < _BATCH:
            return Found(found[page.offset : wanted])
        batch = replace(batch, after=cursor_key_of(rows[-1]))
        read += len(rows)
        if read >= _MAX_ROWS or not in_time():
            return Found(found[page.offset : wanted], batch.after)


def cursor_key_of(row: Any) -> CursorKey:
    """Returns the cursor key of a row of `page_keys`."""
    return CursorKey(row.job_db_inx, row.id_job, row.time_submit)


def _without_earlier_attempts(connection: Connection, job: Table, filters: Filters, rows: Sequence[Any]) -> list[Any]:
    """Does the work of `filters.newest_attempt` for the attempts that match."""
    newest: dict[int, int] = {}
    if ids := sorted({row.id_job for row in rows}):
        for attempt in connection.execute(later_attempts(job, filters, ids)):
            if _matches(attempt, filters):
                newest[attempt.id_job] = max(newest.get(attempt.id_job, 0), attempt.time_submit)
    return [
        row
        for row in rows
        if row.state != states.REVOKED and (row.state == states.RESIZED or row.time_submit >= newest.get(row.id_job, 0))
    ]


def _matches(row: Any, filters: Filters) -> bool:
    """Returns True if a candidate ran on one of the nodes and has one of the names, where they are asked for."""
    ran_there = filters.nodes is None or not filters.nodes.isdisjoint(_names(row.nodelist))
    return ran_there and (filters.job_names is None or row.job_name in filters.job_names)


@lru_cache(maxsize=256)
def _names(nodelist: str | None) -> frozenset[str]:
    try:
        return frozenset(expand(encodings.hostlist(nodelist)))
    except ValueError:
        # A text that is not a hostlist names no node.
        return frozenset()

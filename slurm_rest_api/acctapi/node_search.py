"""Pages of records that ran on given nodes: the newest are read in batches until enough of them have the node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Table

from slurm_rest_api.acctapi import states
from slurm_rest_api.acctapi.filters import Filters
from slurm_rest_api.acctapi.nodes import ran_on
from slurm_rest_api.acctapi.sql import CursorKey, KeyRange, Page, later_attempts, page_keys

_BATCH: Final = 1000
_MOST_READ: Final = 50_000
"""Records whose hostlists one answer looks at; the next page goes on from there."""


class Found(NamedTuple):
    """Records that match; `stopped_at` is the last one looked at when the search was given up before the end."""

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
    """The places of `page` among the records that ran on `filters.nodes`; it ends early once `in_time()` is false."""
    assert filters.nodes is not None
    wanted = page.offset + page.limit
    batch = replace(page, limit=_BATCH, offset=0, extra=("nodelist", "state"))
    found: list[CursorKey] = []
    read = 0
    while True:
        rows = connection.execute(page_keys(job, filters, keys, batch)).all()
        matching = [row for row in rows if ran_on(row.nodelist, filters.nodes)]
        if not filters.duplicates:
            matching = _without_earlier_attempts(connection, job, filters, matching)
        found += [cursor_key_of(row) for row in matching]
        if len(found) >= wanted or len(rows) < _BATCH:
            return Found(found[page.offset : wanted])
        batch = replace(batch, after=cursor_key_of(rows[-1]))
        read += len(rows)
        if read >= _MOST_READ or not in_time():
            return Found(found[page.offset : wanted], batch.after)


def cursor_key_of(row: Any) -> CursorKey:
    """The place of a row of `page_keys`."""
    return CursorKey(row.job_db_inx, row.id_job, row.time_submit)


def _without_earlier_attempts(connection: Connection, job: Table, filters: Filters, rows: Sequence[Any]) -> list[Any]:
    """What `filters.newest_attempt` does, among the attempts that had one of the nodes."""
    assert filters.nodes is not None
    newest: dict[int, int] = {}
    if ids := sorted({row.id_job for row in rows}):
        for attempt in connection.execute(later_attempts(job, filters, ids)):
            if ran_on(attempt.nodelist, filters.nodes):
                newest[attempt.id_job] = max(newest.get(attempt.id_job, 0), attempt.time_submit)
    return [
        row
        for row in rows
        if row.state != states.REVOKED and (row.state == states.RESIZED or row.time_submit >= newest.get(row.id_job, 0))
    ]

"""Reads the records of /history: first the keys of a page, then their rows. Independent of HTTP.

The keys come from an index, so the length of a page and the link to the next one are known before a row is read. Rows
are then read in batches. Between batches a request holds no connection, but its right to use the database (`Session`),
until another request needs that while the client reads slowly.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from slurm_rest_api.acctapi.column_probe import Schema, require_set
from slurm_rest_api.acctapi.database import Database, Session
from slurm_rest_api.acctapi.encodings import Times
from slurm_rest_api.acctapi.filters import Filters
from slurm_rest_api.acctapi.job_rows import USED, read_job_rows
from slurm_rest_api.acctapi.job_search import find_jobs
from slurm_rest_api.acctapi.key_ranges import KeyRangeFinder
from slurm_rest_api.acctapi.parameters import HistoryParameters
from slurm_rest_api.acctapi.records import Record, RecordContext, job_record
from slurm_rest_api.acctapi.reference_data import ReferenceDataCache
from slurm_rest_api.acctapi.reservation_names import reservation_names
from slurm_rest_api.acctapi.resolve_names import filters_of
from slurm_rest_api.acctapi.row_search import Found, cursor_key_of, search
from slurm_rest_api.acctapi.sql import CursorKey, KeyRange, Page, newest_of_users, page_keys
from slurm_rest_api.acctapi.step_usage import usage_of
from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.slurm.user_names import UserNames

_ROWS_AT_ONCE: Final = 500


@dataclass(frozen=True)
class HistoryPage:
    """Keys of the records of one page. `next` is the cursor of the next page, None on the last one.

    `session` is open until the records are read.
    """

    session: Session
    keys: tuple[int, ...]
    next: CursorKey | None
    truncated: bool


@dataclass(frozen=True)
class HistoryLimits:
    """Most records of a page, and the time limit of a `row_search` in seconds."""

    records: int
    seconds: float


class History:
    """Job records of one cluster. Records of the partitions `hidden` are never returned."""

    def __init__(
        self,
        database: Database,
        reference_data: ReferenceDataCache,
        hidden: frozenset[str],
        cluster: str,
        limits: HistoryLimits,
        accounts: UserNames | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._reference_data = reference_data
        self._hidden = hidden
        self._cluster = cluster
        self._limits = limits
        self._accounts = accounts or UserNames()
        self._now = now
        self._key_ranges = KeyRangeFinder()

    def page(
        self, query: HistoryParameters, after: CursorKey | None, scope: DataScope, *, with_parts: bool = False
    ) -> HistoryPage:
        """Finds the page of `query` after the record `after`, or after the newest `query.offset` records.

        Only records that `scope` allows are found. With `with_parts`, the ids of `query.jobid` are also those of arrays
        and heterogeneous jobs.

        Raises:
            ApiError: the database cannot be used, or the query took too long.
        """
        limit = min(query.limit, self._limits.records)

        def find(connection: Connection, schema: Schema) -> Found:
            require_set(schema, "/history", "table_step", "table_resv")
            filters = self.filters(connection, schema, query, scope, with_parts=with_parts)
            keys = self.key_range(connection, schema, filters)
            # One more than `limit` shows if another page follows.
            return self._find(connection, schema, filters, keys, Page(limit + 1, after, query.offset))

        with ExitStack() as failed:
            session = failed.enter_context(closing(self._database.session()))
            found = session.run(find)
            failed.pop_all()
        shown = found.cursor_keys[:limit]
        more = len(found.cursor_keys) > limit
        return HistoryPage(
            session=session,
            keys=tuple(cursor_key.key for cursor_key in shown),
            next=shown[-1] if more else found.stopped_at,
            truncated=found.stopped_at is not None if not more else limit < query.limit,
        )

    def records(self, page: HistoryPage, times: Times) -> Iterator[Record]:
        """Yields the records of a page, reading rows in batches. Records that were purged meanwhile are left out.

        Raises:
            ApiError: as `page()`.
        """
        with closing(page.session) as session:
            for start in range(0, len(page.keys), _ROWS_AT_ONCE):
                yield from self._batch(session, page.keys[start : start + _ROWS_AT_ONCE], times)

    def _batch(self, session: Session, keys: Sequence[int], times: Times) -> list[Record]:
        def read(connection: Connection, schema: Schema) -> list[Record]:
            context = self.record_context(connection, schema, times)
            rows = read_job_rows(connection, schema.job, keys, schema.step, context.tres)
            reserved = reservation_names(connection, schema.resv, rows.values())
            return [
                job_record(rows[key], context, usage_of(rows[key].get(USED)), reserved.get(key))
                for key in keys
                if key in rows
            ]

        return session.run(read)

    def filters(
        self,
        connection: Connection,
        schema: Schema,
        query: HistoryParameters,
        scope: DataScope,
        *,
        with_parts: bool = False,
    ) -> Filters:
        """Returns the filters of `query` for records that `scope` allows. `with_parts` is as in `page`."""
        self._accounts.expire()
        return filters_of(
            query,
            self._reference_data.get(connection, schema),
            lambda: self._reference_data.orphan_association_ids(connection, schema),
            self._accounts,
            self._hidden,
            int(self._now()),
            scope,
            None if query.jobid is None else find_jobs(connection, schema.job, query.jobid, with_parts=with_parts),
        )

    def key_range(self, connection: Connection, schema: Schema, filters: Filters) -> KeyRange:
        """Returns the range of keys of the records that can match."""
        return self._key_ranges.key_range(connection, schema.job, filters)

    def orphan_association_ids(self, connection: Connection, schema: Schema) -> frozenset[int]:
        """Returns the ids of `ReferenceDataCache.orphan_association_ids`."""
        return self._reference_data.orphan_association_ids(connection, schema)

    def _find(self, connection: Connection, schema: Schema, filters: Filters, keys: KeyRange, page: Page) -> Found:
        if filters.is_exact:
            newest = newest_of_users(schema.job, filters, keys, page)
            rows = [] if newest is None else connection.execute(newest).all()
            if rows and len(rows) == page.limit:
                return Found([cursor_key_of(row) for row in rows])
            return Found([cursor_key_of(row) for row in connection.execute(page_keys(schema.job, filters, keys, page))])
        deadline = time.monotonic() + self._limits.seconds
        return search(connection, schema.job, filters, keys, page, lambda: time.monotonic() < deadline)

    def record_context(self, connection: Connection, schema: Schema, times: Times) -> RecordContext:
        """Returns what records are converted with."""
        reference = self._reference_data.get(connection, schema)
        return RecordContext(
            associations=reference.associations,
            qos=reference.qos,
            tres=reference.tres,
            user_of=self._accounts.user,
            cluster=self._cluster,
            hidden=self._hidden,
            times=times,
            now=int(self._now()),
        )

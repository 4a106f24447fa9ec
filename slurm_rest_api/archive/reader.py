"""Reads the load archive: samples of a time range, as stored or at a requested width."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Engine, Select, Table, inspect, select
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError, SQLAlchemyError

from slurm_rest_api.archive.aggregate import Weighted, aggregate
from slurm_rest_api.archive.engine import is_server
from slurm_rest_api.archive.sample import Sample, slot_of
from slurm_rest_api.archive.tables import LEVELS, RAW, read
from slurm_rest_api.archive.time_range import TimeRange
from slurm_rest_api.databases.circuit import Circuit, Lease, Refused
from slurm_rest_api.errors import ArchiveError, ArchiveUnavailable

logger = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 10
_ROWS_PER_QUERY: Final = 500
_RAW_WIDTH: Final = 0


class StoredSample(NamedTuple):
    """A row of the archive. `body` is compressed JSON."""

    time: int
    weight: int
    body: bytes


class ComputedSample(NamedTuple):
    """A sample that was aggregated from stored ones."""

    time: int
    weight: int
    sample: Sample


class _LevelRow(NamedTuple):
    """A row and the width of its level in seconds. `_RAW_WIDTH` for a raw sample."""

    width: int
    row: StoredSample


Project = Callable[[Sample], Sample]
"""Selects the part of a sample that is aggregated. `time` and `partitions` have to be part of it."""


class ArchiveReader:
    """Reading side of the archive in the database of `engine`. An archive without tables is empty.

    At most `limit` requests read at a time. `circuit` refuses others, and all of them while a server does not answer.
    `answers` connects once to find out if it does.
    """

    def __init__(self, engine: Engine, limit: int = 2, answers: Callable[[], bool] = lambda: True) -> None:
        self._engine = engine
        self.circuit = Circuit("load archive", limit, answers)

    def samples(self, time_range: TimeRange, limit: int) -> list[StoredSample]:
        """Returns the collector's samples of a time range, oldest first, at most `limit`.

        Raises:
            ArchiveUnavailable: the archive cannot be read.
        """
        with closing(self.circuit.lease()) as lease:
            rows = self._rows(lease, RAW, time_range.since, time_range.until, limit, newest=time_range.newest)
        return rows[::-1] if time_range.newest else rows

    def steps(
        self, time_range: TimeRange, limit: int, project: Project = lambda sample: sample
    ) -> list[StoredSample | ComputedSample]:
        """Returns samples of a time range, each `time_range.step` seconds wide, oldest first, at most `limit`.

        Samples that are stored at this width are returned as they are. Others are aggregated from what `project`
        returns.

        Raises:
            ArchiveUnavailable: the archive cannot be read.
        """
        step = time_range.step
        widths = [width for width in LEVELS if step % width == 0]
        with closing(self.circuit.lease()) as lease:
            rows = self._widest_rows(lease, widths, time_range.since, time_range.until)
            groups = itertools.groupby(rows, key=lambda part: slot_of(part.row.time, step))
            found = [
                _sample_of_group(slot, step, list(group), project) for slot, group in itertools.islice(groups, limit)
            ]
        return found[-1:] if time_range.newest else found

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    def _widest_rows(self, lease: Lease, widths: list[int], since: int, until: int) -> Iterator[_LevelRow]:
        """Yields rows of the widest of the levels `widths`, then of narrower ones where it ends."""
        for width in sorted(widths, reverse=True):
            for row in self._pages(lease, LEVELS[width], slot_of(since, width), until):
                since = row.time + width
                yield _LevelRow(width, row)
        for row in self._pages(lease, RAW, since, until):
            yield _LevelRow(_RAW_WIDTH, row)

    def _pages(self, lease: Lease, table: Table, since: int, until: int) -> Iterator[StoredSample]:
        """Yields the rows of a time range, one query per `_ROWS_PER_QUERY` of them."""
        while since < until:
            rows = self._rows(lease, table, since, until, _ROWS_PER_QUERY)
            yield from rows
            if len(rows) < _ROWS_PER_QUERY:
                return
            since = rows[-1].time + 1

    def _rows(
        self, lease: Lease, table: Table, since: int, until: int, limit: int, *, newest: bool = False
    ) -> list[StoredSample]:
        order = table.c.time.desc() if newest else table.c.time
        query = (
            select(table.c.time, table.c.weight, table.c.body)
            .where(table.c.time >= since, table.c.time < until)
            .order_by(order)
            .limit(1 if newest else limit)
        )
        try:
            with lease:
                return self._fetch(lease, query, table)
        except Refused as refused:
            raise _refusal(refused) from refused

    def _fetch(self, lease: Lease, query: Select[Any], table: Table) -> list[StoredSample]:
        is_connected = False
        try:
            with self._engine.connect() as connection:
                is_connected = True
                return [StoredSample(*row) for row in connection.execute(query)]
        except ArchiveError as error:
            logger.error("%s", error)
            raise ArchiveUnavailable(str(error), retry_after=_RETRY_SECONDS) from error
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
            if is_server(self._engine) and (is_lost or not is_connected):
                # The circuit logs it.
                lease.fail(cause)
                raise _unavailable() from error
            if isinstance(error, OperationalError | ProgrammingError) and self._is_missing(table):
                return []
            logger.error("The load archive cannot be read: %s", cause)
            raise _unavailable() from error

    def _is_missing(self, table: Table) -> bool:
        """Returns True if the table, or the whole SQLite file, does not exist yet."""
        database = self._engine.url.database or ""
        try:
            return not inspect(self._engine).has_table(table.name)
        except SQLAlchemyError:
            return self._engine.dialect.name == "sqlite" and not _exists(database)


def _sample_of_group(slot: int, step: int, group: list[_LevelRow], project: Project) -> StoredSample | ComputedSample:
    first = group[0]
    if first.width == step:
        return first.row
    computed = aggregate(slot, [Weighted(project(read(row.body)), row.weight) for _, row in group])
    return ComputedSample(slot, computed.weight, computed.sample)


def _exists(uri: str) -> bool:
    return Path(uri.removeprefix("file:").partition("?")[0]).exists()


def _unavailable() -> ArchiveUnavailable:
    return ArchiveUnavailable(
        "The load archive cannot be read. Retry later; the log of the service has the cause.",
        retry_after=_RETRY_SECONDS,
    )


def _refusal(refused: Refused) -> ArchiveUnavailable:
    detail = (
        "The load archive is busy: as many requests read it as this worker allows. Retry later."
        if refused.reason == "busy"
        else "The load archive does not answer. The service tries to reach it every few seconds. Retry later."
    )
    return ArchiveUnavailable(detail, retry_after=refused.retry_after)

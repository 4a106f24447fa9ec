"""Reads the load archive: samples of a range of time, at the width that is asked for."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Engine, Table, inspect, select
from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError

from slurm_rest_api.archive.aggregate import Weighted, aggregate
from slurm_rest_api.archive.sample import Sample, slot_of
from slurm_rest_api.archive.tables import LEVELS, RAW, read
from slurm_rest_api.archive.time_range import Window
from slurm_rest_api.errors import ArchiveUnavailable

logger = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 10
_PAGE: Final = 500


class StoredSample(NamedTuple):
    """A row as it lies in the archive; `body` is packed."""

    time: int
    weight: int
    body: bytes


class ComputedSample(NamedTuple):
    """A sample that had to be made of several rows."""

    time: int
    weight: int
    sample: Sample


Project = Callable[[Sample], Sample]
"""What of a sample to reckon with; `time` and `partitions` have to be in it."""


class ArchiveReader:
    """The reading side of the archive behind `engine`. An archive that nobody has written to yet is empty."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def samples(self, window: Window, most: int) -> list[StoredSample]:
        """The samples of a window as they were taken, oldest first, at most `most`.

        Raises:
            ArchiveUnavailable: the archive cannot be read.
        """
        rows = self._rows(RAW, window.since, window.until, most, newest=window.newest)
        return rows[::-1] if window.newest else rows

    def steps(
        self, window: Window, most: int, keep: Project = lambda sample: sample
    ) -> list[StoredSample | ComputedSample]:
        """The samples of a window, each of `window.step` seconds, oldest first, at most `most`.

        Those that lie there at this width come as they are, others are made of what `keep` leaves.

        Raises:
            ArchiveUnavailable: the archive cannot be read.
        """
        step = window.step
        levels = [width for width in LEVELS if step % width == 0]
        rows = self._level(levels, window.since, window.until)
        grouped = itertools.groupby(rows, key=lambda row: slot_of(row[1].time, step))
        found = [_one(slot, step, list(group), keep) for slot, group in itertools.islice(grouped, most)]
        return found[-1:] if window.newest else found

    def _level(self, levels: list[int], since: int, until: int) -> Iterator[tuple[int, StoredSample]]:
        """The rows of the widest of `levels`, and from those below what it does not have yet; each with its width."""
        if not levels:
            yield from ((0, row) for row in self._pages(RAW, since, until))
            return
        *narrower, width = levels
        after = slot_of(since, width)
        for row in self._pages(LEVELS[width], after, until):
            after = row.time + width
            yield width, row
        if after < until:
            yield from self._level(narrower, max(after, since), until)

    def _pages(self, table: Table, since: int, until: int) -> Iterator[StoredSample]:
        """Row after row: where nobody was there to store anything, no end of the range is known beforehand."""
        while since < until:
            rows = self._rows(table, since, until, _PAGE)
            yield from rows
            if len(rows) < _PAGE:
                return
            since = rows[-1].time + 1

    def _rows(self, table: Table, since: int, until: int, most: int, *, newest: bool = False) -> list[StoredSample]:
        order = table.c.time.desc() if newest else table.c.time
        query = (
            select(table.c.time, table.c.weight, table.c.body)
            .where(table.c.time >= since, table.c.time < until)
            .order_by(order)
            .limit(1 if newest else most)
        )
        try:
            with self._engine.connect() as connection:
                return [StoredSample(*row) for row in connection.execute(query)]
        except (OperationalError, ProgrammingError) as error:
            if self._is_unwritten(table):
                return []
            raise _unavailable(error) from error
        except SQLAlchemyError as error:
            raise _unavailable(error) from error

    def _is_unwritten(self, table: Table) -> bool:
        """Whether the table, or the whole SQLite file, is not there yet."""
        database = self._engine.url.database or ""
        try:
            return not inspect(self._engine).has_table(table.name)
        except SQLAlchemyError:
            return self._engine.dialect.name == "sqlite" and not _exists(database)


def _one(slot: int, step: int, group: list[tuple[int, StoredSample]], keep: Project) -> StoredSample | ComputedSample:
    width, row = group[0]
    if width == step:
        return row
    made = aggregate(slot, [Weighted(keep(read(row.body)), row.weight) for _, row in group])
    return ComputedSample(slot, made.weight, made.sample)


def _exists(uri: str) -> bool:
    return Path(uri.removeprefix("file:").partition("?")[0]).exists()


def _unavailable(error: SQLAlchemyError) -> ArchiveUnavailable:
    logger.error("The load archive cannot be read: %s", getattr(error, "orig", None) or error)
    return ArchiveUnavailable(
        "The load archive cannot be read just now; the log of the service says why.", retry_after=_RETRY_SECONDS
    )

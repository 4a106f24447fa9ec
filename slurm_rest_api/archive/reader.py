"""Reads the load archive: samples of a range of time, at the width that is asked for."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Engine, Table, inspect, select
from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError

from slurm_rest_api.archive.aggregate import Weighted, aggregate
from slurm_rest_api.archive.sample import slot_of
from slurm_rest_api.archive.tables import LEVELS, RAW, pack, read
from slurm_rest_api.archive.window import Window
from slurm_rest_api.errors import ArchiveUnavailable

logger = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 10


class Stored(NamedTuple):
    """A sample as it lies in the archive; `body` is packed."""

    time: int
    weight: int
    body: bytes


class ArchiveReader:
    """The reading side of the archive behind `engine`. An archive that nobody has written to yet is empty."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def samples(self, window: Window, most: int) -> list[Stored]:
        """The samples of a window, oldest first, at most `most`.

        Those of the width of a level are as they were stored, but for the last, which may not be over yet; others are
        made now.

        Raises:
            ArchiveUnavailable: the archive cannot be read.
        """
        step = window.step
        if step == 0:
            rows = self._rows(RAW, window.since, window.until, most, newest=window.newest)
            return rows[::-1] if window.newest else rows
        first = slot_of(window.since, step)
        until = min(window.until, first + step * most)
        stored = self._rows(LEVELS[step], first, until) if step in LEVELS else []
        rest = stored[-1].time + step if stored else window.since
        narrower = [width for width in LEVELS if step % width == 0 and width < step]
        parts = self._level(narrower, rest, until)
        made = itertools.groupby(parts, key=lambda part: slot_of(part.sample["time"], step))
        found = [*stored, *(_packed(aggregate(slot, list(group))) for slot, group in made)]
        return found[-1:] if window.newest else found

    def _level(self, levels: list[int], since: int, until: int) -> Iterator[Weighted]:
        """The rows of the widest of `levels`, and from those below what it does not have yet."""
        if not levels:
            for row in self._rows(RAW, since, until):
                yield Weighted(read(row.body), row.weight)
            return
        *narrower, width = levels
        after = slot_of(since, width)
        for row in self._rows(LEVELS[width], after, until):
            after = row.time + width
            yield Weighted(read(row.body), row.weight)
        if after < until:
            yield from self._level(narrower, max(after, since), until)

    def _rows(
        self, table: Table, since: int, until: int, most: int | None = None, *, newest: bool = False
    ) -> list[Stored]:
        order = table.c.time.desc() if newest else table.c.time
        query = (
            select(table.c.time, table.c.weight, table.c.body)
            .where(table.c.time >= since, table.c.time < until)
            .order_by(order)
            .limit(1 if newest else most)
        )
        try:
            with self._engine.connect() as connection:
                return [Stored(*row) for row in connection.execute(query)]
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


def _packed(made: Weighted) -> Stored:
    return Stored(made.sample["time"], made.weight, pack(made.sample))


def _exists(uri: str) -> bool:
    return Path(uri.removeprefix("file:").partition("?")[0]).exists()


def _unavailable(error: SQLAlchemyError) -> ArchiveUnavailable:
    logger.error("The load archive cannot be read: %s", getattr(error, "orig", None) or error)
    return ArchiveUnavailable(
        "The load archive cannot be read just now; the log of the service says why.", retry_after=_RETRY_SECONDS
    )

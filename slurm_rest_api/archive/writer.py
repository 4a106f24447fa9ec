"""Writes the load archive: one sample per slot, and the rollups that are kept for longer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine, Table, delete, insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from slurm_rest_api.archive.aggregate import Weighted
from slurm_rest_api.archive.engine import is_server
from slurm_rest_api.archive.rollups import (
    ROLLUP_SOURCES,
    append_rollups,
    complete_until,
    newest_of,
    rebuild_rollups,
    row_of,
)
from slurm_rest_api.archive.sample import Sample, slot_of
from slurm_rest_api.archive.tables import LEVELS, RAW, metadata
from slurm_rest_api.errors import ArchiveError

_ROWS_PER_DELETE: Final = 500
_ROWS_PER_QUERY: Final = 1000
_ROLLUPS_PER_TRANSACTION: Final = 500
_ATTEMPTS: Final = 5
_NARROWEST_WIDTH: Final = min(LEVELS)

_ADVICE: Final[Mapping[str, str]] = {
    "SQLITE_FULL": "Free space on its disk.",
    "SQLITE_READONLY_DBMOVED": "It was deleted or replaced meanwhile. The next attempt opens the new file.",
    "SQLITE_READONLY": "Give the service's user write access to the file and its folder.",
    "SQLITE_CANTOPEN": "Give the service's user write access to the file and its folder.",
    "SQLITE_CORRUPT": "Restore the file from a backup, or delete it to begin a new one.",
    "SQLITE_IOERR": "Check its disk.",
}
"""What an administrator can do, by SQLite's error code (https://www.sqlite.org/rescode.html)."""

Result = TypeVar("Result")


class _Conflict(Exception):
    """Another host stored the same rows at the same time. The transaction was rolled back."""


class ArchiveWriter:
    """Writing side of the archive in the database of `engine`. More than one host may write to it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tables_exist = False

    def add(self, sample: Sample) -> bool:
        """Stores one sample. Returns False if its slot already has one, for example from another host.

        Raises:
            ArchiveError: it could not be stored.
        """
        try:
            late = self._transaction(partial(_insert_one, sample))
        except _Conflict:
            return False
        if late:
            # The clock was set back, or another host was ahead.
            self.rebuild([sample["time"]])
        return True

    def add_past(self, samples: Sequence[Sample]) -> int:
        """Stores the samples whose slots are free in one transaction. Returns how many it stored.

        The caller has to call `rebuild()` for their slots.

        Raises:
            ArchiveError: none of them could be stored.
        """
        return self._retry_on_conflict(partial(_insert_free, {sample["time"]: sample for sample in samples}))

    def roll_up(self, until: int, most: int) -> int:
        """Appends up to `most` rollups to all levels, for slots that ended by `until`.

        Returns how many it tried to append, 0 if none is missing. Another host may have appended some of them.

        Raises:
            ArchiveError: the archive cannot be read or written.
        """
        tried = 0
        for width, source in ROLLUP_SOURCES:
            left = most - tried
            try:
                tried += self._transaction(partial(append_rollups, width=width, source=source, until=until, most=left))
            except _Conflict:
                # This level may be incomplete, so the levels above it are left to the next call.
                return most
        return tried

    def rebuild(self, slots: Iterable[int]) -> None:
        """Rebuilds and appends rollups after samples of `slots` were stored late, or many at once.

        Raises:
            ArchiveError: the archive cannot be read or written.
        """
        slots = list(slots)
        if not slots:
            return
        for width, source in ROLLUP_SOURCES:
            self._retry_on_conflict(partial(rebuild_rollups, width=width, source=source, slots=slots))
        while self.roll_up(max(slots), _ROLLUPS_PER_TRANSACTION):
            pass

    def prune(self, table: Table, before: int) -> int:
        """Deletes at most `_ROWS_PER_DELETE` of the oldest rows before the epoch second `before`. Returns how many.

        Rows that are not part of a rollup yet are kept.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        with self._begin() as connection:
            before = min(before, complete_until(connection, table) or 0)
            oldest = select(table.c.time).where(table.c.time < before).order_by(table.c.time).limit(_ROWS_PER_DELETE)
            slots = connection.execute(oldest).scalars().all()
            if slots:
                connection.execute(delete(table).where(table.c.time <= slots[-1]))
        return len(slots)

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    def _retry_on_conflict(self, work: Callable[[Connection], Result]) -> Result:
        for _ in range(_ATTEMPTS):
            try:
                return self._transaction(work)
            except _Conflict:
                continue
        raise ArchiveError(
            f"The load archive cannot be written: {_ATTEMPTS} conflicts with other hosts. They write the same samples."
        )

    def _transaction(self, work: Callable[[Connection], Result]) -> Result:
        """Runs `work` in one transaction and returns its result.

        Raises:
            _Conflict: another host stored the same rows meanwhile.
            ArchiveError: the archive cannot be written.
        """
        try:
            with self._begin() as connection:
                return work(connection)
        except IntegrityError as error:
            raise _Conflict from error

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        self._create_tables()
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            self._tables_exist = False
            raise _unwritable(error) from error

    def _create_tables(self) -> None:
        # A file may have been deleted since the last transaction, or replaced by one of an earlier release.
        if self._tables_exist and is_server(self._engine):
            return
        try:
            metadata.create_all(self._engine)
        except SQLAlchemyError:
            # If two hosts create the tables at the same time, one fails and finds them at its second attempt.
            try:
                metadata.create_all(self._engine)
            except SQLAlchemyError as error:
                raise _unwritable(error) from error
        self._tables_exist = True


def _insert_one(sample: Sample, connection: Connection) -> bool:
    """Stores a sample. Returns True if it is late: its slot already has a rollup without it."""
    connection.execute(insert(RAW), [row_of(Weighted(sample, 1))])
    newest = newest_of(connection, LEVELS[_NARROWEST_WIDTH])
    return newest is not None and slot_of(sample["time"], _NARROWEST_WIDTH) <= newest


def _insert_free(by_slot: Mapping[int, Sample], connection: Connection) -> int:
    slots = list(by_slot)
    stored = 0
    for first in range(0, len(slots), _ROWS_PER_QUERY):
        part = slots[first : first + _ROWS_PER_QUERY]
        occupied = set(connection.execute(select(RAW.c.time).where(RAW.c.time.in_(part))).scalars())
        rows = [row_of(Weighted(by_slot[slot], 1)) for slot in part if slot not in occupied]
        if rows:
            connection.execute(insert(RAW), rows)
        stored += len(rows)
    return stored


def _unwritable(error: SQLAlchemyError) -> ArchiveError:
    """Returns the error with the message of the database. SQLAlchemy's message would repeat the statement."""
    cause = getattr(error, "orig", None) or error
    code = str(getattr(cause, "sqlite_errorname", ""))
    # An extended code has a third word.
    advice = _ADVICE.get(code) or _ADVICE.get("_".join(code.split("_")[:2]))
    message = f"The load archive cannot be written: {str(cause).strip().rstrip('.')}."
    return ArchiveError(message if advice is None else f"{message} {advice}")

"""Writes the load archive: samples once each, whoever writes them, and what is made of them for long keeping."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

from sqlalchemy import Connection, Engine, Table, delete, insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from slurm_rest_api.archive.aggregate import Weighted
from slurm_rest_api.archive.rollups import STEPS, made_until, newest_of, renew_level, roll_level, row_of
from slurm_rest_api.archive.sample import Sample, slot_of
from slurm_rest_api.archive.tables import LEVELS, RAW, metadata
from slurm_rest_api.errors import ArchiveError

_ROWS_A_DELETE: Final = 500
_ROWS_A_QUERY: Final = 1000
_STEPS_A_TRANSACTION: Final = 500
_TRIES: Final = 5
_NARROWEST: Final = min(LEVELS)


class ArchiveStore:
    """The writing side of the archive behind `engine`; several hosts may write to one."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made = False

    def add(self, sample: Sample) -> bool:
        """Store one sample; False when its slot has one already, perhaps from another host.

        Raises:
            ArchiveError: it could not be stored.
        """
        late = self._unless_beaten(partial(_insert_one, sample))
        if late:
            # The clock was set back, or another host was ahead.
            self.renew([sample["time"]])
        return late is not None

    def add_past(self, samples: Sequence[Sample]) -> int:
        """Store many samples at once, those whose slots are free; returns how many that were.

        What is made of them (`renew`) is the caller's to make.

        Raises:
            ArchiveError: none of them could be stored.
        """
        return self._insist(partial(_insert_free, {sample["time"]: sample for sample in samples}))

    def roll_up(self, until: int, most: int) -> int:
        """Make up to `most` of the missing samples of the wider levels, of slots that ended by the second `until`.

        Each is made once, from the level below; 0 when nothing is left to do, else how many were tried: another host
        may have made the same ones.

        Raises:
            ArchiveError: the archive cannot be read or written.
        """
        tried = 0
        for width, source in STEPS:
            left = most - tried
            work = partial(roll_level, width=width, source=source, until=until, most=left)
            made = self._unless_beaten(work)
            # Nothing is made of a level that may not be complete.
            tried += left if made is None else made
        return tried

    def renew(self, slots: Iterable[int]) -> None:
        """Bring the wider levels up to date after samples of these slots were added late, or many at once.

        Raises:
            ArchiveError: the archive cannot be read or written.
        """
        slots = list(slots)
        if not slots:
            return
        for width, source in STEPS:
            self._insist(partial(renew_level, width=width, source=source, slots=slots))
        while self.roll_up(max(slots), _STEPS_A_TRANSACTION):
            pass

    def prune(self, table: Table, before: int) -> int:
        """Delete at most a few hundred of the oldest rows that are older than the second `before`; how many it were.

        Rows that the wider level was not made from yet are kept.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        with self._begin() as connection:
            before = min(before, made_until(connection, table) or 0)
            oldest = select(table.c.time).where(table.c.time < before).order_by(table.c.time).limit(_ROWS_A_DELETE)
            slots = connection.execute(oldest).scalars().all()
            if slots:
                connection.execute(delete(table).where(table.c.time <= slots[-1]))
        return len(slots)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _insist(self, work: Callable[[Connection], int]) -> int:
        for _ in range(_TRIES):
            done = self._unless_beaten(work)
            if done is not None:
                return done
        raise ArchiveError("The load archive cannot be written: others write the same samples at the same time.")

    def _unless_beaten(self, work: Callable[[Connection], int]) -> int | None:
        """What `work` gives in one transaction; None, and nothing done, when another host stored the same meanwhile."""
        try:
            with self._begin() as connection:
                return work(connection)
        except IntegrityError:
            return None

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        self._make_tables()
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            self._made = False
            raise _unwritable(error) from error

    def _make_tables(self) -> None:
        if self._made:
            return
        try:
            metadata.create_all(self._engine)
        except SQLAlchemyError:
            # Of two hosts that make them at the same time one fails, and finds them when it looks again.
            try:
                metadata.create_all(self._engine)
            except SQLAlchemyError as error:
                raise _unwritable(error) from error
        self._made = True


def _insert_one(sample: Sample, connection: Connection) -> int:
    """Whether wider samples were made without it."""
    connection.execute(insert(RAW), [row_of(Weighted(sample, 1))])
    newest = newest_of(connection, LEVELS[_NARROWEST])
    return int(newest is not None and slot_of(sample["time"], _NARROWEST) <= newest)


def _insert_free(by_slot: Mapping[int, Sample], connection: Connection) -> int:
    slots = list(by_slot)
    stored = 0
    for first in range(0, len(slots), _ROWS_A_QUERY):
        part = slots[first : first + _ROWS_A_QUERY]
        taken = set(connection.execute(select(RAW.c.time).where(RAW.c.time.in_(part))).scalars())
        rows = [row_of(Weighted(by_slot[slot], 1)) for slot in part if slot not in taken]
        if rows:
            connection.execute(insert(RAW), rows)
        stored += len(rows)
    return stored


def _unwritable(error: SQLAlchemyError) -> ArchiveError:
    """With the database's own words; SQLAlchemy's would repeat the statement."""
    reason = str(getattr(error, "orig", None) or error).strip().rstrip(".")
    return ArchiveError(f"The load archive cannot be written: {reason}.")

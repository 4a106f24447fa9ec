"""Writes the load archive: samples once each, whoever writes them, and what is made of them for long keeping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, Engine, Table, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from slurm_rest_api.archive.aggregate import Weighted, aggregate
from slurm_rest_api.archive.sample import Sample, slot_of
from slurm_rest_api.archive.tables import LEVELS, RAW, metadata, pack, read
from slurm_rest_api.errors import ArchiveError

_ROWS_A_DELETE: Final = 500


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
        try:
            with self._begin() as connection:
                connection.execute(insert(RAW), [_row(Weighted(sample, 1))])
        except IntegrityError:
            return False
        return True

    def add_past(self, samples: Sequence[Sample]) -> int:
        """Store many samples at once, those whose slots are free; returns how many that were.

        What is made of them (`renew`) is the caller's to make.

        Raises:
            ArchiveError: none of them could be stored.
        """
        by_slot = {sample["time"]: sample for sample in samples}
        with self._begin() as connection:
            taken = set(connection.execute(select(RAW.c.time).where(RAW.c.time.in_(by_slot))).scalars())
            rows = [_row(Weighted(sample, 1)) for slot, sample in by_slot.items() if slot not in taken]
            if rows:
                connection.execute(insert(RAW), rows)
        return len(rows)

    def roll_up(self, until: int, most: int) -> int:
        """Make up to `most` of the missing samples of the wider levels, of slots that ended by the second `until`.

        Each is made once, from the level below; returns how many were made, 0 when nothing is left to do.

        Raises:
            ArchiveError: the archive cannot be read or written.
        """
        made = 0
        for width, source in _steps():
            while made < most and self._roll_next(width, source, until):
                made += 1
        return made

    def renew(self, slots: Iterable[int]) -> None:
        """Make the samples of the wider levels anew that stand for samples of these slots, which were added late.

        Raises:
            ArchiveError: the archive cannot be read or written.
        """
        slots = list(slots)
        for width, source in _steps():
            with self._begin() as connection:
                for slot in sorted({slot_of(slot, width) for slot in slots}):
                    _make(connection, width, source, slot)

    def prune(self, table: Table, before: int) -> int:
        """Delete at most a few hundred of the oldest rows that are older than the second `before`; how many it were.

        Raises:
            ArchiveError: the archive cannot be written.
        """
        with self._begin() as connection:
            oldest = select(table.c.time).where(table.c.time < before).order_by(table.c.time).limit(_ROWS_A_DELETE)
            slots = connection.execute(oldest).scalars().all()
            if slots:
                connection.execute(delete(table).where(table.c.time <= slots[-1]))
        return len(slots)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _roll_next(self, width: int, source: Table, until: int) -> bool:
        """Make the oldest missing sample of a level, if its slot is over."""
        try:
            return self._make_oldest(width, source, until)
        except IntegrityError:
            # Another host made the very same one meanwhile.
            return True

    def _make_oldest(self, width: int, source: Table, until: int) -> bool:
        target = LEVELS[width]
        with self._begin() as connection:
            newest = connection.execute(select(func.max(target.c.time))).scalar()
            oldest = select(func.min(source.c.time))
            if newest is not None:
                oldest = oldest.where(source.c.time >= newest + width)
            first = connection.execute(oldest).scalar()
            if first is None or slot_of(first, width) + width > until:
                return False
            _make(connection, width, source, slot_of(first, width))
        return True

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        try:
            if not self._made:
                metadata.create_all(self._engine)
                self._made = True
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            self._made = False
            raise ArchiveError(f"The load archive cannot be written: {_reason(error)}") from error


def _steps() -> Iterable[tuple[int, Table]]:
    """Each wider level with the table that it is made from: the one below it."""
    sources = [RAW, *LEVELS.values()]
    return zip(LEVELS, sources, strict=False)


def _make(connection: Connection, width: int, source: Table, slot: int) -> None:
    """Store the sample of a slot of a wider level, in place of the one that it may have."""
    rows = connection.execute(
        select(source.c.body, source.c.weight)
        .where(source.c.time >= slot, source.c.time < slot + width)
        .order_by(source.c.time)
    ).all()
    if not rows:
        return
    target = LEVELS[width]
    made = _row(aggregate(slot, [Weighted(read(body), weight) for body, weight in rows]))
    present = connection.execute(select(target.c.time).where(target.c.time == slot)).scalar()
    # Not DELETE and INSERT: locks on what is not there let two hosts wait for each other.
    if present is None:
        connection.execute(insert(target), [made])
    else:
        connection.execute(update(target).where(target.c.time == slot), made)


def _row(part: Weighted) -> dict[str, object]:
    return {"time": part.sample["time"], "weight": part.weight, "body": pack(part.sample)}


def _reason(error: SQLAlchemyError) -> str:
    """The database's own words; SQLAlchemy's would repeat the statement."""
    return str(getattr(error, "orig", None) or error)

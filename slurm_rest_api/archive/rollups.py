"""Makes the wider samples of the load archive: each level from the one below it, in a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, Table, func, insert, select, update

from slurm_rest_api.archive.aggregate import Weighted, aggregate
from slurm_rest_api.archive.sample import slot_of
from slurm_rest_api.archive.tables import LEVELS, RAW, pack, read

STEPS: Final = tuple(zip(LEVELS, [RAW, *LEVELS.values()], strict=False))
"""Each width with the table that its samples are made from, the narrowest first."""

_MADE_FROM: Final = {source.name: width for width, source in STEPS}


def roll_level(connection: Connection, width: int, source: Table, until: int, most: int) -> int:
    """Make up to `most` samples of a level that it lacks after its newest one, of slots that ended by `until`.

    The level below has to be complete up to there. Returns how many were made.
    """
    newest = newest_of(connection, LEVELS[width])
    made = 0
    while made < most:
        oldest = select(func.min(source.c.time))
        if newest is not None:
            oldest = oldest.where(source.c.time >= newest + width)
        first = connection.execute(oldest).scalar()
        if first is None or slot_of(first, width) + width > until:
            break
        newest = slot_of(first, width)
        _make(connection, width, source, newest)
        made += 1
    return made


def renew_level(connection: Connection, width: int, source: Table, slots: Iterable[int]) -> int:
    """Make those samples of a level anew that samples of these slots came too late for; how many it were.

    What follows the newest one of the level is left to `roll_level`, which makes it when its time is over.
    """
    newest = newest_of(connection, LEVELS[width])
    late = sorted({wide for slot in slots if newest is not None and (wide := slot_of(slot, width)) <= newest})
    for slot in late:
        _make(connection, width, source, slot)
    return len(late)


def newest_of(connection: Connection, table: Table) -> int | None:
    """The newest slot in a table; None when it is empty."""
    newest: int | None = connection.execute(select(func.max(table.c.time))).scalar()
    return newest


def made_until(connection: Connection, source: Table) -> int | None:
    """The second up to which the level above `source` is complete; None when it has nothing yet."""
    width = _MADE_FROM[source.name]
    newest = newest_of(connection, LEVELS[width])
    return None if newest is None else newest + width


def row_of(part: Weighted) -> dict[str, object]:
    """A sample as a row of its table."""
    return {"time": part.sample["time"], "weight": part.weight, "body": pack(part.sample)}


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
    made = row_of(aggregate(slot, [Weighted(read(body), weight) for body, weight in rows]))
    present = connection.execute(select(target.c.time).where(target.c.time == slot)).scalar()
    # Not DELETE and INSERT: locks on what is not there let two hosts wait for each other.
    if present is None:
        connection.execute(insert(target), [made])
    else:
        connection.execute(update(target).where(target.c.time == slot), made)

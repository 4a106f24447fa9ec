"""Writes the rollups of the load archive: each level is aggregated from the level below it.

All functions run in a transaction of the caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, Table, func, insert, select, update

from slurm_rest_api.archive.aggregate import Weighted, aggregate
from slurm_rest_api.archive.sample import slot_of
from slurm_rest_api.archive.tables import LEVELS, RAW, pack, read

ROLLUP_SOURCES: Final = tuple(zip(LEVELS, [RAW, *LEVELS.values()], strict=False))
"""Each width with the table that its rollups are aggregated from, narrowest first."""

_WIDTH_MADE_FROM: Final = {source.name: width for width, source in ROLLUP_SOURCES}


def append_rollups(connection: Connection, width: int, source: Table, until: int, most: int) -> int:
    """Appends up to `most` rollups to a level, for slots that ended by `until`. Returns how many it appended.

    The level below has to be complete up to `until`.
    """
    newest = newest_of(connection, LEVELS[width])
    appended = 0
    while appended < most:
        oldest = select(func.min(source.c.time))
        if newest is not None:
            oldest = oldest.where(source.c.time >= newest + width)
        first = connection.execute(oldest).scalar()
        if first is None or slot_of(first, width) + width > until:
            break
        newest = slot_of(first, width)
        _write_rollup(connection, width, source, newest)
        appended += 1
    return appended


def rebuild_rollups(connection: Connection, width: int, source: Table, slots: Iterable[int]) -> int:
    """Recomputes the rollups of a level for samples of `slots` that were stored late. Returns how many it rebuilt.

    Slots after the newest rollup are left to `append_rollups`.
    """
    newest = newest_of(connection, LEVELS[width])
    late = sorted({wide for slot in slots if newest is not None and (wide := slot_of(slot, width)) <= newest})
    for slot in late:
        _write_rollup(connection, width, source, slot)
    return len(late)


def newest_of(connection: Connection, table: Table) -> int | None:
    """Returns the newest slot in a table. None if it is empty."""
    newest: int | None = connection.execute(select(func.max(table.c.time))).scalar()
    return newest


def complete_until(connection: Connection, source: Table) -> int | None:
    """Returns the second up to which the level above `source` is complete. None if it is empty."""
    width = _WIDTH_MADE_FROM[source.name]
    newest = newest_of(connection, LEVELS[width])
    return None if newest is None else newest + width


def row_of(part: Weighted) -> dict[str, object]:
    """Returns a sample as a row of its table."""
    return {"time": part.sample["time"], "weight": part.weight, "body": pack(part.sample)}


def _write_rollup(connection: Connection, width: int, source: Table, slot: int) -> None:
    """Aggregates the rows of a slot and stores the rollup. Replaces the one that the slot may have."""
    rows = connection.execute(
        select(source.c.body, source.c.weight)
        .where(source.c.time >= slot, source.c.time < slot + width)
        .order_by(source.c.time)
    ).all()
    if not rows:
        return
    target = LEVELS[width]
    rollup = row_of(aggregate(slot, [Weighted(read(body), weight) for body, weight in rows]))
    existing = connection.execute(select(target.c.time).where(target.c.time == slot)).scalar()
    # Not DELETE and INSERT: with locks on missing rows two hosts can deadlock.
    if existing is None:
        connection.execute(insert(target), [rollup])
    else:
        connection.execute(update(target).where(target.c.time == slot), rollup)

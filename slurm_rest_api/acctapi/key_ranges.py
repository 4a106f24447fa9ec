"""Points in time to bounds of the job table's primary key, which no index on a time can replace.

Keys are in the order in which records were made. Since Slurm 24.11 a key has that moment inside (SLUID: cluster id in
12 bits, milliseconds in 42, a sequence in 10; `src/common/sluid.c`); older ones count up, so that a search by halves
finds the place. Every bound is a little too wide, never too narrow: records may arrive late, clocks differ, and SLUIDs
count TAI seconds, which are 37 ahead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Table, func, select

from slurm_rest_api.acctapi.filters import Filters
from slurm_rest_api.acctapi.sql import KeyRange
from slurm_rest_api.slurm.sentinels import NO_VAL

_SLACK_SECONDS: Final = 300
_ROUND_SECONDS: Final = 3600
_LIFETIME_SECONDS: Final = 600.0
_FIELD_SHIFT: Final = 52
_SEQUENCE_BITS: Final = 10


class KeyRangeFinder:
    """Finds and remembers the bounds of one job table. Times are epoch seconds, rounded to the hour that is safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._cached: dict[tuple[str, int], tuple[float, int | None]] = {}

    def key_range(self, connection: Connection, job: Table, filters: Filters) -> KeyRange:
        """The keys in which everything lies that meets the times of `filters`.

        A job is recorded after it was submitted and before it starts or ends, so a bound below follows from
        `submit_after` alone, and one above from the times before which it started or ended.
        """
        ended = min(filter(None, (filters.start_before, filters.end_before)), default=None)
        return KeyRange(
            lower=self._bound(connection, job, "lower", filters.submit_after),
            upper=self._bound(connection, job, "upper", ended),
            submitted_below=self._bound(connection, job, "upper", filters.submit_before),
        )

    def forget(self) -> None:
        """Forget all bounds: the tables may be others now."""
        self._cached.clear()

    def _bound(self, connection: Connection, job: Table, side: str, moment: int | None) -> int | None:
        if moment is None:
            return None
        hour = moment // _ROUND_SECONDS + (1 if side == "upper" else 0)
        cached = self._cached.get((side, hour))
        if cached is not None and cached[0] > self._clock():
            return cached[1]
        find = _upper if side == "upper" else _lower
        found = find(connection, job, hour * _ROUND_SECONDS)
        if len(self._cached) >= 1000:
            self._cached.clear()
        self._cached[side, hour] = (self._clock() + _LIFETIME_SECONDS, found)
        return found


class _Keys(NamedTuple):
    """The keys of a table: counted ones from `first` up to `end`, and from there on SLUIDs, if it has any."""

    first: int
    end: int
    field: int
    oldest_sluid_seconds: float | None

    def sluid(self, seconds: float) -> int:
        return (self.field << _FIELD_SHIFT) | (int(seconds * 1000) << _SEQUENCE_BITS)


def _lower(connection: Connection, job: Table, moment: int) -> int | None:
    """A key below which no record was made at `moment` or later."""
    keys = _keys(connection, job)
    if keys is None:
        return None
    target = moment - _SLACK_SECONDS
    if keys.oldest_sluid_seconds is not None and target >= keys.oldest_sluid_seconds:
        return keys.sluid(target)
    return _first_inserted(connection, job, keys, target, _latest_insert_time)


def _upper(connection: Connection, job: Table, moment: int) -> int | None:
    """A key from which on every record was made after `moment`."""
    keys = _keys(connection, job)
    if keys is None:
        return None
    target = moment + _SLACK_SECONDS
    if keys.oldest_sluid_seconds is not None and target >= keys.oldest_sluid_seconds:
        return keys.sluid(target)
    found = _first_inserted(connection, job, keys, target, _earliest_insert_time)
    # At the end of a table that counts up, the next record will have that very key.
    return None if found >= keys.end and keys.oldest_sluid_seconds is None else found


def _keys(connection: Connection, job: Table) -> _Keys | None:
    key = job.c.job_db_inx
    first, last = connection.execute(select(func.min(key), func.max(key))).one()
    if last is None:
        return None
    field = last >> _FIELD_SHIFT
    if field == 0:
        return _Keys(first, last + 1, 0, None)
    oldest = connection.execute(select(func.min(key)).where(key >= field << _FIELD_SHIFT)).scalar_one()
    milliseconds = (oldest & ((1 << _FIELD_SHIFT) - 1)) >> _SEQUENCE_BITS
    return _Keys(first, field << _FIELD_SHIFT, field, milliseconds / 1000)


def _first_inserted(
    connection: Connection, job: Table, keys: _Keys, target: float, insert_time: Callable[[Any], int]
) -> int:
    """The first counted key whose record was made at `target` or later, by halves; `keys.end` when none was."""
    low, high = keys.first, keys.end
    columns = (job.c.job_db_inx, job.c.id_array_job, job.c.id_array_task, job.c.time_submit, job.c.time_start)
    while low < high:
        middle = (low + high) // 2
        probe = (
            select(*columns, job.c.time_end)
            .where(job.c.job_db_inx >= middle, job.c.job_db_inx < high)
            .order_by(job.c.job_db_inx)
            .limit(1)
        )
        row = connection.execute(probe).one_or_none()
        if row is None or insert_time(row) >= target:
            high = middle
        else:
            low = row.job_db_inx + 1
    return low


def _earliest_insert_time(row: Any) -> int:
    submitted: int = row.time_submit
    return submitted


def _latest_insert_time(row: Any) -> int:
    """A task of an array gets its record when it starts, or ends without having started."""
    if row.id_array_job and row.id_array_task < NO_VAL:
        started: int = row.time_start or row.time_end
        return max(_earliest_insert_time(row), started)
    return _earliest_insert_time(row)

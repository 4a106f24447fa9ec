"""Finds bounds of the job table's primary key for times.

With them a query reads only part of the table.

Keys are in the order in which records were inserted. Since Slurm 24.11 a key contains that time (SLUID: cluster id in
12 bits, milliseconds in 42, a sequence in 10, see `src/common/sluid.c`). Older keys count up and need a binary search.
Bounds are wider than exact by five minutes: records may arrive late, clocks differ, and SLUIDs count TAI seconds, which
are 37 ahead.
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
    """Finds and caches the bounds of one job table. Times are epoch seconds, rounded outwards to whole hours."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._cached: dict[tuple[str, int], tuple[float, int | None]] = {}

    def key_range(self, connection: Connection, job: Table, filters: Filters) -> KeyRange:
        """Returns the range of keys that contains every record within the times of `filters`.

        A record is inserted after its job was submitted and before it starts or ends. So only `submit_after` gives a
        lower bound, and `start_before` and `end_before` give an upper one.
        """
        ended = min(filter(None, (filters.start_before, filters.end_before)), default=None)
        begin = filters.start_after if filters.end_after is None else filters.end_after
        return KeyRange(
            lower=self._bound(connection, job, "lower", filters.submit_after),
            upper=self._bound(connection, job, "upper", ended),
            submitted_below=self._bound(connection, job, "upper", filters.submit_before),
            begun=self._bound(connection, job, "lower", begin),
        )

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
    """Keys of a table: counted keys from `first` up to but not including `end`, then SLUIDs if it has any."""

    first: int
    end: int
    field: int
    oldest_sluid_seconds: float | None

    def sluid(self, seconds: float) -> int:
        return (self.field << _FIELD_SHIFT) | (int(seconds * 1000) << _SEQUENCE_BITS)


def _lower(connection: Connection, job: Table, moment: int) -> int | None:
    """Returns a key below which no record was inserted at `moment` or later. None for an empty table."""
    keys = _keys(connection, job)
    if keys is None:
        return None
    target = moment - _SLACK_SECONDS
    if keys.oldest_sluid_seconds is not None and target >= keys.oldest_sluid_seconds:
        return keys.sluid(target)
    return _first_inserted(connection, job, keys, target, _latest_insert_time)


def _upper(connection: Connection, job: Table, moment: int) -> int | None:
    """Returns a key from which on every record was inserted after `moment`. None if there is no such key."""
    keys = _keys(connection, job)
    if keys is None:
        return None
    target = moment + _SLACK_SECONDS
    if keys.oldest_sluid_seconds is not None and target >= keys.oldest_sluid_seconds:
        return keys.sluid(target)
    found = _first_inserted(connection, job, keys, target, _earliest_insert_time)
    # In a table with counted keys, the next record will have the key `end`.
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
    """Finds the first counted key of a record inserted at `target` or later. `keys.end` if there is none."""
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
    """Returns the submit time. An array task gets its record when it starts, or ends without having started."""
    if row.id_array_job and row.id_array_task < NO_VAL:
        started: int = row.time_start or row.time_end
        return max(_earliest_insert_time(row), started)
    return _earliest_insert_time(row)

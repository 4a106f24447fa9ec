"""Offsets of the service's time zone from UTC, with which SQL computes local days. A database has its own time zone."""

from __future__ import annotations

import functools
import itertools
import time
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

_OLDEST: Final = 1_000_000_000
"""No record is older: September 2001. Slurm's first release was in 2002."""
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_STEP_SECONDS: Final = 7 * 86400


@dataclass(frozen=True)
class Period:
    """Times before `end` have this offset from UTC, in seconds. None: there is no later period."""

    end: int | None
    offset: int


def day_text(number: int) -> str:
    """Returns the date that is `number` days after 1970-01-01, as `2026-11-24`."""
    return date.fromordinal(_EPOCH_DAY + number).isoformat()


def periods(since: int, now: int) -> list[Period]:
    """Returns the offsets of the service's time zone from UTC between two epoch seconds, the newest first."""
    return list(_periods(max(since, _OLDEST) // _STEP_SECONDS, now // _STEP_SECONDS + 1, time.tzname, time.timezone))


@functools.lru_cache(maxsize=64)
def _periods(first: int, last: int, *_zone: Any) -> tuple[Period, ...]:
    """Does the work of `periods`, in steps shorter than any time between two changes of an offset."""
    moments = [step * _STEP_SECONDS for step in range(first, last + 1)]
    changes = [_change(*pair) for pair in itertools.pairwise(moments) if _offset(pair[0]) != _offset(pair[1])]
    ends = [*changes, None]
    return tuple(Period(end, _offset(moments[-1] if end is None else end - 1)) for end in reversed(ends))


def _change(low: int, high: int) -> int:
    """Returns the first second with the offset of `high`."""
    before = _offset(low)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(middle) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(moment: int) -> int:
    return time.localtime(moment).tm_gmtoff

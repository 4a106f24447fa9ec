"""Divides the time window of a sum into days, whose sums can be kept, and the rest."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final, Literal

from slurm_rest_api.acctapi import states
from slurm_rest_api.acctapi.filters import Filters

Word = Literal["submit", "start", "end"]
_WORDS: Final[tuple[Word, ...]] = ("submit", "start", "end")

DAY: Final = 86400
_HOUR: Final = 3600
_FEWEST_DAYS: Final = 2
MOST_DAYS: Final = 400
"""Most days whose sums are kept for one question: a year and a month."""

_STEP_SECONDS: Final = 6 * 3600
_LATE_SECONDS: Final = 600


Span = tuple[int, int]
"""Epoch seconds of the begin and the end of a day, or of the hours of it that a window has."""


@dataclass(frozen=True)
class DayWindow:
    """Whole hours of UTC from the epoch second `begin` up to but not including `end`, with all days of them.

    `word` names the time that the window bounds. `ended_before` is the epoch second before which a job has ended if its
    sums can be kept, None if each job of these days has.
    """

    word: Word
    begin: int
    end: int
    ended_before: int | None

    def days(self) -> range:
        """Returns the days, counted from 1970-01-01. The window has a part of the first and the last one."""
        return range(self.begin // DAY, -(-self.end // DAY))

    def span(self, day: int) -> Span:
        """Returns the part of a day that the window has."""
        return max(self.begin, day * DAY), min(self.end, (day + 1) * DAY)

    def within(self, filters: Filters, days: range) -> Filters:
        """Returns `filters` for the window's part of consecutive days."""
        return _bounded(filters, self.word, self.span(days[0])[0], self.span(days[-1])[1])

    def rest(self, filters: Filters) -> list[Filters]:
        """Returns `filters` for the times before and after the window."""
        after, before = _bounds(filters, self.word)
        found = [] if after == self.begin else [_bounded(filters, self.word, after, self.begin)]
        return found if before == self.end else [*found, _bounded(filters, self.word, self.end, before)]

    def shape(self, filters: Filters) -> Filters:
        """Returns what the sums of a day depend on."""
        return dataclasses.replace(_bounded(filters, self.word, None, None), now=0)


def day_window(filters: Filters) -> DayWindow | None:
    """Returns the hours of a query whose sums can be kept. None if they are few, or if an index reads less.

    Sums for a user that may not see all records are not kept. A job counts once it has ended some time ago: `now`
    changes the sums of others.
    """
    bounded = [word for word in _WORDS if _bounds(filters, word) != (None, None)]
    if len(bounded) != 1 or not filters.is_exact or not filters.duplicates or filters.visible is not None:
        return None
    if any(found is not None for found in (filters.associations, filters.uids, filters.qos, filters.jobs)):
        return None
    if filters.states is not None and filters.states <= states.ACTIVE:
        return None
    [word] = bounded
    after, before = _bounds(filters, word)
    if after is None:
        return None
    settled = (filters.now - _LATE_SECONDS) // _STEP_SECONDS * _STEP_SECONDS
    end = (settled if before is None else min(before, settled)) // _HOUR * _HOUR
    begin = -(-after // _HOUR) * _HOUR
    if not _FEWEST_DAYS * DAY <= end - begin <= MOST_DAYS * DAY:
        return None
    return DayWindow(word, begin, end, None if word == "end" else settled)


def _bounds(filters: Filters, word: Word) -> tuple[int | None, int | None]:
    return getattr(filters, f"{word}_after"), getattr(filters, f"{word}_before")


def _bounded(filters: Filters, word: Word, after: int | None, before: int | None) -> Filters:
    bounds: dict[str, Any] = {f"{word}_after": after, f"{word}_before": before}
    return dataclasses.replace(filters, **bounds)

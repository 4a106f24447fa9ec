"""Divides the time window of a sum into whole days, whose sums can be kept, and the rest."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final, Literal

from slurm_rest_api.acctapi import states
from slurm_rest_api.acctapi.filters import Filters

Word = Literal["submit", "start", "end"]
_WORDS: Final[tuple[Word, ...]] = ("submit", "start", "end")

DAY: Final = 86400
_FEWEST_DAYS: Final = 2
MOST_DAYS: Final = 400
"""Most days whose sums are kept for one question: a year and a month."""

_STEP_SECONDS: Final = 6 * 3600
_LATE_SECONDS: Final = 600


@dataclass(frozen=True)
class DayWindow:
    """Whole days of UTC from `first` up to but not including `last`, in days from 1970-01-01.

    `word` names the time that the window bounds. `ended_before` is the epoch second before which a job has ended if its
    sums can be kept, None if each job of these days has.
    """

    word: Word
    first: int
    last: int
    ended_before: int | None

    def days(self, filters: Filters, first: int, last: int) -> Filters:
        """Returns `filters` for the days from `first` up to but not including `last`."""
        return _bounded(filters, self.word, first * DAY, last * DAY)

    def rest(self, filters: Filters) -> list[Filters]:
        """Returns `filters` for the times before and after the whole days."""
        after, before = _bounds(filters, self.word)
        found = [] if after == self.first * DAY else [_bounded(filters, self.word, after, self.first * DAY)]
        return found if before == self.last * DAY else [*found, _bounded(filters, self.word, self.last * DAY, before)]

    def shape(self, filters: Filters) -> Filters:
        """Returns what the sums of a day depend on."""
        return dataclasses.replace(_bounded(filters, self.word, None, None), now=0)


def day_window(filters: Filters) -> DayWindow | None:
    """Returns the whole days of a query whose sums can be kept. None if there are none, or if an index reads less.

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
    last = (settled if before is None else min(before, settled)) // DAY
    first = -(-after // DAY)
    if not _FEWEST_DAYS <= last - first <= MOST_DAYS:
        return None
    return DayWindow(word, first, last, None if word == "end" else settled)


def _bounds(filters: Filters, word: Word) -> tuple[int | None, int | None]:
    return getattr(filters, f"{word}_after"), getattr(filters, f"{word}_before")


def _bounded(filters: Filters, word: Word, after: int | None, before: int | None) -> Filters:
    bounds: dict[str, Any] = {f"{word}_after": after, f"{word}_before": before}
    return dataclasses.replace(filters, **bounds)

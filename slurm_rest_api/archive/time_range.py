"""Resolves the query parameters of /load to a time range and a resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from slurm_rest_api.archive.parameters import LoadParameters
from slurm_rest_api.archive.sample import WIDTHS
from slurm_rest_api.errors import BadParameter

KEEP_10_MINUTES_SECONDS: Final = 730 * 86400
_DAY: Final = 86400
_NEWEST_WITHIN_SLOTS: Final = 2


@dataclass(frozen=True)
class Retention:
    """Seconds between samples, seconds for which each is kept, and the most samples of one response."""

    width: int
    keep_seconds: int
    max_samples: int


@dataclass(frozen=True)
class TimeRange:
    """Samples from epoch second `since` up to but not including `until`.

    `step` is their width in seconds, 0 for samples as they were taken. `newest` selects only the last one.
    """

    since: int
    until: int
    step: int
    newest: bool = False


def time_range_of(query: LoadParameters, retention: Retention, now: int) -> TimeRange:
    """Returns the time range of `query` at epoch second `now`.

    Raises:
        BadParameter: the parameters contradict each other.
    """
    if query.since is None and query.until is None:
        return _backwards(query, retention, now)
    if query.time is not None or query.offset:
        raise BadParameter("`time` and `offset` cannot be combined with `since` and `until`.", parameter="time")
    until = now + 1 if query.until is None else query.until
    since = until - _DAY if query.since is None else query.since
    if since >= until:
        raise BadParameter(
            f"`since` is not before `until`: {since} and {until} (epoch seconds). Use an earlier `since`.",
            parameter="since",
        )
    return TimeRange(since, until, _step(query.step, since, until, retention, now))


def _backwards(query: LoadParameters, retention: Retention, now: int) -> TimeRange:
    """Returns the last `time` seconds, `offset` seconds ago: `(now - offset - time, now - offset]`, as in 2018."""
    until = now - (query.offset or 0) + 1
    if query.time is None:
        # Two slots, because the current one may not have its sample yet.
        since = until - _NEWEST_WITHIN_SLOTS * retention.width
        return TimeRange(since, until, _step(query.step, since, until, retention, now), newest=True)
    since = until - query.time
    return TimeRange(since, until, _step(query.step, since, until, retention, now))


def _step(asked: int | None, since: int, until: int, retention: Retention, now: int) -> int:
    """Returns the requested width, rounded up to one that can be computed from few stored samples."""
    finest = _finest(since, retention, now)
    seconds = until - since
    if asked is None:
        fits = seconds / (finest or retention.width) <= retention.max_samples
        return finest if fits else _fitting(max(finest, 1), seconds, retention.max_samples)
    if asked <= max(finest, retention.width):
        return finest
    # Samples are aggregated from those of a level, so their width is a multiple of the level's.
    source = max((width for width in WIDTHS if width <= asked), default=retention.width)
    step = -(-asked // source) * source
    if step in WIDTHS or seconds / source <= retention.max_samples:
        return step
    return next((width for width in WIDTHS if width >= step), step)


def _finest(since: int, retention: Retention, now: int) -> int:
    """Returns the narrowest width that is kept since then. 0 if every sample is."""
    age = now - since
    if age <= retention.keep_seconds:
        return 0
    return WIDTHS[0] if age <= KEEP_10_MINUTES_SECONDS else WIDTHS[1]


def _fitting(finest: int, seconds: int, max_samples: int) -> int:
    """Returns the narrowest stored width that fits, so that long ranges need no aggregation."""
    days = -(-seconds // (max_samples * _DAY))
    return next((step for step in WIDTHS if step >= finest and seconds / step <= max_samples), days * _DAY)

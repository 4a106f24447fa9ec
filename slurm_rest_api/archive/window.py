"""Which samples a query of /load means: its range of time, and how wide the samples of the answer are. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from slurm_rest_api.archive.parameters import LoadParameters
from slurm_rest_api.archive.sample import LEVEL_WIDTHS
from slurm_rest_api.errors import BadParameter

KEEP_10_MINUTES_SECONDS: Final = 730 * 86400
_DAY: Final = 86400
_NEWEST_WITHIN_SLOTS: Final = 2


@dataclass(frozen=True)
class Archived:
    """What there is: seconds between samples, for how long each is kept, and how many one answer may have."""

    width: int
    keep_seconds: int
    most: int


@dataclass(frozen=True)
class Window:
    """Samples from second `since` up to but not including `until`, each `step` seconds wide; 0: as they were taken.

    `newest` asks for the last of them alone.
    """

    since: int
    until: int
    step: int
    newest: bool = False


def window_of(query: LoadParameters, archived: Archived, now: int) -> Window:
    """The samples that `query` means at epoch second `now`.

    Raises:
        BadParameter: the parameters contradict each other.
    """
    if query.since is None and query.until is None:
        return _backwards(query, archived, now)
    if query.time is not None or query.offset:
        raise BadParameter(
            "time and offset count from now; they cannot be used with since and until.", parameter="time"
        )
    until = now + 1 if query.until is None else query.until
    since = until - _DAY if query.since is None else query.since
    if since >= until:
        raise BadParameter(f"since={since} is not before until={until} (epoch seconds).", parameter="since")
    return Window(since, until, _step(query.step, since, until, archived, now))


def _backwards(query: LoadParameters, archived: Archived, now: int) -> Window:
    """The last `time` seconds, `offset` seconds ago: `(now - offset - time, now - offset]`, as in 2018."""
    until = now - (query.offset or 0) + 1
    if query.time is None:
        # One sample is meant, also while that of the present slot is still being taken.
        since = until - _NEWEST_WITHIN_SLOTS * archived.width
        return Window(since, until, _step(query.step, since, until, archived, now), newest=True)
    since = until - query.time
    return Window(since, until, _step(query.step, since, until, archived, now))


def _step(asked: int | None, since: int, until: int, archived: Archived, now: int) -> int:
    """The width of samples: as asked, if what they are made of is kept and not too much to be read at once."""
    finest = _finest(since, archived, now)
    seconds = until - since
    if asked is None:
        fitting = (width for width in (finest, *LEVEL_WIDTHS) if width >= finest)
        return next((width for width in fitting if seconds / (width or archived.width) <= archived.most), _DAY)
    if asked <= max(finest, archived.width):
        return finest
    # Wider samples are made of those of a level, so their width is a multiple of the level's.
    source = max((width for width in LEVEL_WIDTHS if width <= asked), default=archived.width)
    step = -(-asked // source) * source
    if step in LEVEL_WIDTHS or seconds / source <= archived.most:
        return step
    return next((width for width in LEVEL_WIDTHS if width >= step), step)


def _finest(since: int, archived: Archived, now: int) -> int:
    """The narrowest width that is kept since then; 0: every sample."""
    age = now - since
    if age <= archived.keep_seconds:
        return 0
    return 600 if age <= KEEP_10_MINUTES_SECONDS else 3600

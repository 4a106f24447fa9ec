"""Times in a query: epoch seconds, ISO 8601, or expressions of Slurm's commands such as `now-7days`."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator, WithJsonSchema

from slurm_rest_api.web.error_texts import shown

ACCEPTED: Final = (
    "epoch seconds (1795484525), ISO 8601 (2026-11-24, 2026-11-24T10:15, 2026-11-24T10:15:00+01:00, without an offset"
    " in the time zone of the service), or now, now-7days, now+2hours, today, midnight, noon, tomorrow, yesterday"
)

# Source: sbatch(1), option --begin. A count without a unit is in seconds.
_DAY: Final = 86400
_UNITS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": _DAY, "week": 7 * _DAY}
# A plus sign that was not percent-encoded arrives as a space.
_RELATIVE: Final = re.compile(r"now\s*(?:(?P<sign>[-+ ])\s*(?P<count>\d{1,10})\s*(?P<unit>[a-z]*))?", re.ASCII)
_SPACE_OFFSET: Final = re.compile(r"(.*[T ]\S+) (\d{2}:?\d{2})")
# Hours from midnight of the current day.
_NAMED_HOURS: Final = {"midnight": 0, "today": 0, "noon": 12, "tomorrow": 24, "yesterday": -24}
_LAST_SECOND: Final = 253402300799
"""The end of the year 9999, the last year of `datetime`."""


def parse_time(text: str, now: float) -> int:
    """Parses `text` at epoch second `now`, in the time zone of this process, and returns an epoch second.

    Raises:
        ValueError: `text` is not a time. The message lists the accepted forms.
    """
    words = text.strip().lower()
    if words.isascii() and words.isdigit() and len(words) <= len(str(_LAST_SECOND)):
        return _bounded(int(words))
    if match := _RELATIVE.fullmatch(words):
        return _bounded(int(now) + _seconds(match))
    # A naive datetime is local time. Only the system's rules know the UTC offset of that day.
    if words in _NAMED_HOURS:
        today = datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)  # noqa: DTZ006
        return int((today + timedelta(hours=_NAMED_HOURS[words])).timestamp())
    try:
        given = datetime.fromisoformat(_SPACE_OFFSET.sub(r"\1+\2", text.strip()))
        return _bounded(int(given.timestamp()))
    except (ValueError, OverflowError):
        raise ValueError(f"expected {ACCEPTED}") from None


def _seconds(match: re.Match[str]) -> int:
    if match["count"] is None:
        return 0
    unit = match["unit"] or "seconds"
    fitting = [length for name, length in _UNITS.items() if f"{name}s".startswith(unit)]
    if len(fitting) != 1:
        raise ValueError(f"unknown unit of time {shown(unit)}. Expected {ACCEPTED}")
    seconds = int(match["count"]) * fitting[0]
    return -seconds if match["sign"] == "-" else seconds


def _bounded(epoch: int) -> int:
    if not 0 <= epoch <= _LAST_SECOND:
        raise ValueError(f"the time is after the year 9999 or before 1970. Expected {ACCEPTED}")
    return epoch


def _time(value: object) -> object:
    return parse_time(value, time.time()) if isinstance(value, str) else value


TimeParam = Annotated[
    int,
    BeforeValidator(_time),
    WithJsonSchema({"type": "string", "description": ACCEPTED, "examples": ["now-7days", "2026-11-24T10:15"]}),
]
"""A query parameter that is a time. The model holds its epoch second."""

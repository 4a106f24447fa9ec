"""Day and night, weekdays and weekends of the simulated users, in UTC; pure."""

from __future__ import annotations

import math
from typing import Final

_DAY: Final = 86400
_PEAK_HOUR: Final = 15
_FIRST_MONDAY: Final = 4 * _DAY
"""1970-01-05."""


def busy(moment: float) -> float:
    """How likely a free slot finds a job at an epoch second, 0 to 1: most in the afternoon, least on a Sunday night."""
    hour = moment % _DAY / 3600
    day = 0.72 + 0.2 * math.cos(2 * math.pi * (hour - _PEAK_HOUR) / 24)
    weekday = (moment - _FIRST_MONDAY) // _DAY % 7
    return day * (0.8 if weekday >= 5 else 1.0)

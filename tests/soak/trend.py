"""Decides if a series of measurements grows beyond its noise."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# Of a normal distribution, the standard deviation is 1.4826 times the median absolute deviation.
_SIGMA: Final = 1.4826
_NOISE_SIGMAS: Final = 3.0
_WARM_UP_SHARE: Final = 0.5


@dataclass(frozen=True)
class Trend:
    """The growth of a series over its span, after the warm-up, and the growth that is still noise.

    `median` is the middle value after the warm-up, `first` and `last` are the ends of the fitted line.
    """

    median: float
    first: float
    last: float
    noise: float

    @property
    def growth(self) -> float:
        """Returns the growth from the end of the warm-up to the end."""
        return self.last - self.first

    @property
    def is_growing(self) -> bool:
        """Returns True if the slope is above zero beyond noise."""
        return self.growth > self.noise


def trend_of(times: Sequence[float], values: Sequence[float], floor: float) -> Trend:
    """Fits a line by the median of all slopes (Theil and Sen), which outliers do not move.

    The first half is the warm-up, in which caches fill. Growth below `floor`, in the unit of `values`, is noise.
    """
    begin = times[0] + _WARM_UP_SHARE * (times[-1] - times[0])
    points = [(time, value) for time, value in zip(times, values, strict=True) if time >= begin]
    slope = statistics.median(
        (b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(points, 2) if b[0] > a[0]
    )
    intercept = statistics.median(value - slope * time for time, value in points)
    residuals = [abs(value - slope * time - intercept) for time, value in points]
    noise = max(floor, _NOISE_SIGMAS * _SIGMA * statistics.median(residuals))
    first, last = (intercept + slope * time for time in (points[0][0], points[-1][0]))
    return Trend(statistics.median(value for _, value in points), first, last, noise)

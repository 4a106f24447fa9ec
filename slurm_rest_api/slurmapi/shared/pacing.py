"""Computes when the next cycle starts, and when data is stale. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

COST_FACTOR: Final = 4.0
LONGEST_BACKOFF_SECONDS: Final = 60.0
STALE_AFTER_CYCLES: Final = 3


def cost_of(reading_seconds: float, processor_seconds: float) -> float:
    """Returns the cost of a cycle in seconds: the time of reading slurmctld, or processor time if that is more.

    Time spent waiting for a processor is not a cost. Otherwise data would become older the more clients ask for it.
    """
    return max(reading_seconds, processor_seconds)


def interval_after_success(refresh_seconds: float, cost_seconds: float) -> float:
    """Returns the seconds from the start of a cycle that cost `cost_seconds` to the start of the next.

    Reading slurmctld takes at most a quarter of the time, and the collector uses at most a quarter of a processor.
    """
    return max(refresh_seconds, COST_FACTOR * cost_seconds)


def delay_after_failure(refresh_seconds: float, failures: int, uniform: Callable[[float, float], float]) -> float:
    """Returns the seconds from the end of the `failures`-th failure in a row to the next attempt.

    Doubles from `refresh_seconds` up to a minute. `uniform(low, high)` spreads the attempts of many hosts.
    """
    doubled = refresh_seconds * 2.0 ** min(failures - 1, 16)
    return min(doubled, LONGEST_BACKOFF_SECONDS) * uniform(0.8, 1.0)


def stale_from(loaded_at: float, interval_seconds: float) -> float:
    """Returns the epoch second after which data loaded at `loaded_at` is older than three cycles."""
    return loaded_at + STALE_AFTER_CYCLES * interval_seconds


def is_stale(now: float, loaded_at: float, interval_seconds: float) -> bool:
    """Returns True if data loaded at epoch second `loaded_at` is older than three cycles at `now`."""
    return now > stale_from(loaded_at, interval_seconds)

"""Computes when the next cycle starts, and when data is stale. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

CONTROLLER_SHARE: Final = 0.1
"""The part of a core that slurmctld may spend on the collector, by its own statistics."""
READING_SHARE: Final = 0.25
"""The part of the time in which slurmctld may be read if its statistics do not say what that costs it."""
PROCESSOR_SHARE: Final = 0.75
"""The part of the only core that the loader and its commands may use on this host."""
PROCESSOR_SHARE_OF_MORE: Final = 1.0
"""The part of a core where there are more. scontrol prints on one of them what the loader reads on another."""
LONGEST_BACKOFF_SECONDS: Final = 60.0
STALE_AFTER_CYCLES: Final = 3


def processor_interval(processor_seconds: float, cores: int) -> float:
    """Returns the seconds from the start of a cycle to the start of the next that its processor time demands.

    Args:
        processor_seconds: Processor time of the loader and of the commands that it ran.
        cores: Number of cores of this host.
    """
    return processor_seconds / (PROCESSOR_SHARE if cores < 2 else PROCESSOR_SHARE_OF_MORE)


def least_interval(
    reading_seconds: float, controller_seconds: float | None, processor_interval_seconds: float
) -> float:
    """Returns the seconds from the start of a cycle to the start of the next that its cost demands.

    Time spent waiting for a processor is not a cost. Otherwise data would become older the more clients ask for it.

    Args:
        reading_seconds: Time in which slurmctld was read. Most of it is work of this host.
        controller_seconds: Time that slurmctld has worked for the cycle, None if it is unknown.
        processor_interval_seconds: `processor_interval`.
    """
    reading = reading_seconds / READING_SHARE if controller_seconds is None else controller_seconds / CONTROLLER_SHARE
    return max(reading, processor_interval_seconds)


def interval_after_success(refresh_seconds: float, least_interval_seconds: float) -> float:
    """Returns the seconds from the start of a cycle to the start of the next. See `least_interval`."""
    return max(refresh_seconds, least_interval_seconds)


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

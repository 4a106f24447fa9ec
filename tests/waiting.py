"""Polls a condition until it holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

Found = TypeVar("Found")

# Only a failure ever takes this long. It is minutes, so that a busy machine fails no test.
GIVE_UP_SECONDS: Final = 300.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.02, 0.2
_LIMITS: Final = (1.0, 8.0, 64.0, GIVE_UP_SECONDS)


def wait_for(description: str, probe: Callable[[], Found | None], seconds: float = GIVE_UP_SECONDS) -> Found:
    """Calls `probe` until its result is true, and returns that result.

    Raises:
        AssertionError: `probe` returned nothing true for `seconds`. The message names `description`.
    """
    begun = time.monotonic()
    while True:
        if found := probe():
            return found
        waited = time.monotonic() - begun
        if waited > seconds:
            raise AssertionError(f"gave up after {seconds:g} s: {description}")
        time.sleep(pause_after(waited, _SHORTEST_PAUSE, _LONGEST_PAUSE))


def pause_after(waited: float, shortest: float, longest: float) -> float:
    """Returns the seconds until the next probe, which grow with the time `waited`: a probe may be a program."""
    return max(shortest, min(longest, waited / 20))


def with_longer_limits(attempt: Callable[[float], Found], reached: Callable[[Found], bool]) -> tuple[float, Found]:
    """Calls `attempt` with longer and longer limits, in seconds, until `reached` is true for its result.

    It tests a time-out of the product: on a busy machine a short one may end before the program under test has started.
    Returns the last limit and its result.
    """
    for limit in _LIMITS:
        result = attempt(limit)
        if reached(result):
            break
    return limit, result

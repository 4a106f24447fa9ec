"""Detects when the wall clock is set, so that the collector can reschedule.

APScheduler runs jobs at wall-clock times and sleeps until then. After the clock was set back by an hour it would sleep
an hour too long. `collector.py` therefore reschedules after each step of the clock.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

logger = logging.getLogger(__name__)

_POLL_SECONDS: Final = 5.0
_STEP_SECONDS: Final = 2.0
"""Smaller steps delay a cycle by at most this time. NTP slews a clock by far less within one poll."""


class ClockWatch:
    """Compares the wall clock with the monotonic clock."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._ahead = wall() - steady()

    def step(self) -> float:
        """Returns the seconds by which the wall clock was set since the last call, or 0.0."""
        ahead = self._wall() - self._steady()
        step, self._ahead = ahead - self._ahead, ahead
        return step if abs(step) >= _STEP_SECONDS else 0.0


@contextmanager
def watch_clock(on_step: Callable[[], None], poll_seconds: float = _POLL_SECONDS) -> Iterator[None]:
    """Calls `on_step` from a thread each time the clock is set, until the `with` block ends."""
    watch = ClockWatch()
    ended = threading.Event()

    def poll() -> None:
        while not ended.wait(poll_seconds):
            if step := watch.step():
                logger.warning("System clock jumped by %+.0f s; rescheduling.", step)
                on_step()

    thread = threading.Thread(target=poll, name="clock-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()

"""Notices when the wall clock is set: a scheduler that goes by it would sleep for as long as it was set back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

logger = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 5.0
_STEP_SECONDS: Final = 2.0
"""Smaller steps delay nothing by more than that; NTP slews a clock by far less between two looks."""


class ClockWatch:
    """Compares the wall clock with one that only ever goes on."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._ahead = wall() - steady()

    def step(self) -> float:
        """Seconds by which the wall clock was set since the last call; 0.0 when it was not."""
        ahead = self._wall() - self._steady()
        step, self._ahead = ahead - self._ahead, ahead
        return step if abs(step) >= _STEP_SECONDS else 0.0


@contextmanager
def watch_clock(on_step: Callable[[], None], look_seconds: float = _LOOK_SECONDS) -> Iterator[None]:
    """Call `on_step` from a thread each time the clock is set, as long as the `with` block lasts."""
    watch = ClockWatch()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(look_seconds):
            if step := watch.step():
                logger.warning("The clock of this host was set by %+.0f seconds; what is due is reckoned anew.", step)
                on_step()

    thread = threading.Thread(target=look, name="clock-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()

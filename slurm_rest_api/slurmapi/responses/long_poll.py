"""Requests that wait for the next change, or for the next load: few at a time, and never for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from slurm_rest_api.errors import TooManyLongPolls

_LOOK_SECONDS: Final = 0.1
_RETRY_SECONDS: Final = 1


def _never() -> bool:
    return False


class WaitingRoom:
    """Places for requests that wait; each of them keeps a thread of this process busy, so there are only `places`."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._free = threading.BoundedSemaphore(places) if places > 0 else None

    def wait(self, happened: Callable[[], bool], seconds: float, gone: Callable[[], bool] = _never) -> None:
        """Return once `happened()`, or after `seconds`, or when whoever asked has `gone()`.

        Raises:
            TooManyWaiting: it has not happened yet, and every place is taken.
        """
        if happened():
            return
        with self._place() as free:
            if not free:
                raise TooManyLongPolls(
                    f"All {self._places} places for waiting requests (system.waiting_requests) of this process are"
                    " taken. Ask again without wait, or in a moment.",
                    retry_after=_RETRY_SECONDS,
                )
            _look_until(lambda: happened() or gone(), seconds)

    def wait_if_free(self, happened: Callable[[], bool], seconds: float, gone: Callable[[], bool] = _never) -> None:
        """As `wait`, but where every place is taken it returns at once."""
        if happened():
            return
        with self._place() as free:
            if free:
                _look_until(lambda: happened() or gone(), seconds)

    @contextmanager
    def _place(self) -> Iterator[bool]:
        if self._free is None or not self._free.acquire(blocking=False):
            yield False
            return
        try:
            yield True
        finally:
            self._free.release()


def _look_until(happened: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not happened() and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(_LOOK_SECONDS, left))

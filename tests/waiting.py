"""Polls a condition until it holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

Found = TypeVar("Found")

# Only a failure ever takes this long. It is minutes, so that a busy machine fails no test.
GIVE_UP_SECONDS: Final = 300.0
_POLL_SECONDS: Final = 0.02


def wait_for(description: str, probe: Callable[[], Found | None], seconds: float = GIVE_UP_SECONDS) -> Found:
    """Calls `probe` until its result is true, and returns that result.

    Raises:
        AssertionError: `probe` returned nothing true for `seconds`. The message names `description`.
    """
    deadline = time.monotonic() + seconds
    while True:
        if found := probe():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"gave up after {seconds:g} s: {description}")
        time.sleep(_POLL_SECONDS)

"""Answers `Cache-Control: no-cache`: asks the collector for a load and waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from slurm_rest_api.slurmapi.shared.refresh_pipe import request_refresh
from slurm_rest_api.slurmapi.store.reader import Status

MAX_WAIT_SECONDS: Final = 15.0
"""Longest wait for a requested load. After that the client gets the current data."""

_POLL_SECONDS: Final = 0.1


class Refresher:
    """Requests loads from the collector. At most `slots` requests of this process wait for one at a time."""

    def __init__(self, status: Callable[[], Status | None], pipe: Path, slots: int) -> None:
        self._status = status
        self._pipe = pipe
        self._slots = threading.BoundedSemaphore(slots)

    def refresh(self, is_disconnected: Callable[[], bool]) -> None:
        """Requests a load and returns when it is stored, or after `MAX_WAIT_SECONDS`.

        Returns at once if no collector listens, if every slot is taken, or after a failed load: the next load then
        waits for the collector's back-off. Returns early if the client `is_disconnected()`.
        """
        requested_at = time.time()
        if not request_refresh(self._pipe) or not self._slots.acquire(blocking=False):
            return
        try:
            self._wait_for_load(requested_at, is_disconnected)
        finally:
            # A waiting request occupies a server thread, so slots are limited.
            self._slots.release()

    def _wait_for_load(self, requested_at: float, is_disconnected: Callable[[], bool]) -> None:
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        while not self._is_served(requested_at) and not is_disconnected() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)

    def _is_served(self, requested_at: float) -> bool:
        status = self._status()
        return status is not None and (status.failures > 0 or (status.loaded_at or 0.0) >= requested_at)

"""Coalesces the refresh requests of clients and limits their rate. No I/O."""

from __future__ import annotations

import threading

from slurm_rest_api.slurmapi.shared import pacing


class RefreshRequests:
    """Decides when a load that clients requested may start: one for all requests, at a limited rate.

    A load starts no sooner than `fresh_seconds` after the start of the last one, and no sooner than pacing allows.
    `fresh_seconds` of 0 turns requests off. After a failed load, requests wait for the back-off.
    Times are seconds of a monotonic clock.
    """

    def __init__(self, fresh_seconds: float) -> None:
        self._fresh_seconds = fresh_seconds
        self._lock = threading.Lock()
        self._running = False
        self._requested = False
        self._failed = False
        self._started: float | None = None
        self._least_interval = 0.0

    def request(self, now: float) -> float | None:
        """Takes a request. Returns the seconds until a load may start, or None if there is nothing to schedule now."""
        with self._lock:
            if not self._fresh_seconds or self._failed:
                return None
            if self._running:
                # The running load may have read the cluster before this request. Load again afterwards.
                self._requested = True
                return None
            return self._seconds_left(now)

    def started(self, now: float) -> None:
        """Notes that a load starts. It serves all earlier requests."""
        with self._lock:
            self._running, self._requested, self._started = True, False, now

    def finished(self, now: float, least_interval: float | None) -> float | None:
        """Notes that a load ended. Returns the seconds until the next may start, if one was requested meanwhile.

        `least_interval` is what its cost demands (see `pacing`); None if it failed.
        """
        with self._lock:
            self._running, self._failed = False, least_interval is None
            self._least_interval = least_interval or 0.0
            return self._seconds_left(now) if self._requested and not self._failed else None

    def _seconds_left(self, now: float) -> float:
        if self._started is None:
            return 0.0
        earliest = self._started + pacing.interval_after_success(self._fresh_seconds, self._least_interval)
        return max(0.0, earliest - now)

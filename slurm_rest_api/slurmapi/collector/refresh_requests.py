"""When a load that clients ask for may start: one for all who ask, and never too soon after the one before."""

from __future__ import annotations

import threading

from slurm_rest_api.slurmapi.shared import pacing


class RefreshRequests:
    """Remembers whether somebody has asked since the last load began. Times are seconds of a monotonic clock.

    A load begins no sooner than `fresh_seconds` after the start of the one before, and no sooner than pacing lets it;
    0 turns asking off. After a failure nobody's wish comes before the back-off.
    """

    def __init__(self, fresh_seconds: float) -> None:
        self._fresh_seconds = fresh_seconds
        self._lock = threading.Lock()
        self._running = False
        self._asked = False
        self._failed = False
        self._started: float | None = None
        self._cost = 0.0

    def ask(self, now: float) -> float | None:
        """Somebody wants fresh data: seconds until a load may begin, or None when nothing is to be scheduled now."""
        with self._lock:
            if not self._fresh_seconds or self._failed:
                return None
            if self._running:
                # What it reads may be older than the wish.
                self._asked = True
                return None
            return self._left(now)

    def begin(self, now: float) -> None:
        """A load begins; it serves all who asked before."""
        with self._lock:
            self._running, self._asked, self._started = True, False, now

    def end(self, now: float, cost: float | None) -> float | None:
        """It has ended: seconds until the next may begin, if somebody asked meanwhile.

        `cost` is what it cost as pacing counts it, in seconds; None when it failed.
        """
        with self._lock:
            self._running, self._failed = False, cost is None
            self._cost = cost or 0.0
            return self._left(now) if self._asked and not self._failed else None

    def _left(self, now: float) -> float:
        if self._started is None:
            return 0.0
        earliest = self._started + pacing.interval_after_success(self._fresh_seconds, self._cost)
        return max(0.0, earliest - now)

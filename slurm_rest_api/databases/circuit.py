"""Limits how many threads wait for one database, and refuses requests at once while it does not answer.

A thread that waits for a database answers no other request. So at most `limit` threads of a process use the database.
After a connection failed or timed out the circuit opens: requests are refused in microseconds, while one thread tries
to connect every few seconds. No request waits for that try.

The library pybreaker calls the database under one lock, so only one request at a time could use it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Protocol

logger = logging.getLogger(__name__)

Reason = Literal["busy", "open"]
"""busy: `limit` requests use the database. open: it does not answer."""

_PROBE_DELAYS: Final = (0.0, 1.0, 2.0, 4.0, 5.0)
"""Seconds before the first tries to connect. Later ones wait as long as the last of these."""

_IDLE_SECONDS: Final = 5.0
"""A request that has not used the database for so long, because its client reads slowly, makes room for another."""

_RETRY_SECONDS: Final[dict[Reason, int]] = {"busy": 1, "open": 5}
_LOG_SECONDS: Final = 60.0


class Refused(Exception):
    """A request may not use the database now. A retry after `retry_after` seconds makes sense."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.retry_after = _RETRY_SECONDS[reason]


class CircuitObserver(Protocol):
    """Receives the events of a circuit."""

    def switched(self, *, is_open: bool) -> None:
        """Called when the circuit has opened or closed."""

    def refused(self, reason: Reason) -> None:
        """Called when a request was refused."""


class _NullObserver:
    def switched(self, *, is_open: bool) -> None:
        """Does nothing."""

    def refused(self, reason: Reason) -> None:
        """Does nothing."""


@dataclass(frozen=True)
class CircuitState:
    """State of a circuit. `open_since` is in epoch seconds, None while it is closed."""

    open_since: int | None
    in_use: int
    limit: int


class Lease:
    """The right of one request to use the database. Enter it for each use, and close it after the last one."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self.opening = 0

    def __enter__(self) -> Lease:
        """Begins a use of the database. Raises Refused."""
        self._circuit.begin(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._circuit.end(self)

    def fail(self, cause: object) -> None:
        """Opens the circuit: the database could not be reached, or did not answer in time. `cause` is logged."""
        self._circuit.open(self, cause)

    def close(self) -> None:
        """Returns the right. Can be called more than once."""
        self._circuit.release(self)


class Circuit:
    """Hands out leases of the database `name`. `answers()` tries to connect, and returns True if the database answers.

    `answers` is called in a thread of the circuit and has to return in seconds.
    """

    def __init__(
        self,
        name: str,
        limit: int,
        answers: Callable[[], bool],
        *,
        delays: tuple[float, ...] = _PROBE_DELAYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._limit = limit
        self._answers = answers
        self._delays = delays
        self._clock = clock
        # Reentrant, because the garbage collector may close a lease in a thread that holds the lock.
        self._lock = threading.RLock()
        # Each lease with the time since when it is idle, None while it is in use.
        self._leases: dict[Lease, float | None] = {}
        self._open_since: int | None = None
        # Counts how often the circuit opened, so that a request from before has no say afterwards.
        self._opening = 0
        self._busy = 0
        self._busy_logged_at: float | None = None
        self._observer: CircuitObserver = _NullObserver()

    def observe(self, observer: CircuitObserver) -> None:
        """Reports all events to `observer`."""
        self._observer = observer

    def state(self) -> CircuitState:
        """Returns the current state."""
        with self._lock:
            return CircuitState(self._open_since, len(self._leases), self._limit)

    def lease(self) -> Lease:
        """Returns a lease that has not been used yet."""
        return Lease(self)

    def begin(self, lease: Lease) -> None:
        """Lets a lease use the database.

        Raises:
            Refused: the circuit is open, or `limit` other leases are taken.
        """
        with self._lock:
            reason = self._reason_to_refuse(lease)
            if reason is None:
                self._leases[lease] = None
                lease.opening = self._opening
        if reason is not None:
            self._observer.refused(reason)
            if reason == "busy":
                self._log_busy()
            raise Refused(reason)

    def end(self, lease: Lease) -> None:
        """Ends a use of the database. The lease stays taken."""
        with self._lock:
            self._leases[lease] = self._clock()

    def release(self, lease: Lease) -> None:
        """Frees the lease for another request."""
        with self._lock:
            self._leases.pop(lease, None)

    def open(self, lease: Lease, cause: object) -> None:
        """Opens the circuit, unless `lease` began before it opened the last time."""
        with self._lock:
            if self._open_since is not None or lease.opening != self._opening:
                return
            self._open_since = int(time.time())
            self._opening += 1
        logger.error("The %s does not answer: %s. Its routes answer 503 until it does.", self._name, cause)
        self._observer.switched(is_open=True)
        threading.Thread(target=self._probe, name=f"probe of the {self._name}", daemon=True).start()

    def _reason_to_refuse(self, lease: Lease) -> Reason | None:
        if self._open_since is not None:
            return "open"
        if lease in self._leases or len(self._leases) < self._limit:
            return None
        idle = [(since, held) for held, since in list(self._leases.items()) if since is not None]
        since, longest = min(idle, key=lambda entry: entry[0], default=(self._clock(), lease))
        if self._clock() - since < _IDLE_SECONDS:
            return "busy"
        del self._leases[longest]
        return None

    def _probe(self) -> None:
        """Tries to connect until the database answers, then closes the circuit."""
        tries = 0
        while True:
            time.sleep(self._delays[min(tries, len(self._delays) - 1)])
            tries += 1
            try:
                if self._answers():
                    break
            except Exception:
                # Without this thread the circuit would stay open.
                logger.exception("The try to reach the %s failed.", self._name)
        with self._lock:
            self._open_since = None
        self._observer.switched(is_open=False)
        logger.info("The %s answers again.", self._name)

    def _log_busy(self) -> None:
        """Logs refused requests, at most one line a minute."""
        with self._lock:
            self._busy += 1
            now = self._clock()
            if self._busy_logged_at is not None and now - self._busy_logged_at < _LOG_SECONDS:
                return
            self._busy_logged_at = now
            refused, self._busy = self._busy, 0
        logger.warning(
            "%d requests got 503, because %d others use the %s, as many as this worker allows.",
            refused,
            self._limit,
            self._name,
        )

"""How the accounting database is used: connections, waits and failures, over all workers."""

from __future__ import annotations

from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge

from slurm_rest_api.acctapi.db_errors import ErrorKind

_PREFIX: Final = "slurm_rest_api_database"


class DatabaseCounts:
    """Counts pool events (`acctapi.database.PoolObserver`). `size` is the connection limit of a process."""

    def __init__(self, registry: CollectorRegistry, size: int) -> None:
        pool = Gauge(
            f"{_PREFIX}_pool_size_connections",
            "Connections that the workers open at most; there is no overflow.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._used = Gauge(
            f"{_PREFIX}_pool_used_connections",
            "Connections in use.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._taken = Counter(f"{_PREFIX}_connections_taken", "Times a connection was taken.", registry=registry)
        self._waited = Counter(
            f"{_PREFIX}_connection_wait_seconds", "Time until a connection was there.", registry=registry
        )
        self._failed = Counter(f"{_PREFIX}_errors", "Failures by kind.", ["kind"], registry=registry)
        pool.set(size)
        # A worker takes over the figures of the one that it replaces, but not what that one held.
        self._used.set(0)
        for kind in get_args(ErrorKind):
            self._failed.labels(kind)

    def checked_out(self, waited_seconds: float) -> None:
        """A connection is in use."""
        self._used.inc()
        self._taken.inc()
        self._waited.inc(waited_seconds)

    def checked_in(self) -> None:
        """It is not any more."""
        self._used.dec()

    def failed(self, kind: ErrorKind) -> None:
        """A request could not be answered."""
        self._failed.labels(kind).inc()

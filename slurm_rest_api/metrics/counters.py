"""Counts requests and uses of the accounting database, in one process or summed over all uWSGI workers."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from functools import partial, wraps
from pathlib import Path
from typing import Final, ParamSpec, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector

from slurm_rest_api.acctapi.db_errors import ErrorKind
from slurm_rest_api.databases.circuit import Circuit, Reason
from slurm_rest_api.metrics.counter_file import DAMAGED
from slurm_rest_api.metrics.worker_files import WorkerFiles, remove_damaged
from slurm_rest_api.web.request_events import RequestEvent

try:
    import uwsgi
except ImportError:
    # The module exists only inside uWSGI.
    uwsgi = None

logger = logging.getLogger(__name__)

Arguments = ParamSpec("Arguments")

_DATABASE: Final = "slurm_rest_api_database"
_READS: Final = 3
"""Readings of the counters' folder in a request, if its files are damaged or deleted meanwhile."""
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Counters:
    """The registry of this process (`mine`), and a way to read the counters of all workers (`text()`)."""

    def __init__(self, mine: CollectorRegistry, folder: Path | None) -> None:
        self.mine = mine
        self._folder = folder

    def text(self) -> bytes:
        """Returns the counters of this process, or their sums over all workers, in Prometheus' text format."""
        if self._folder is None:
            return generate_latest(self.mine)
        for _ in range(_READS - 1):
            try:
                return _sums(self._folder)
            except FileNotFoundError as error:
                # It was deleted after the library had listed the folder. The next reading lists it again.
                logger.info("Reading the counters again, because a file was deleted meanwhile: %s.", error)
            except DAMAGED:
                remove_damaged(self._folder)
        return _sums(self._folder)


def open_counters(folder: Path) -> Counters:
    """Opens the counters of this process. Under uWSGI each worker keeps them in one file of `folder`.

    A restarted worker continues the counters, because the files are named by worker number, not by process id. Files
    that are deleted or damaged begin again at 0, as after a restart of the service.
    """
    # The time at which a counter started is a second series for each counter, which no query needs.
    disable_created_metrics()
    if uwsgi is None:
        return Counters(CollectorRegistry(), None)
    files = WorkerFiles(folder, uwsgi.worker_id())
    # The library reads this variable when a counter is created.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    # The library opens its files with this name.
    vars(values)["MmapedDict"] = files.open
    values.ValueClass = values.MultiProcessValue(process_identifier=files.identifier)
    return Counters(CollectorRegistry(), folder)


def _sums(folder: Path) -> bytes:
    # The library refuses a folder that does not exist.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    return generate_latest(registry)


def _never_failing(count: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Returns `count` without the errors of its files. A full or read-only runtime folder must fail no request."""

    @wraps(count)
    def count_if_possible(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            count(*args, **kwargs)
        except OSError as error:
            logger.warning("A count for /metrics is lost: %s.", error)

    return count_if_possible


def count_requests(registry: CollectorRegistry) -> Callable[[RequestEvent], None]:
    """Creates the request counters in `registry`. Returns an observer that counts each request."""
    requests = Counter(
        "slurm_rest_api_http_requests", "Answered requests.", ["route", "method", "status"], registry=registry
    )
    seconds = Histogram(
        "slurm_rest_api_http_request_duration_seconds",
        "Seconds until the response began.",
        ["route"],
        buckets=_BUCKETS,
        registry=registry,
    )
    sent = Counter(
        "slurm_rest_api_http_response_bytes",
        "Bytes of response bodies whose length was known at their start.",
        ["route"],
        registry=registry,
    )

    @_never_failing
    def count(event: RequestEvent) -> None:
        requests.labels(event.route, event.method, str(event.status)).inc()
        seconds.labels(event.route).observe(event.seconds)
        sent.labels(event.route).inc(event.sent_bytes or 0)

    return count


class _CircuitCounts:
    """Counts the events of one circuit (`databases.circuit.CircuitObserver`)."""

    def __init__(self, is_open: Gauge, refused: Callable[[Reason], Counter]) -> None:
        self._is_open = is_open
        self._refused = refused

    @_never_failing
    def switched(self, *, is_open: bool) -> None:
        """Records that the circuit opened or closed."""
        self._is_open.set(int(is_open))

    @_never_failing
    def refused(self, reason: Reason) -> None:
        """Counts a refused request, and publishes the state again, whose file may have been deleted."""
        self._refused(reason).inc()
        self._is_open.set(int(reason == "open"))


def count_circuits(registry: CollectorRegistry, circuits: Mapping[str, Circuit]) -> None:
    """Creates the metrics of `circuits`, by database, and observes them."""
    is_open = Gauge(
        f"{_DATABASE}_circuit_open_workers",
        "Workers that do not use the database, because it does not answer.",
        ["database"],
        registry=registry,
        multiprocess_mode="livesum",
    )
    refused = Counter(f"{_DATABASE}_refused_requests", "Refused requests.", ["database", "reason"], registry=registry)

    for name, circuit in circuits.items():
        counts = _CircuitCounts(is_open.labels(name), partial(refused.labels, name))
        # A restarted worker continues the value of its predecessor.
        counts.switched(is_open=circuit.state().open_since is not None)
        for reason in get_args(Reason):
            refused.labels(name, reason)
        circuit.observe(counts)


class DatabaseCounts:
    """Counts events of the connection pool (`acctapi.database.PoolObserver`).

    `size` is the connection limit of one process.
    """

    def __init__(self, registry: CollectorRegistry, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._in_use = 0
        self._pool = Gauge(
            f"{_DATABASE}_pool_size_connections",
            "Maximum number of connections of all workers.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._used = Gauge(
            f"{_DATABASE}_pool_used_connections",
            "Connections in use.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._taken = Counter(f"{_DATABASE}_connections_taken", "Connections checked out.", registry=registry)
        self._waited = Counter(
            f"{_DATABASE}_connection_wait_seconds", "Seconds spent waiting for a connection.", registry=registry
        )
        self._failed = Counter(f"{_DATABASE}_errors", "Failures by kind.", ["kind"], registry=registry)
        # A restarted worker continues the values of its predecessor, whose connections are closed.
        self._publish(0)
        for kind in get_args(ErrorKind):
            self._failed.labels(kind)

    @_never_failing
    def checked_out(self, waited_seconds: float) -> None:
        """Counts a connection that a request got after `waited_seconds`."""
        self._publish(1)
        self._taken.inc()
        self._waited.inc(waited_seconds)

    @_never_failing
    def checked_in(self) -> None:
        """Counts a connection that was returned."""
        self._publish(-1)

    @_never_failing
    def failed(self, kind: ErrorKind) -> None:
        """Counts a request that failed with an error of this kind."""
        self._failed.labels(kind).inc()

    def _publish(self, change: int) -> None:
        """Sets both gauges. Setting, unlike adding, is right after their file was deleted."""
        with self._lock:
            self._in_use += change
            self._pool.set(self._size)
            self._used.set(self._in_use)

"""Reads facts from the web server that runs this process: its threads, and if a client is still connected."""

from __future__ import annotations

import select
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from flask import request

try:
    import uwsgi
except ImportError:
    # The module exists only inside uWSGI.
    uwsgi = None

_CLOSED: Final = select.POLLRDHUP | select.POLLHUP | select.POLLERR


def server_threads(configured: int) -> int:
    """Returns the number of requests that one process serves at once: uWSGI's threads, else `configured`."""
    return configured if uwsgi is None else int(uwsgi.cores)


@dataclass(frozen=True)
class ThreadShares:
    """Numbers of threads of one process that may wait at a time.

    They wait for each database, for a load of the cluster, and for the first rendering of a large route.
    """

    accounting: int
    archive: int
    refresh: int
    rendering: int


def share_threads(threads: int, *, accounting: bool, archive: bool) -> ThreadShares:
    """Divides the threads of a process, so that one of four or more answers live requests.

    With both databases and eight threads or fewer, it may wait for a first rendering, which takes seconds at most.
    """
    of_accounting = max(1, threads // 2) if accounting else 0
    of_archive = max(1, threads // 4) if archive else 0
    rest = threads - of_accounting - of_archive
    of_refresh = max(1, rest // 2)
    return ThreadShares(of_accounting, of_archive, of_refresh, rendering=max(1, rest - of_refresh - 1))


def client_disconnected_check() -> Callable[[], bool]:
    """Returns a function that returns True once the client of the current request has disconnected.

    It always returns False under a server that does not report disconnects. nginx closes its connection to this
    process as soon as its own client disconnects.
    """
    disconnected: Callable[[], bool] | None = request.environ.get("waitress.client_disconnected")
    if disconnected is not None:
        return disconnected
    if uwsgi is None:
        return lambda: False
    return _closed(uwsgi.connection_fd())


def _closed(connection: Any) -> Callable[[], bool]:
    poll = select.poll()
    poll.register(connection, _CLOSED)
    return lambda: bool(poll.poll(0))

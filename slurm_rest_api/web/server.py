"""Reads facts from the web server that runs this process: its threads, and if a client is still connected."""

from __future__ import annotations

import select
from collections.abc import Callable
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

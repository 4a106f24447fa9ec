"""What the web server that runs us says: how many requests it has at once, and whether a client is still there."""

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
    """How many requests one process answers at once: what uWSGI was told, else what is `configured`."""
    return configured if uwsgi is None else int(uwsgi.cores)


def client_disconnected_check() -> Callable[[], bool]:
    """A function that says whether the client of the present request has gone; where nobody can tell, it has not.

    Behind nginx it is nginx that closes its connection to us as soon as its own client has gone.
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

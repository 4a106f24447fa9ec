"""Serves the web application in this process, under a path prefix or with a user name from a proxy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from slurm_rest_api.app import create_app
from slurm_rest_api.config import Settings

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def _naming(app: Wsgi, user: str) -> Wsgi:
    """Adds the user name that a proxy with a login sets."""
    return lambda environ, start: app({**environ, "REMOTE_USER": user}, start)


@contextmanager
def mounted(settings: Settings, prefix: str = "", user: str | None = None) -> Iterator[str]:
    """Serves the store of these settings at `prefix`. Yields the address with a slash at the end."""
    app: Wsgi = create_app(settings)
    if user is not None:
        app = _naming(app, user)
    # Pages under a prefix must not request anything outside of it.
    outside = Response("outside of the prefix", status=418)
    server = make_server("127.0.0.1", 0, DispatcherMiddleware(outside, {prefix: app}) if prefix else app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{prefix}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""Lets nginx send large files, so that no byte of them passes through a web worker (X-Accel-Redirect).

The block of `install-files` sets the uWSGI variable `SLURM_REST_API_FILES` to the location that serves the folder of
the files. A client cannot set it, because its headers become variables that begin with HTTP_. Without the variable a
worker sends the file. If nginx cannot open the file, it asks again without the variable.
"""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

from flask import Flask, Response, request

logger = logging.getLogger(__name__)

LOCATION: Final = "SLURM_REST_API_FILES"
"""The uWSGI variable with the location of the files in nginx."""

_HEADER: Final = "X-Accel-Redirect"
# nginx is in the group of the service. It opens files by their names, and lists none.
_FOLDER_MODE: Final = 0o710
_FILE_MODE: Final = 0o640


def proxied_response(body: BinaryIO, mimetype: str) -> Response | None:
    """Returns a 200 that has nginx send the open file `body`, and closes it.

    Returns None if nginx has no location for the file, or cannot be allowed to read it. The file stays open then. The
    `Content-Length` is that of the file, for the metrics. nginx computes its own.
    """
    location = request.environ.get(LOCATION)
    if not location:
        return None
    path, status = Path(body.name), os.fstat(body.fileno())
    if not status.st_mode & stat.S_IRGRP:
        try:
            path.parent.chmod(_FOLDER_MODE)
            os.fchmod(body.fileno(), _FILE_MODE)
        except OSError as error:
            logger.warning("nginx cannot be allowed to read %s: %s. A worker sends it.", path, error)
            return None
    body.close()
    response = Response(mimetype=mimetype)
    response.headers[_HEADER] = f"{location}{path.name}"
    response.content_length = status.st_size
    return response


def is_sent_by_proxy(response: Response) -> bool:
    """Returns True if nginx sends the body of `response`."""
    return _HEADER in response.headers


def join_vary(app: Flask) -> None:
    """Sends one `Vary` header for a file of nginx, because `$upstream_http_vary` is the first one before nginx 1.23.

    Flask runs handlers in reverse order. Call it after the response cache, and before handlers that add such headers.
    """

    @app.after_request
    def join(response: Response) -> Response:
        if is_sent_by_proxy(response):
            response.headers["Vary"] = ", ".join(response.headers.getlist("Vary"))
        return response

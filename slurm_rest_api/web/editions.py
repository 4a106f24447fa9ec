"""HTTP around an answer that exists in editions: validators, freshness, compression, 304."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import BinaryIO, Protocol

from flask import Response, request
from werkzeug.http import http_date, is_resource_modified
from werkzeug.wsgi import wrap_file

from slurm_rest_api.web.envelope import JSON


class Edition(Protocol):
    """What HTTP has to know of an answer; times are epoch seconds."""

    @property
    def tag(self) -> str: ...
    @property
    def changed_at(self) -> float: ...
    @property
    def loaded_at(self) -> float: ...
    @property
    def interval_seconds(self) -> float: ...
    @property
    def stale(self) -> bool: ...


def accepts_gzip() -> bool:
    """Whether the present request may be answered with `Content-Encoding: gzip`."""
    return request.accept_encodings.quality("gzip") > 0


def not_modified(edition: Edition, now: float) -> Response | None:
    """A 304 when the client has this very edition already, else None."""
    if is_resource_modified(request.environ, etag=_etag(edition), last_modified=http_date(edition.changed_at)):
        return None
    response = Response(status=304)
    _describe(response, edition, now)
    return response


def full(edition: Edition, body: BinaryIO, now: float, *, gzip: bool) -> Response:
    """A 200 that sends the open file `body`."""
    length = os.fstat(body.fileno()).st_size
    response = Response(wrap_file(request.environ, body), mimetype=JSON, direct_passthrough=True)
    response.content_length = length
    _describe(response, edition, now)
    if gzip:
        response.content_encoding = "gzip"
    return response


def streamed(edition: Edition, body: Iterable[bytes], now: float, *, gzip: bool) -> Response:
    """A 200 that sends the pieces of `body` as they come; caches may not keep it."""
    response = Response(body, mimetype=JSON)
    _describe(response, edition, now)
    # Between describing and sending, the body may become that of a later edition.
    del response.headers["ETag"], response.headers["Last-Modified"]
    response.headers["Cache-Control"] = "no-store"
    if gzip:
        response.content_encoding = "gzip"
    return response


def _etag(edition: Edition) -> str:
    # Weak: the compressed and the plain body say the same in other bytes.
    return f'W/"{edition.tag}"'


def _describe(response: Response, edition: Edition, now: float) -> None:
    headers = response.headers
    headers["ETag"] = _etag(edition)
    headers["Last-Modified"] = http_date(edition.changed_at)
    headers["Age"] = str(max(0, int(now - edition.loaded_at)))
    headers["Cache-Control"] = f"public, max-age={math.ceil(edition.interval_seconds)}"
    headers["Vary"] = "Accept-Encoding"
    if edition.stale:
        headers["X-Slurm-Stale"] = "1"

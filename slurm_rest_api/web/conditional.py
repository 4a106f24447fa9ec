"""HTTP around an answer that exists in editions: validators, freshness, compression, 304."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final, Protocol

from flask import Response, request
from werkzeug.http import http_date, is_resource_modified
from werkzeug.wsgi import wrap_file

from slurm_rest_api.web.compression import compress
from slurm_rest_api.web.envelope import JSON
from slurm_rest_api.web.memory import CachedBody, Key
from slurm_rest_api.web.response_cache import limit_cache_lifetime

# What an answer may have on the wire to be held in memory, plain or compressed, and what may go into it.
_PLAIN_BYTES: Final = 256 * 1024
_GZIP_BYTES: Final = 512 * 1024
_MADE_BYTES: Final = 8 * 1024 * 1024
# Below there compressing saves no packet.
_COMPRESSED_BYTES: Final = 1000
_KEPT_HEADERS: Final = ("Content-Encoding", "Link", "X-Total-Count")


class Representation(Protocol):
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
    @property
    def stale_from(self) -> float: ...


def accepts_gzip() -> bool:
    """Whether the present request may be answered with `Content-Encoding: gzip`."""
    return request.accept_encodings.quality("gzip") > 0


def not_modified(edition: Representation, now: float) -> Response | None:
    """A 304 when the client has this very edition already, else None."""
    if is_resource_modified(request.environ, etag=_etag(edition), last_modified=http_date(edition.changed_at)):
        return None
    response = Response(status=304)
    _describe(response, edition, now)
    return response


def full(edition: Representation, body: BinaryIO, now: float, *, gzip: bool) -> Response:
    """A 200 that sends the open file `body`."""
    length = os.fstat(body.fileno()).st_size
    if length <= _PLAIN_BYTES:
        with body:
            response = Response(body.read(), mimetype=JSON)
    else:
        response = Response(wrap_file(request.environ, body), mimetype=JSON, direct_passthrough=True)
        response.content_length = length
    _describe(response, edition, now)
    if gzip:
        response.content_encoding = "gzip"
    return response


def streamed(edition: Representation, body: Iterable[bytes], now: float, *, gzip: bool) -> Response:
    """A 200 that sends the pieces of `body` as they come; caches may not keep it."""
    response = Response(body, mimetype=JSON)
    _describe(response, edition, now)
    if gzip:
        response.content_encoding = "gzip"
    # Between describing and sending, the body may become that of a later edition.
    return unstored(response)


def unstored(response: Response) -> Response:
    """The same answer for nobody but who asked: what changed since a version is no state of anything."""
    del response.headers["ETag"], response.headers["Last-Modified"]
    response.headers["Cache-Control"] = "no-store"
    return response


def made(
    edition: Representation,
    pieces: Iterator[bytes],
    now: float,
    *,
    mimetype: str,
    on_close: Callable[[], None] = lambda: None,
) -> Response:
    """A 200 that is made for this request: in one piece where it is small, else streamed.

    It is compressed where that is accepted and saves something. `on_close` is called once the last piece is made, or
    when the client has gone away.
    """
    beginning = b"".join(_at_least(_COMPRESSED_BYTES, pieces))
    gzip = accepts_gzip() and len(beginning) >= _COMPRESSED_BYTES
    work = _Work(itertools.chain([beginning], pieces))
    wire = compress(work) if gzip else iter(work)
    most = _GZIP_BYTES if gzip else _PLAIN_BYTES
    first: list[bytes] = []
    size = 0
    for piece in wire:
        first.append(piece)
        size += len(piece)
        if size > most or work.done_bytes > _MADE_BYTES:
            response = Response(itertools.chain(first, wire), mimetype=mimetype)
            response.call_on_close(on_close)
            break
    else:
        on_close()
        response = Response(b"".join(first), mimetype=mimetype)
    _describe(response, edition, now)
    if gzip:
        response.content_encoding = "gzip"
    return response


def key_of(edition: Representation, *, has_links: bool) -> Key:
    """Under what the answer to the present request is kept; links repeat what was asked, in its own words."""
    return edition.tag, request.root_path, request.full_path if has_links else request.path, accepts_gzip()


def kept_of(response: Response) -> CachedBody | None:
    """What of an answer can be sent again; None of one that is streamed."""
    if response.is_streamed:
        return None
    headers = tuple((name, response.headers[name]) for name in _KEPT_HEADERS if name in response.headers)
    return CachedBody(response.get_data(), response.mimetype or JSON, headers)


def again(edition: Representation, kept: CachedBody, now: float) -> Response:
    """A 200 that was made before for the same question and the same edition."""
    response = Response(kept.body, mimetype=kept.mimetype)
    _describe(response, edition, now)
    for name, value in kept.headers:
        response.headers[name] = value
    return response


class _Work:
    """Pieces that are passed on, and how many bytes these were."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.done_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.done_bytes += len(piece)
            yield piece


def _at_least(size: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Pieces of at least `size` bytes together, or all that there are."""
    while size > 0 and (piece := next(pieces, None)) is not None:
        size -= len(piece)
        yield piece


def _etag(edition: Representation) -> str:
    # Weak: the compressed and the plain body say the same in other bytes.
    return f'W/"{edition.tag}"'


def _describe(response: Response, edition: Representation, now: float) -> None:
    headers = response.headers
    headers["ETag"] = _etag(edition)
    headers["Last-Modified"] = http_date(edition.changed_at)
    headers["Age"] = str(max(0, int(now - edition.loaded_at)))
    headers["Cache-Control"] = f"public, max-age={math.ceil(edition.interval_seconds)}"
    headers["Vary"] = "Accept-Encoding"
    if edition.stale:
        headers["X-Slurm-Stale"] = "1"
    limit_cache_lifetime(math.inf if edition.stale else edition.stale_from - now)

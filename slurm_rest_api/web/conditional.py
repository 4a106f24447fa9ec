"""HTTP semantics of versioned responses (RFC 9110): validators, freshness, compression and 304."""

from __future__ import annotations

import hashlib
import itertools
import math
import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, Protocol

from flask import Response, request
from werkzeug.http import http_date, is_resource_modified
from werkzeug.wsgi import wrap_file

from slurm_rest_api.errors import PreconditionFailed
from slurm_rest_api.web.compression import Coding, compress
from slurm_rest_api.web.envelope import JSON
from slurm_rest_api.web.proxied_files import proxied_response
from slurm_rest_api.web.response_cache import limit_cache_lifetime

# Largest bodies that are buffered: plain or compressed on the wire, and before compression.
_PLAIN_BYTES: Final = 256 * 1024
_COMPRESSED_BYTES: Final = 512 * 1024
_UNCOMPRESSED_BYTES: Final = 8 * 1024 * 1024
# Compressing a smaller body saves no packet.
MIN_COMPRESSED_BYTES: Final = 1000


class Representation(Protocol):
    """The metadata of a response. Times are epoch seconds, `interval_seconds` is from load to load."""

    @property
    def etag(self) -> str: ...
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


def accepted_coding() -> Coding:
    """Returns the content coding of the response to the current request: the preferred one, and zstd of equals.

    A client that accepts `*` gets gzip. Older ones cannot decode zstd, so they have to name it.
    """
    accepted = request.accept_encodings
    gzip, zstd = (
        accepted.quality("gzip"),
        max((quality for name, quality in accepted if name.lower() == "zstd"), default=0),
    )
    if zstd > 0 and zstd >= gzip:
        return "zstd"
    return "gzip" if gzip > 0 else "identity"


def has_representation(representation: Representation) -> bool:
    """Returns True if the client names the etag of this representation in `If-None-Match`, other than by `*`."""
    known = request.if_none_match
    return not known.star_tag and known.contains_weak(representation.etag)


def not_modified(representation: Representation, now: float) -> Response | None:
    """Returns a 304 if the client has this representation already, else None.

    Call it only if the response without preconditions is a 200 (RFC 9110, section 13.2.1). If-Modified-Since is no
    validator: two web hosts with one address load at different moments of different clocks, so the older of two dates
    may belong to the newer data.

    Raises:
        PreconditionFailed: If-Match or If-Unmodified-Since requires another representation.
    """
    _check_required(representation)
    environ = {name: value for name, value in request.environ.items() if name != "HTTP_IF_MATCH"}
    if is_resource_modified(environ, etag=_weak(representation.etag)):
        return None
    response = Response(status=304)
    _set_cache_headers(response, representation, now)
    return response


def file_response(representation: Representation, body: BinaryIO, now: float, coding: Coding) -> Response:
    """Returns a 200 that sends the open file `body`. It is closed after that."""
    length = os.fstat(body.fileno()).st_size
    if length <= _PLAIN_BYTES:
        with body:
            response = Response(body.read(), mimetype=JSON)
    elif (proxied := proxied_response(body, JSON)) is not None:
        response = proxied
    else:
        response = Response(wrap_file(request.environ, body), mimetype=JSON, direct_passthrough=True)
        response.content_length = length
    _set_cache_headers(response, representation, now, coding)
    return response


def may_be_replaced(response: Response, representation: Representation) -> Response:
    """Says that the response is sent for one more interval while the next one is made (RFC 5861, section 3)."""
    response.cache_control.stale_while_revalidate = math.ceil(representation.interval_seconds)
    return response


def stream_response(representation: Representation, body: Iterable[bytes], now: float, coding: Coding) -> Response:
    """Returns a 200 that sends the pieces of `body` as they are made. Caches may not store it."""
    response = Response(body, mimetype=JSON)
    _set_cache_headers(response, representation, now, coding)
    # The body is read later than the headers, so it may be of a later version.
    return no_store(response)


def with_etag(response: Response) -> Response:
    """Returns a 200 with the ETag of its whole body, which is read, or a 304 if the client has that body already.

    Raises:
        PreconditionFailed: If-Match requires another representation.
    """
    _check_if_match()
    etag = hashlib.blake2b(response.get_data(), digest_size=16).hexdigest()
    response.headers["ETag"] = _weak(etag)
    environ = {name: value for name, value in request.environ.items() if name != "HTTP_IF_MATCH"}
    if is_resource_modified(environ, etag=_weak(etag)):
        return response
    unchanged = Response(status=304)
    for name in ("ETag", "Cache-Control", "Link"):
        if name in response.headers:
            unchanged.headers[name] = response.headers[name]
    return unchanged


def no_store(response: Response) -> Response:
    """Forbids caches to store `response`: changes since a version are no representation of a resource."""
    del response.headers["ETag"], response.headers["Last-Modified"]
    response.headers["Cache-Control"] = "no-store"
    return response


def buffered_or_streamed_response(
    representation: Representation, pieces: Iterator[bytes], now: float, *, mimetype: str
) -> Response:
    """Returns a 200 with the body `pieces`: in one piece if it is small, else streamed (`Response.is_streamed`).

    The body is compressed if the client accepts that and it saves something.
    """
    beginning = b"".join(_at_least(MIN_COMPRESSED_BYTES, pieces))
    coding = accepted_coding() if len(beginning) >= MIN_COMPRESSED_BYTES else "identity"
    plain = _CountedPieces(itertools.chain([beginning], pieces))
    encoded = compress(plain, coding)
    buffered, is_whole = _read_ahead(encoded, plain, _PLAIN_BYTES if coding == "identity" else _COMPRESSED_BYTES)
    response = Response(b"".join(buffered) if is_whole else itertools.chain(buffered, encoded), mimetype=mimetype)
    _set_cache_headers(response, representation, now, coding)
    return response


class _CountedPieces:
    """Passes pieces on and counts their bytes."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.passed_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.passed_bytes += len(piece)
            yield piece


def _read_ahead(encoded: Iterator[bytes], plain: _CountedPieces, max_bytes: int) -> tuple[list[bytes], bool]:
    """Reads pieces until there are more than `max_bytes` of them. Returns them, and True if these are all.

    A body that compresses well is bounded by the work for it: the bytes of `plain` that it was made from.
    """
    buffered: list[bytes] = []
    size = 0
    for piece in encoded:
        buffered.append(piece)
        size += len(piece)
        if size > max_bytes or plain.passed_bytes > _UNCOMPRESSED_BYTES:
            return buffered, False
    return buffered, True


def _at_least(size: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yields pieces until they have `size` bytes together, or all."""
    while size > 0 and (piece := next(pieces, None)) is not None:
        size -= len(piece)
        yield piece


def _check_required(representation: Representation) -> None:
    """Evaluates If-Match, else If-Unmodified-Since (RFC 9110, section 13.2.2, steps 1 and 2)."""
    unmodified_since = request.if_unmodified_since
    if request.if_match:
        _check_if_match()
    elif unmodified_since is not None and int(representation.changed_at) > unmodified_since.timestamp():
        raise PreconditionFailed(
            f"The data changed at {http_date(representation.changed_at)}. Leave out `If-Unmodified-Since` to get it."
        )


def _check_if_match() -> None:
    # If-Match compares strongly, and a weak validator never matches so.
    if request.if_match and not request.if_match.star_tag:
        raise PreconditionFailed("`If-Match` needs a strong validator, but ETags are weak. Use `If-None-Match`.")


def _weak(etag: str) -> str:
    # Weak, because the compressed and the plain body differ in their bytes.
    return f'W/"{etag}"'


def _set_cache_headers(
    response: Response, representation: Representation, now: float, coding: Coding = "identity"
) -> None:
    headers = response.headers
    headers["ETag"] = _weak(representation.etag)
    headers["Last-Modified"] = http_date(representation.changed_at)
    headers["Age"] = str(max(0, int(now - representation.loaded_at)))
    headers["Cache-Control"] = f"public, max-age={math.ceil(representation.interval_seconds)}"
    headers["Vary"] = "Accept-Encoding"
    if coding != "identity":
        headers["Content-Encoding"] = coding
    if representation.stale:
        headers["X-Slurm-Stale"] = "1"
    limit_cache_lifetime(math.inf if representation.stale else representation.stale_from - now)

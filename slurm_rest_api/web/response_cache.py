"""WSGI middleware that caches small responses until the store changes.

Authentication, access log and metrics still run for every hit. Headers that the application added to a response are
cached with it. Only `Age` is recomputed.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from flask import Flask, Response, g, request

from slurm_rest_api.auth.principal import Principal
from slurm_rest_api.errors import ServiceError
from slurm_rest_api.web.proxied_files import LOCATION
from slurm_rest_api.web.request_events import Observer, RequestEvent, request_event

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

DEFAULT_LIFETIME_SECONDS: Final = 1.0
"""Default lifetime of a cached response, in seconds."""

MAX_CACHE_BYTES: Final = 8 * 1024 * 1024
"""Default size of the cache of one process."""

# An entry without a body still has headers, a key and a place in a dictionary.
_ENTRY_OVERHEAD_BYTES: Final = 1024

# Responses of the cached routes depend on these parts of a request, on the query and on the credentials.
_REQUEST_PARTS: Final = (
    "SCRIPT_NAME",
    "PATH_INFO",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_MATCH",
    "HTTP_IF_UNMODIFIED_SINCE",
    "HTTP_IF_RANGE",
    "HTTP_RANGE",
    "HTTP_ORIGIN",
    # Without it, a worker sends a file that nginx could not open.
    LOCATION,
)
_CREDENTIALS: Final = ("HTTP_AUTHORIZATION", "HTTP_X_SLURM_USER_NAME", "HTTP_X_SLURM_USER_TOKEN", "REMOTE_USER")
_WAIT_SECONDS: Final = 2.0
"""Longest wait for an identical request."""

_CANDIDATE: Final = "slurm_rest_api.cache_candidate"

Key = tuple[Hashable, ...]
Identify = Callable[["WSGIEnvironment"], Principal | None]
"""Returns the principal of a request, or None without authentication. Raises ServiceError."""


def no_authentication(_environ: WSGIEnvironment) -> None:
    """Identifies no principal, for a service without authentication."""


@dataclass(frozen=True)
class CachedResponse:
    """A response that is valid for one principal and one version of the store, until `expires_at` of the clock.

    `headers` lacks `Age`. A response with an age had the age 0 at `aged_from` of the clock. It ends
    earlier once `is_valid` returns False.
    """

    body: bytes
    status: str
    headers: tuple[tuple[str, str], ...]
    event: RequestEvent
    principal: Principal | None
    version: Hashable
    expires_at: float
    aged_from: float | None
    is_valid: Callable[[], bool] | None = None

    def headers_at(self, now: float) -> list[tuple[str, str]]:
        """Returns all headers for a response that is sent at `now` of the clock."""
        if self.aged_from is None:
            return list(self.headers)
        return [*self.headers, ("Age", str(int(now - self.aged_from)))]


@dataclass
class CacheCandidate:
    """A request whose response may be stored under `key`, for `seconds` or for the default lifetime.

    `stop_waiting` lets identical requests go on.
    """

    key: Key
    version: Hashable
    stop_waiting: Callable[[], None]
    seconds: float | None = None
    is_valid: Callable[[], bool] | None = None


class ResponseLRU:
    """Cached responses by key. The least recently used are dropped when they exceed `max_bytes` together."""

    def __init__(self, max_bytes: int = MAX_CACHE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._responses: OrderedDict[Key, CachedResponse] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> CachedResponse | None:
        """Returns the response stored under `key`, if there is one."""
        with self._lock:
            response = self._responses.get(key)
            if response is not None:
                self._responses.move_to_end(key)
            return response

    def put(self, key: Key, response: CachedResponse) -> None:
        """Stores `response` under `key` and drops others to make room."""
        with self._lock:
            replaced = self._responses.pop(key, None)
            self._bytes += _size(key, response) - (_size(key, replaced) if replaced else 0)
            self._responses[key] = response
            while self._bytes > self._max_bytes:
                self._bytes -= _size(*self._responses.popitem(last=False))


class ResponseCacheMiddleware:
    """Caches whole small responses of some blueprints for one version of the store.

    Identical requests that come at once are computed once. The others wait for the response of the first, and are
    computed by themselves if it cannot be cached or takes longer than `_WAIT_SECONDS`.

    Requests for other blueprints pass through: they may take as long as a database hangs.
    """

    def __init__(
        self,
        version: Callable[[], Hashable | None],
        identify: Identify = no_authentication,
        observers: Sequence[Observer] = (),
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._version = version
        self._identify = identify
        self._observers = observers
        self._clock = clock
        self._responses = ResponseLRU()
        self._lock = threading.Lock()
        self._computing: dict[Key, threading.Event] = {}

    def install(self, app: Flask, *blueprints: str) -> None:
        """Puts the cache in front of `app`. Handlers that change responses have to be registered afterwards."""
        application: WSGIApplication = app.wsgi_app
        names = {
            _first_name(rule.rule)
            for rule in app.url_map.iter_rules()
            if rule.endpoint.rpartition(".")[0] in blueprints
        }

        @app.after_request
        def store(response: Response) -> Response:
            candidate: CacheCandidate | None = request.environ.pop(_CANDIDATE, None)
            if candidate is not None and request.blueprint in blueprints and _is_cacheable(response):
                self._store(candidate, response)
            return response

        def cached_application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            is_cached = environ["REQUEST_METHOD"] == "GET" and _first_name(environ.get("PATH_INFO", "")) in names
            if not is_cached or "no-cache" in environ.get("HTTP_CACHE_CONTROL", "").lower():
                return application(environ, start_response)
            return self._respond(application, environ, start_response)

        # Flask documents `wsgi_app` as the place for middleware.
        app.wsgi_app = cached_application  # type: ignore[method-assign]

    def _respond(
        self, application: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        began = self._clock()
        key = _key_of(environ)
        try:
            # Read before the data: a response that is made during a write is valid for the earlier version only.
            version = self._version()
        except ServiceError:
            # The application meets the same error and reports it.
            version = None
        if version is None:
            return application(environ, start_response)
        if (cached := self._lookup(environ, key, version)) is not None:
            return self._send(cached, environ, start_response, began)
        computing, is_mine = self._begin(key)
        if not is_mine:
            computing.wait(_WAIT_SECONDS)
        try:
            # Another thread may have stored the response in the meantime.
            if (cached := self._lookup(environ, key, version)) is not None:
                return self._send(cached, environ, start_response, began)
            environ[_CANDIDATE] = CacheCandidate(key, version, partial(self._end, key, computing))
            # Returns before a large body is streamed, so that identical requests do not wait for a slow client.
            return application(environ, start_response)
        finally:
            if is_mine:
                self._end(key, computing)

    def _begin(self, key: Key) -> tuple[threading.Event, bool]:
        """Returns the event of the thread that computes the response for `key`, and True if that is this thread."""
        with self._lock:
            computing = self._computing.get(key)
            if computing is not None:
                return computing, False
            return self._computing.setdefault(key, threading.Event()), True

    def _end(self, key: Key, computing: threading.Event) -> None:
        with self._lock:
            if self._computing.get(key) is computing:
                del self._computing[key]
        computing.set()

    def _lookup(self, environ: WSGIEnvironment, key: Key, version: Hashable) -> CachedResponse | None:
        """Returns the stored response if it is valid for this version and for the principal of the request."""
        cached = self._responses.get(key)
        if cached is None or cached.version != version or self._clock() >= cached.expires_at:
            return None
        if cached.is_valid is not None and not cached.is_valid():
            return None
        try:
            return cached if cached.principal == self._identify(environ) else None
        except ServiceError:
            # The application meets the same error and reports it.
            return None

    def _send(
        self, cached: CachedResponse, environ: WSGIEnvironment, start_response: StartResponse, began: float
    ) -> Iterable[bytes]:
        now = self._clock()
        start_response(cached.status, cached.headers_at(now))
        event = replace(cached.event, client=environ.get("REMOTE_ADDR"), seconds=round(self._clock() - began, 6))
        for observer in self._observers:
            observer(event)
        return [cached.body]

    def _store(self, candidate: CacheCandidate, response: Response) -> None:
        now = self._clock()
        headers = response.get_wsgi_headers(request.environ)
        age = headers.pop("Age", None)
        lifetime = DEFAULT_LIFETIME_SECONDS if candidate.seconds is None else candidate.seconds
        cached = CachedResponse(
            body=response.get_data(),
            status=response.status,
            headers=tuple(headers.items()),
            event=request_event(response),
            principal=g.get("principal"),
            version=candidate.version,
            expires_at=now + lifetime,
            aged_from=None if age is None else now - int(age),
            is_valid=candidate.is_valid,
        )
        self._responses.put(candidate.key, cached)


def limit_cache_lifetime(seconds: float) -> None:
    """Caps how long the current response may be cached. Repeated calls keep the smallest value."""
    candidate: CacheCandidate | None = request.environ.get(_CANDIDATE)
    if candidate is not None:
        candidate.seconds = seconds if candidate.seconds is None else min(seconds, candidate.seconds)


def cache_while(is_valid: Callable[[], bool]) -> None:
    """Caches the current response only until `is_valid` returns False. Each request that could get it calls it."""
    candidate: CacheCandidate | None = request.environ.get(_CANDIDATE)
    if candidate is not None:
        candidate.is_valid = is_valid


def do_not_wait() -> None:
    """Lets identical requests go on without the current response. It may be cached nevertheless."""
    candidate: CacheCandidate | None = request.environ.get(_CANDIDATE)
    if candidate is not None:
        candidate.stop_waiting()


def do_not_cache() -> None:
    """Excludes the current response from the cache. Identical requests do not wait for it any more."""
    candidate: CacheCandidate | None = request.environ.pop(_CANDIDATE, None)
    if candidate is not None:
        candidate.stop_waiting()


def _is_cacheable(response: Response) -> bool:
    # A file that the server sends may have a length, as a list has.
    is_sent_by_server = response.is_streamed or response.direct_passthrough
    return response.status_code in (200, 304) and not is_sent_by_server


def _first_name(path: str) -> str:
    return path.lstrip("/").partition("/")[0]


def _key_of(environ: WSGIEnvironment) -> Key:
    """Returns the parts of a request that its response depends on. Credentials are secret, so it has their digest."""
    given = [environ.get(name) for name in _CREDENTIALS]
    credentials = sha256(repr(given).encode("utf-8", "surrogateescape")).digest() if any(given) else None
    # Such a client takes no stale response (RFC 9111, section 5.2.1.1).
    needs_current = "max-age" in environ.get("HTTP_CACHE_CONTROL", "").lower()
    query = _normalized(environ.get("QUERY_STRING", ""))
    return credentials, needs_current, query, *map(environ.get, _REQUEST_PARTS)


def _normalized(query: str) -> str:
    """Returns the query without jQuery's cache-buster and sorted by names. Values of one name keep their order."""
    if "&" not in query and "_=" not in query:
        return query
    parameters = [parameter for parameter in query.split("&") if not parameter.startswith("_=")]
    return "&".join(sorted(parameters, key=lambda parameter: parameter.partition("=")[0]))


def _size(key: Key, response: CachedResponse) -> int:
    return len(response.body) + sum(len(part) for part in key if isinstance(part, str)) + _ENTRY_OVERHEAD_BYTES

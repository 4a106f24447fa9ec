"""Answers to requests that many send alike, before Flask, or anything of it, sees them.

Who asks is found out each time, and observers are told of each. Whatever else happens to an answer, like headers for
browsers, has happened to the one that is repeated. Only `Age` is counted on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from flask import Flask, Response, g, request

from slurm_rest_api.auth.principal import Principal
from slurm_rest_api.errors import ServiceError
from slurm_rest_api.web.memory import Key, ResponseLRU
from slurm_rest_api.web.request_events import Observer, RequestEvent, request_event

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

DEFAULT_LIFETIME_SECONDS: Final = 1.0
"""After so long an answer is made anew although nothing was written, unless it said how long it stands."""

# Whatever else a client sends, no answer of these routes depends on it.
_ASKED: Final = (
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_RANGE",
    "HTTP_RANGE",
    "HTTP_ORIGIN",
)
_CREDENTIALS: Final = ("HTTP_AUTHORIZATION", "HTTP_X_SLURM_USER_NAME", "HTTP_X_SLURM_USER_TOKEN", "REMOTE_USER")
_PLACE: Final = "slurm_rest_api.repeats"

Identify = Callable[["WSGIEnvironment"], Principal | None]
"""Who sends a request; None where nobody is asked for a name. Raises ServiceError."""


def no_authentication(_environ: WSGIEnvironment) -> None:
    """Where nobody is asked for a name."""


@dataclass(frozen=True)
class CachedResponse:
    """An answer, and when it may be repeated: to whom, at this moment of the data, until this time of the clock.

    `headers` is without `Age`, which the answer has from `aged_from` on, where it has one.
    """

    body: bytes
    status: str
    headers: tuple[tuple[str, str], ...]
    exchange: RequestEvent
    who: Principal | None
    moment: Hashable
    until: float
    aged_from: float | None

    def headers_at(self, now: float) -> list[tuple[str, str]]:
        """All headers of it at this time of the clock."""
        if self.aged_from is None:
            return list(self.headers)
        return [*self.headers, ("Age", str(int(now - self.aged_from)))]


@dataclass
class CacheCandidate:
    """A request whose answer may be kept: under what, for which moment, and for how many seconds if that was said."""

    key: Key
    moment: Hashable
    seconds: float | None = None


class ResponseCacheMiddleware:
    """Keeps whole small answers of some blueprint for the moment that the data is at."""

    def __init__(
        self,
        moment: Callable[[], Hashable | None],
        who: Identify = no_authentication,
        observers: Sequence[Observer] = (),
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._moment = moment
        self._who = who
        self._observers = observers
        self._clock = clock
        self._memory = ResponseLRU[CachedResponse]()

    def attach(self, app: Flask, blueprint: str) -> None:
        """Have `app` repeat answers of `blueprint`; whatever changes answers has to be attached afterwards."""
        made_by: WSGIApplication = app.wsgi_app

        @app.after_request
        def keep(response: Response) -> Response:
            asked: CacheCandidate | None = request.environ.pop(_PLACE, None)
            if asked is not None and request.blueprint == blueprint and _is_repeatable(response):
                self._keep(asked, response)
            return response

        def repeat(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            began = self._clock()
            kept = self._look(environ, began)
            if kept is None:
                return made_by(environ, start_response)
            start_response(kept.status, kept.headers_at(began))
            exchange = replace(
                kept.exchange, client=environ.get("REMOTE_ADDR"), seconds=round(self._clock() - began, 6)
            )
            for observer in self._observers:
                observer(exchange)
            return [kept.body]

        # Flask's own place for what comes before it.
        app.wsgi_app = repeat  # type: ignore[method-assign]

    def _look(self, environ: WSGIEnvironment, now: float) -> CachedResponse | None:
        """What answers this request again; else the request is marked, so that its answer may be kept."""
        if environ["REQUEST_METHOD"] != "GET" or "HTTP_CACHE_CONTROL" in environ:
            return None
        key = _key(environ)
        try:
            # Taken before the data is read: what is written meanwhile makes the answer one of no moment.
            moment = self._moment()
            kept = self._memory.get(key)
            if kept is not None and kept.moment == moment and now < kept.until and kept.who == self._who(environ):
                return kept
        except ServiceError:
            # The application meets the same fault and says so.
            return None
        if moment is not None:
            environ[_PLACE] = CacheCandidate(key, moment)
        return None

    def _keep(self, asked: CacheCandidate, response: Response) -> None:
        now = self._clock()
        headers = response.get_wsgi_headers(request.environ)
        age = headers.pop("Age", None)
        kept = CachedResponse(
            response.get_data(),
            response.status,
            tuple(headers.items()),
            request_event(response),
            g.get("principal"),
            asked.moment,
            now + (DEFAULT_LIFETIME_SECONDS if asked.seconds is None else asked.seconds),
            None if age is None else now - int(age),
        )
        self._memory.keep(asked.key, kept)


def limit_cache_lifetime(seconds: float) -> None:
    """Have the answer to the present request repeated for so long while nothing is written; the least said counts."""
    asked: CacheCandidate | None = request.environ.get(_PLACE)
    if asked is not None:
        asked.seconds = seconds if asked.seconds is None else min(seconds, asked.seconds)


def do_not_cache() -> None:
    """Have the answer to the present request not repeated: it depends on more than on the data."""
    request.environ.pop(_PLACE, None)


def _is_repeatable(response: Response) -> bool:
    # A server's wrapper of a file may have a length, like a list of pieces.
    is_passed_on = response.is_streamed or response.direct_passthrough
    return response.status_code in (200, 304) and not is_passed_on


def _key(environ: WSGIEnvironment) -> Key:
    """What an answer depends on; of credentials only their digest, as they are secret."""
    given = [environ.get(name) for name in _CREDENTIALS]
    credentials = sha256(repr(given).encode("utf-8", "surrogateescape")).digest() if any(given) else None
    return credentials, *map(environ.get, _ASKED)

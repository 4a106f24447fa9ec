"""Answers to requests that many send alike, before anything is parsed, validated or asked of the data.

Who asks has been found out by then, and whatever Flask does with an answer afterwards happens to a repeated one too:
headers for browsers, the access log, metrics. `Age` may be a second behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from flask import Flask, Response, g, request

from slurm_rest_api.web.memory import AnswerMemory, Key

LONGEST_SECONDS: Final = 1.0
"""After so long an answer is made anew although nothing has been written: time alone makes data stale."""

# Whatever else a client sends, no answer of these routes depends on it.
_ASKED: Final = (
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_RANGE",
    "HTTP_RANGE",
)


@dataclass(frozen=True)
class Repeatable:
    """An answer, and while what it may be repeated: at this moment of the data, until this time of the clock."""

    body: bytes
    status: int
    headers: tuple[tuple[str, str], ...]
    moment: Hashable
    until: float


class Repeats:
    """Keeps whole small answers of some blueprint for the moment that the data is at."""

    def __init__(self, moment: Callable[[], Hashable | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._moment = moment
        self._clock = clock
        self._memory = AnswerMemory[Repeatable]()

    def attach(self, app: Flask, blueprint: str) -> None:
        """Have `app` repeat answers of `blueprint`; whatever finds out who asks has to be attached before."""

        @app.before_request
        def look() -> Response | None:
            if request.blueprint != blueprint or request.method != "GET" or "HTTP_CACHE_CONTROL" in request.environ:
                return None
            if (moment := self._moment()) is None:
                return None
            key = _key()
            kept = self._memory.get(key)
            if kept is not None and kept.moment == moment and self._clock() < kept.until:
                return Response(kept.body, kept.status, kept.headers)
            # Taken before the data is read: what is written meanwhile makes the answer one of no moment.
            g.repeats = key, moment
            return None

        @app.after_request
        def keep(response: Response) -> Response:
            asked: tuple[Key, Hashable] | None = g.get("repeats")
            if asked is None or response.status_code not in (200, 304) or _is_passed_on(response):
                return response
            key, moment = asked
            headers = tuple((name, value) for name, value in response.headers)
            until = self._clock() + LONGEST_SECONDS
            self._memory.keep(key, Repeatable(response.get_data(), response.status_code, headers, moment, until))
            return response


def answer_once() -> None:
    """Have the answer to the present request not repeated: it depends on more than on the data."""
    g.pop("repeats", None)


def _is_passed_on(response: Response) -> bool:
    # A server's wrapper of a file may have a length, like a list of pieces.
    return response.is_streamed or response.direct_passthrough


def _key() -> Key:
    environ = request.environ
    return g.get("principal"), *(environ.get(name) for name in _ASKED)

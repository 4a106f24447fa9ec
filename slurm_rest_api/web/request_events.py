"""Tells others about each request once it is answered: the metrics, and the access log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import orjson
from flask import Flask, Response, g, request

from slurm_rest_api.web.auth import principal_name

logger = logging.getLogger(__name__)

_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST_PATH: Final = 200


@dataclass(frozen=True)
class RequestEvent:
    """One request and what became of it; nothing in it is secret.

    `route` is the pattern of the route, "none" where there is none; `method` is "other" where no route has it.
    `sent_bytes` is None for an answer whose length was not known when it began, `seconds` is until it began.
    """

    client: str | None
    user: str | None
    method: str
    route: str
    path: str
    status: int
    sent_bytes: int | None
    seconds: float


Observer = Callable[[RequestEvent], None]


def observe(app: Flask, observers: Sequence[Observer]) -> None:
    """Have `app` tell each of `observers` about each request."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        exchange = request_event(response)
        for observer in observers:
            observer(exchange)
        return response


def log_access(exchange: RequestEvent) -> None:
    """Write `exchange` to the log as one line of JSON."""
    logger.info("%s", orjson.dumps(asdict(exchange)).decode())


def request_event(response: Response) -> RequestEvent:
    """The present request, which `response` answers."""
    rule = request.url_rule
    is_bodyless = request.method == "HEAD" or response.status_code == 304
    return RequestEvent(
        client=request.remote_addr,
        user=principal_name(),
        method=request.method if request.method in _METHODS else "other",
        route="none" if rule is None else rule.rule,
        path=request.path[:_LONGEST_PATH].encode("utf-8", "replace").decode(),
        status=response.status_code,
        sent_bytes=0 if is_bodyless else response.content_length,
        seconds=round(time.perf_counter() - g.began, 6) if "began" in g else 0.0,
    )

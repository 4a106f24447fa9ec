"""Reports each answered request to observers: the metrics and the access log."""

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
    """One request and its response, without secrets.

    `route` is the pattern of the route, or "none". `method` is "other" for a method that no route has. `sent_bytes` is
    None for a streamed response. `seconds` is the time until the response begins.
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
    """Calls each of `observers` for each request to `app`."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        event = request_event(response)
        for observer in observers:
            observer(event)
        return response


def log_access(event: RequestEvent) -> None:
    """Writes `event` to the log as one line of JSON."""
    logger.info("%s", orjson.dumps(asdict(event)).decode())


def request_event(response: Response) -> RequestEvent:
    """Returns the event of the current request, which `response` answers."""
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

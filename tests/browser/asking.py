"""Requests of a test to the service, and answers that a test gives in its place."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Page, Route

from tests.waiting import GIVE_UP_SECONDS


def asked(address: str, question: str) -> Any:
    """Returns the answer of the service at `address` to `question`, as parsed JSON."""
    try:
        with urllib.request.urlopen(address + question, timeout=GIVE_UP_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"GET /{question}: {error.code} {error.read().decode()}") from error


def text_of(url: str) -> str:
    """Returns the body of the answer to a GET of `url`, which may be an error."""
    try:
        with urllib.request.urlopen(url, timeout=GIVE_UP_SECONDS) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()


def answer_with(page: Page, path: str, body: object, status: int = 200) -> None:
    """Answers every request of `page` to the route `path` with `body`."""

    def fulfil(route: Route) -> None:
        route.fulfill(status=status, content_type="application/json", body=json.dumps(body))

    page.route(lambda url: is_of(path, url), fulfil)


def is_of(path: str, url: str) -> bool:
    """Returns True if `url` is a request to the route `path`, and no page of that name."""
    # The "+" of a component of a heterogeneous job is encoded.
    return unquote(urlsplit(url).path) == f"/{path}"


def fail_with(page: Page, path: str, status: int, detail: str, parameter: str | None = None) -> None:
    """Answers every request to the route `path` with an error."""
    source = {} if parameter is None else {"source": {"parameter": parameter}}
    error = {"status": str(status), "title": "A failure", "detail": detail, "meta": {"args": []}, **source}
    answer_with(page, path, {"errors": [error]}, status)


def node_state(state: str) -> dict[str, Any]:
    """Returns the three state fields of a node: `DOWN*+DRAIN` is DOWN with the flags NOT_RESPONDING and DRAIN."""
    base, *flags = state.split("+")
    silent = ["NOT_RESPONDING"] if base.endswith("*") else []
    return {"state": state, "state_base": base.removesuffix("*"), "state_flags": [*silent, *flags]}

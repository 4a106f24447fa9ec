"""A client that polls the changes of a route with `since`, as the documentation describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Body = dict[str, dict[str, Any]]
Ask = Callable[..., dict[str, Any]]
"""Asks for a path with parameters; the body of a 200."""

CLOCK_FIELDS = {"run_time", "run_time_str", "run_time_remaining", "elapsed_cpu_time"}


def applied(known: Body, answer: dict[str, Any]) -> Body:
    """Applies a response to `since` as the documentation describes."""
    body = {} if answer["meta"]["full"] else {key: dict(record) for key, record in known.items()}
    for key, record in answer["data"].items():
        body.setdefault(key, {}).update(record)
    for key in answer["meta"]["gone"]:
        body.pop(key, None)
    return body


def without_clock(body: Body) -> Body:
    return {
        key: {field: value for field, value in record.items() if field not in CLOCK_FIELDS}
        for key, record in body.items()
    }


class Client:
    """Remembers an answer and its version. `full` counts the answers that began from nothing."""

    def __init__(self, path: str, query: Mapping[str, str], *, clock: bool) -> None:
        self.path = path
        self.query = dict(query)
        self.clock = clock
        self.body: Body = {}
        self.version = "none"
        self.full = 0

    def poll(self, ask: Ask, **more: str) -> None:
        """Updates its copy to the current version."""
        clock = {"clock": "true"} if self.clock else {}
        answer = ask(self.path, **self.query, **clock, **more, since=self.version)
        self.body = applied(self.body, answer)
        self.version = answer["meta"]["version"]
        self.full += answer["meta"]["full"]

    def agrees_with(self, whole: dict[str, Any]) -> bool:
        """Returns True if its copy equals the response to the same query without `since`."""
        if whole["meta"]["version"] != self.version:
            return False
        known: Body = whole["data"]
        if self.clock:
            return self.body == known
        return without_clock(self.body) == without_clock(known)

    def __repr__(self) -> str:
        return f"Client({self.path!r}, {self.query!r}, clock={self.clock})"

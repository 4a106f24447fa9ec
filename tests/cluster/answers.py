"""Answers of the service over HTTP, and waiting for one that was loaded after a moment."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.testbed.service import Service
from tests.testbed.steps import wait_until
from tests.waiting import GIVE_UP_SECONDS


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; `headers` have lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def ask(service: Service, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
    """Ask the service; an error status is an answer too."""
    request = urllib.request.Request(f"{service.url}{path}", method=method, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=GIVE_UP_SECONDS) as reply:
            return _answer(reply)
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error)


def _answer(reply: Any) -> Answer:
    return Answer(reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.read())


def fresh(service: Service, *paths: str) -> list[Any]:
    """The `data` of each path, all of one snapshot whose loading began after this call did."""
    called = time.time()

    def probe() -> list[Answer]:
        return [ask(service, path) for path in paths]

    def loaded_since(answers: list[Answer]) -> bool:
        # `Age` is cut to whole seconds: the load may have begun almost one second before.
        now = time.time()
        return all(now - int(answer.headers["age"]) - 2 > called for answer in answers) and _same_moment(answers)

    answers = wait_until(f"a fresh answer of {', '.join(paths)}", probe, loaded_since)
    assert [answer.status for answer in answers] == [200] * len(paths)
    return [answer.json["data"] for answer in answers]


def _same_moment(answers: list[Answer]) -> bool:
    # The first path is asked first; an answer that is younger than it may be of another snapshot.
    return len({answer.headers["age"] for answer in answers}) == 1

"""Answers change with time although nothing is loaded."""

from __future__ import annotations

import functools
import time
from pathlib import Path

import pytest

from slurm_rest_api import app
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from slurm_rest_api.web.response_cache import ResponseCacheMiddleware
from tests.builders import make_job, make_snapshot
from tests.fakes import FakeSource
from tests.slurmapi.query.service import Service
from tests.waiting import wait_for


class Clock:
    """The system's clock, which a test can set forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._now = time.time()
        monkeypatch.setattr(time, "time", lambda: self._now)
        cache = functools.partial(ResponseCacheMiddleware, clock=lambda: self._now)
        monkeypatch.setattr(app, "ResponseCacheMiddleware", cache)

    def advance(self, seconds: float) -> None:
        """Sets the clock forward."""
        self._now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def api(tmp_path: Path, clock: Clock) -> Service:
    """Returns a service whose time is that of `clock`."""
    assert clock
    return Service(tmp_path)


def test_a_cached_response_becomes_stale_in_time(tmp_path: Path) -> None:
    api = Service(tmp_path)
    source = FakeSource(make_snapshot(jobs=[make_job(1)]))

    def is_stale() -> bool:
        answer = api.client.get("/queue?limit=1")
        found = (answer.headers.get("X-Slurm-Stale"), answer.get_json()["meta"]["stale"])
        assert found in ((None, False), ("1", True))
        return found == ("1", True)

    # On a busy machine the data of a short interval may be stale before the first request.
    for seconds in (0.5, 4.0, 32.0):
        source.snapshot = make_snapshot(jobs=[make_job(1)])
        Cycle(source, StoreWriter(api.paths.store), hidden=[], refresh_seconds=seconds).run()
        if fresh := not is_stale():
            break
    assert fresh
    wait_for("the cached response to become stale", is_stale)


def test_now_is_the_time_of_each_request(api: Service, clock: Clock) -> None:
    api.load({1: make_job(1, start_time=int(time.time()) + 2)})
    assert api.get("/queue?startbefore=now")["data"] == {}
    clock.advance(3)
    assert list(api.get("/queue?startbefore=now")["data"]) == ["1"]


def test_a_cached_response_ages(api: Service, clock: Clock) -> None:
    api.load({1: make_job(1)})
    assert api.client.get("/queue/1").headers.getlist("Age") == ["0"]
    clock.advance(7)
    assert api.client.get("/queue/1").headers.getlist("Age") == ["7"]

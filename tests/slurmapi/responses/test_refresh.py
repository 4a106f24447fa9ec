"""Requests with `Cache-Control: no-cache`: they wait for a load, a bounded number of them for a bounded time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from slurm_rest_api.slurmapi.responses.refresh import Refresher
from slurm_rest_api.slurmapi.shared.refresh_pipe import RefreshListener
from slurm_rest_api.slurmapi.store.reader import Status
from tests.builders import make_job
from tests.slurmapi.query.service import Service
from tests.waiting import wait_for

NO_CACHE = {"Cache-Control": "no-cache"}


@pytest.fixture
def api(tmp_path: Path) -> Service:
    api = Service(tmp_path)
    api.load({1: make_job(1)})
    return api


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Path]:
    """The pipe of a collector that never loads."""
    listener = RefreshListener(tmp_path / "pipe", lambda: None)
    yield tmp_path / "pipe"
    listener.close()


def status(loaded_at: float = 0.0, failures: int = 0) -> Status:
    return Status("generation", 1, None, None, loaded_at, 10.0, 0.1, 1, 1, failures, None, None)


class WaitingRequest:
    """A request in its own thread that waits until `done` is set."""

    def __init__(self, refresher: Refresher) -> None:
        self.done = threading.Event()
        self.polls = 0
        self.thread = threading.Thread(target=lambda: refresher.refresh(self._poll))
        self.thread.start()
        wait_for("the request to wait", lambda: self.polls >= 2)

    def end(self) -> None:
        self.done.set()
        self.thread.join(600)
        assert not self.thread.is_alive()

    def _poll(self) -> bool:
        self.polls += 1
        return self.done.is_set()


def polls_of(refresher: Refresher, polls_until_gone: int = 1) -> int:
    """Returns how often a request asked if its client has gone, which it does only while it waits."""
    polls = 0

    def has_gone() -> bool:
        nonlocal polls
        polls += 1
        return polls >= polls_until_gone

    refresher.refresh(has_gone)
    return polls


def test_request_without_a_slot_returns_at_once_and_slots_become_free_again(pipe: Path) -> None:
    refresher = Refresher(status, pipe, slots=1)
    first = WaitingRequest(refresher)
    assert polls_of(refresher) == 0
    first.end()
    assert polls_of(refresher) == 1


def test_no_request_waits_without_slots(pipe: Path) -> None:
    assert polls_of(Refresher(status, pipe, slots=0)) == 0


def test_no_request_waits_after_a_failed_load(pipe: Path) -> None:
    assert polls_of(Refresher(lambda: status(failures=1), pipe, slots=1)) == 0


def test_load_that_began_later_ends_the_wait(pipe: Path) -> None:
    assert polls_of(Refresher(lambda: status(loaded_at=9e9), pipe, slots=1)) == 0


def test_no_request_waits_without_a_collector(tmp_path: Path) -> None:
    assert polls_of(Refresher(status, tmp_path / "no-pipe", slots=1)) == 0


def test_wait_ends_after_its_longest_time(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slurm_rest_api.slurmapi.responses.refresh.MAX_WAIT_SECONDS", 0.2)
    assert 0 < polls_of(Refresher(status, pipe, slots=1), polls_until_gone=1_000_000) < 1_000_000


def test_no_cache_is_answered_from_a_load_that_began_later(api: Service) -> None:
    def collect() -> None:
        # SQLite's connections belong to the thread that made them.
        Service(api.paths.root).load({1: make_job(1), 2: make_job(2)})

    listener = RefreshListener(api.paths.refresh_pipe, collect)
    try:
        body = api.client.get("/queue", headers=NO_CACHE).get_json()
        assert list(body["data"]) == ["1", "2"]
    finally:
        listener.close()


def test_no_cache_is_answered_at_once_without_a_collector(api: Service) -> None:
    assert list(api.client.get("/queue", headers=NO_CACHE).get_json()["data"]) == ["1"]


def test_bad_parameter_requests_no_load(api: Service) -> None:
    requests: list[int] = []
    listener = RefreshListener(api.paths.refresh_pipe, lambda: requests.append(1))
    try:
        assert api.client.get("/queue?sort=colour", headers=NO_CACHE).status_code == 400
        assert requests == []
    finally:
        listener.close()

"""Requests that wait, and loads that clients ask for."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from slurm_rest_api.errors import TooManyLongPolls
from slurm_rest_api.slurmapi.collector.refresh_requests import RefreshRequests
from slurm_rest_api.slurmapi.responses.long_poll import WaitingRoom
from slurm_rest_api.slurmapi.shared.refresh_pipe import RefreshListener, knock
from tests.builders import make_job
from tests.slurmapi.query.service import Service
from tests.waiting import GIVE_UP_SECONDS, wait_for


@pytest.fixture
def api(tmp_path: Path) -> Service:
    api = Service(tmp_path)
    api.load({1: make_job(1)})
    return api


class Occupied:
    """A request in a thread of its own that waits in `room` until it is told that something happened."""

    def __init__(self, room: WaitingRoom) -> None:
        self.happened = threading.Event()
        self.thread = threading.Thread(target=lambda: room.wait(self._look, 60))
        self.looks = 0
        self.thread.start()
        wait_for("the request to wait", lambda: self.looks >= 2)

    def _look(self) -> bool:
        self.looks += 1
        return self.happened.is_set()

    def end(self) -> None:
        self.happened.set()
        self.thread.join(GIVE_UP_SECONDS)
        assert not self.thread.is_alive()


def test_only_so_many_wait_and_places_become_free_again() -> None:
    room = WaitingRoom(1)
    first = Occupied(room)
    with pytest.raises(TooManyLongPolls, match=r"All 1 places"):
        room.wait(lambda: False, 1)
    room.wait_if_free(lambda: False, 60)
    # What has happened already needs no place.
    room.wait(lambda: True, 60)
    first.end()
    Occupied(room).end()


def test_where_none_may_wait_waiting_is_refused() -> None:
    with pytest.raises(TooManyLongPolls):
        WaitingRoom(0).wait(lambda: False, 1)


def test_a_waiting_request_is_answered_by_the_change(api: Service) -> None:
    version = api.get("/queue")["meta"]["version"]
    answers = []
    thread = threading.Thread(target=lambda: answers.append(api.get("/queue", since=version, wait=30)))
    thread.start()
    api.load({1: make_job(1), 2: make_job(2)})
    thread.join(GIVE_UP_SECONDS)
    assert [list(answer["data"]) for answer in answers] == [["2"]]


def test_a_waiting_request_is_answered_when_its_time_is_over(api: Service) -> None:
    version = api.get("/queue")["meta"]["version"]
    answer = api.get("/queue", since=version, wait=0.2)
    assert (answer["data"], answer["meta"]["gone"], answer["meta"]["version"]) == ({}, [], version)


def test_too_many_waiting_requests_are_a_503(tmp_path: Path) -> None:
    api = Service(tmp_path, waiting_requests=0)
    api.load({1: make_job(1)})
    version = api.get("/queue")["meta"]["version"]
    response = api.client.get("/queue", query_string={"since": version, "wait": 5})
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert "system.waiting_requests" in response.get_json()["errors"][0]["detail"]


def test_no_cache_is_answered_from_a_load_that_began_later(api: Service) -> None:
    def collect() -> None:
        # SQLite's connections belong to the thread that made them.
        Service(api.paths.root).load({1: make_job(1), 2: make_job(2)})

    door = RefreshListener(api.paths.door, collect)
    try:
        body = api.client.get("/queue", headers={"Cache-Control": "no-cache"}).get_json()
        assert list(body["data"]) == ["1", "2"]
    finally:
        door.close()


def test_no_cache_waits_for_nobody_where_no_collector_listens(api: Service) -> None:
    assert list(api.client.get("/queue", headers={"Cache-Control": "no-cache"}).get_json()["data"]) == ["1"]


def test_knocks_that_come_together_are_heard_once(tmp_path: Path) -> None:
    heard = []
    entered, leave = threading.Event(), threading.Event()

    def on_knock() -> None:
        heard.append(1)
        entered.set()
        leave.wait(10)

    door = RefreshListener(tmp_path / "door", on_knock)
    try:
        assert knock(tmp_path / "door")
        assert entered.wait(10)
        for _ in range(100):
            assert knock(tmp_path / "door")
        leave.set()
        wait_for("the second knock to be heard", lambda: len(heard) == 2)
        assert os.stat(tmp_path / "door").st_mode & 0o777 == 0o600
    finally:
        door.close()


def test_nobody_is_at_a_door_that_is_not_there(tmp_path: Path) -> None:
    assert not knock(tmp_path / "door")
    os.mkfifo(tmp_path / "door")
    assert not knock(tmp_path / "door")


def test_the_first_wish_is_granted_at_once_and_the_next_after_a_while() -> None:
    requests = RefreshRequests(5.0)
    assert requests.ask(100.0) == 0.0
    requests.begin(100.0)
    assert requests.end(100.5, 0.5) is None
    assert requests.ask(101.0) == 4.0
    assert requests.ask(103.0) == 2.0
    assert requests.ask(200.0) == 0.0


def test_a_wish_during_a_load_is_granted_by_the_next() -> None:
    requests = RefreshRequests(5.0)
    requests.begin(100.0)
    assert requests.ask(101.0) is None
    assert requests.end(102.5, 2.0) == 5.5, "four times the two seconds that it cost, from its start"
    requests.begin(108.0)
    assert requests.end(108.1, 0.1) is None


def test_no_wish_comes_before_the_back_off_and_none_where_it_is_off() -> None:
    requests = RefreshRequests(5.0)
    requests.begin(100.0)
    requests.ask(100.0)
    assert requests.end(101.0, None) is None
    assert requests.ask(160.0) is None
    requests.begin(161.0)
    requests.end(161.0, 0.0)
    assert requests.ask(170.0) == 0.0
    assert RefreshRequests(0.0).ask(time.monotonic()) is None

"""Many clients that request fresh data at once (`Cache-Control: no-cache`), and the collector."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from slurm_rest_api.errors import SourceError
from slurm_rest_api.slurmapi.collector.collector import Collector
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.collector.cycle_report import CycleReport
from slurm_rest_api.slurmapi.collector.refresh_requests import RefreshRequests
from slurm_rest_api.slurmapi.responses import refresh
from slurm_rest_api.slurmapi.shared.refresh_pipe import RefreshListener, request_refresh
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.builders import make_job, make_snapshot
from tests.fakes import FakeSource
from tests.slurmapi.query.service import Service
from tests.waiting import GIVE_UP_SECONDS, wait_for

CLIENTS = 30
FRESH_SECONDS = 0.4
HOUR = 3600.0


class CountingLoader:
    """Each load has one job with the number of the load as id. Clear `go_on` to hold loads, set `down` to fail them."""

    def __init__(self, store: Path) -> None:
        self.began: list[float] = []
        self.stored = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.down = False
        self._store = store
        self._source = FakeSource()
        self._cycle: Cycle | None = None

    def cycle(self) -> CycleReport:
        self.began.append(time.monotonic())
        if self._cycle is None:
            # SQLite's connections belong to the thread that made them, here the collector's.
            self._cycle = Cycle(self._source, StoreWriter(self._store), hidden=[], refresh_seconds=HOUR)
        self._source.snapshot = make_snapshot(jobs=[make_job(len(self.began))])
        report = self._cycle.run() if not self.down else None
        self.stored += report is not None
        assert self.go_on.wait(GIVE_UP_SECONDS)
        if report is None:
            raise SourceError("Unable to contact slurm controller (connect failure)")
        return report

    def interrupt(self) -> None:
        pass

    def stop(self) -> None:
        pass


class CountingRequests:
    """Calls `request_refresh` and counts its calls."""

    def __init__(self) -> None:
        self.count = itertools.count(1)
        self.seen = 0

    def __call__(self, path: Path) -> bool:
        answered = request_refresh(path)
        self.seen = next(self.count)
        return answered


@pytest.fixture
def api(tmp_path: Path) -> Service:
    return Service(tmp_path, web_threads=2 * (CLIENTS + 1))


@pytest.fixture
def loader(api: Service) -> Iterator[CountingLoader]:
    """The loader of a collector that has loaded once, and by itself would load once an hour."""
    loader = CountingLoader(api.paths.store)
    collector = Collector(loader, api.paths.store, HOUR, FRESH_SECONDS, uniform=lambda low, high: high)
    thread = threading.Thread(target=collector.run)
    listener = RefreshListener(api.paths.refresh_pipe, collector.refresh_soon)
    thread.start()
    try:
        wait_for("the first load", lambda: api.client.get("/queue").status_code == 200)
        yield loader
    finally:
        loader.go_on.set()
        listener.close()
        collector.stop()
        thread.join(GIVE_UP_SECONDS)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raises the longest wait, so that no response of these tests is sent because of it."""
    monkeypatch.setattr(refresh, "MAX_WAIT_SECONDS", HOUR)


def ask(api: Service) -> Any:
    return api.client.application.test_client().get("/queue", headers={"Cache-Control": "no-cache"})


def responses_to_all(api: Service, while_they_wait: Callable[[], None]) -> list[Any]:
    """Sends a request of each client, calls `while_they_wait` after the last one, and returns their responses."""
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(CLIENTS) as pool:
        requests = CountingRequests()
        patch.setattr(refresh, "request_refresh", requests)
        asked = [pool.submit(ask, api) for _ in range(CLIENTS)]
        wait_for("every client to have asked", lambda: requests.seen == CLIENTS)
        while_they_wait()
        return [future.result(GIVE_UP_SECONDS) for future in asked]


def test_simultaneous_requests_share_one_load(api: Service, loader: CountingLoader) -> None:
    loader.go_on.clear()
    busy = threading.Thread(target=ask, args=(api,))
    busy.start()
    wait_for("a load that began before they ask", lambda: loader.stored == 2)
    answers = responses_to_all(api, loader.go_on.set)
    busy.join(GIVE_UP_SECONDS)
    assert [list(answer.get_json()["data"]) for answer in answers] == [["3"]] * CLIENTS
    assert len(loader.began) == 3


def test_many_requests_cause_loads_at_a_limited_rate(api: Service, loader: CountingLoader) -> None:
    def keep_asking(until: int) -> None:
        while len(loader.began) < until:
            assert ask(api).status_code == 200

    before, loads = time.monotonic(), len(loader.began)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keep_asking, [loads + 5] * 8))
    # A load may start late, and then the gap after it is shorter. The number of loads in all that time has a limit.
    assert len(loader.began) - loads <= 1 + (loader.began[-1] - before) / FRESH_SECONDS


def test_requests_do_not_wait_while_slurmctld_is_down(api: Service, loader: CountingLoader) -> None:
    loader.down = True
    answers = responses_to_all(api, lambda: None)
    assert [list(answer.get_json()["data"]) for answer in answers] == [["1"]] * CLIENTS
    assert len(loader.began) == 2, "the load that failed was for all of them, and the next is after the back-off"
    with ThreadPoolExecutor(1) as pool:
        assert list(pool.submit(ask, api).result(GIVE_UP_SECONDS).get_json()["data"]) == ["1"]
    assert len(loader.began) == 2


def test_first_request_is_granted_at_once_and_the_next_after_a_while() -> None:
    requests = RefreshRequests(5.0)
    assert requests.request(100.0) == 0.0
    requests.started(100.0)
    assert requests.finished(100.5, 0.5) is None
    assert requests.request(101.0) == 4.0
    assert requests.request(103.0) == 2.0
    assert requests.request(200.0) == 0.0


def test_request_during_a_load_is_granted_by_the_next() -> None:
    requests = RefreshRequests(5.0)
    requests.started(100.0)
    assert requests.request(101.0) is None
    assert requests.finished(102.5, 8.0) == 5.5, "the least interval, from its start"
    requests.started(108.0)
    assert requests.finished(108.1, 0.1) is None


def test_no_request_is_granted_before_the_back_off_or_while_it_is_off() -> None:
    requests = RefreshRequests(5.0)
    requests.started(100.0)
    requests.request(100.0)
    assert requests.finished(101.0, None) is None
    assert requests.request(160.0) is None
    requests.started(161.0)
    requests.finished(161.0, 0.0)
    assert requests.request(170.0) == 0.0
    assert RefreshRequests(0.0).request(time.monotonic()) is None

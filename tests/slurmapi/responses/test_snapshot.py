"""What the passing of time alone changes about answers, while nothing is loaded."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.builders import make_job, make_snapshot
from tests.fakes import FakeSource
from tests.slurmapi.query.service import Service
from tests.waiting import wait_for


@pytest.fixture
def api(tmp_path: Path) -> Service:
    return Service(tmp_path)


def test_an_answer_that_many_ask_for_becomes_stale_in_time(api: Service) -> None:
    source = FakeSource()
    source.snapshot = make_snapshot(jobs=[make_job(1)])
    Cycle(source, StoreWriter(api.paths.store), hidden=[], refresh_seconds=0.5).run()

    def stale() -> bool:
        answer = api.client.get("/queue?limit=1")
        said = (answer.headers.get("X-Slurm-Stale"), answer.get_json()["meta"]["stale"])
        assert said in ((None, False), ("1", True))
        return said == ("1", True)

    assert not stale()
    wait_for("the answer to be stale", stale, seconds=5)


def test_now_is_the_time_of_each_question(api: Service) -> None:
    api.load({1: make_job(1, start_time=int(time.time()) + 2)})
    assert api.get("/queue?startbefore=now")["data"] == {}
    wait_for("the job's start to be past", lambda: api.get("/queue?startbefore=now")["data"], seconds=10)


def test_a_repeated_answer_ages(api: Service) -> None:
    api.load({1: make_job(1)})
    loaded = time.time()
    wait_for("a second to pass", lambda: api.client.get("/queue/1").headers["Age"] != "0", seconds=10)
    ages = api.client.get("/queue/1").headers.getlist("Age")
    assert len(ages) == 1
    assert 1 <= int(ages[0]) <= time.time() - loaded + 1

"""The sums of jobs by state and reason are those of the records, whatever the loads changed."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from slurm_rest_api.slurmapi.sources.base import Record
from tests.builders import make_job, make_running_job
from tests.slurmapi.query.service import Service

# With this every job is read, because the sums have no ids.
_OF_RECORDS: Final = "jobid%3E=0"
_REASONS: Final = ("Priority", "Resources", "ReqNodeNotAvail, UnavailableNodes:n1", None, "")


def _job(number: int, chance: random.Random) -> Record:
    if chance.random() < 0.3:
        return make_running_job(number, "n1", cpus=chance.randint(1, 9), memory_mib=100)
    state = chance.choice(["PENDING", "PENDING", "SUSPENDED", None])
    reason, memory = chance.choice(_REASONS), chance.choice([None, 10])
    return make_job(number, job_state=state, state_reason=reason, num_cpus=chance.choice([None, 3]), memory=memory)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Service:
    """Loads change, remove and add jobs. The loader is replaced once."""
    service = Service(tmp_path_factory.mktemp("sums"))
    chance = random.Random(7)  # noqa: S311 - the same jobs each time
    jobs: dict[int, Record] = {}
    for load in range(6):
        if load == 3:
            service.restart()
        removed = set(chance.sample(sorted(jobs), len(jobs) // 4))
        kept = {number: job if chance.random() < 0.6 else _job(number, chance) for number, job in jobs.items()}
        jobs = {number: job for number, job in kept.items() if number not in removed}
        jobs |= {number: _job(number, chance) for number in range(100 * load, 100 * load + 60)}
        service.load(jobs)
    return service


@pytest.mark.parametrize(
    "path",
    [
        "group_by=state",
        "group_by=reason",
        "state=PD&group_by=reason",
        "state=PD,R&reason=priority,resources&group_by=state",
        "reason=!Priority&group_by=reason",
        "state=!R&count=true",
        "count=true",
        "reason=none&state=F&count=true",
    ],
)
def test_sums_are_those_of_the_records(api: Service, path: str) -> None:
    assert api.get(f"/queue?{path}")["data"] == api.get(f"/queue?{path}&{_OF_RECORDS}")["data"]


def test_groups_have_the_numbers_of_their_jobs(api: Service) -> None:
    jobs: list[dict[str, Any]] = list(api.get("/queue")["data"].values())
    cpus: Counter[str] = Counter()
    for job in jobs:
        cpus[job["job_state"] or "(null)"] += job["num_cpus"] or 0
    found = api.get("/queue?group_by=state")["data"]
    assert {state: group["cpus"] for state, group in found.items()} == cpus
    assert {state: group["count"] for state, group in found.items()} == Counter(
        job["job_state"] or "(null)" for job in jobs
    )
    pending = sum(job["job_state"] == "PENDING" for job in jobs)
    assert api.get("/queue?state=PD&count=true")["data"]["count"] == pending > 10


def test_a_queue_that_was_empty_has_sums(tmp_path: Path) -> None:
    service = Service(tmp_path)
    for jobs in ({}, {1: make_job(1)}, {}, {2: make_job(2), 3: make_job(3)}):
        service.load(jobs)
        assert service.get("/queue?count=true")["data"]["count"] == len(jobs)
        assert service.get("/queue?group_by=reason")["data"].keys() == ({"Priority"} if jobs else set())

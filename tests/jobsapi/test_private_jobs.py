"""Private jobs of other users are as unknown as jobs that do not exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from tests.auth.users import ADMIN, JOB_OF, PAST_JOB_OF, SEES_JOBS_OF, ServiceWithUsers, load, with_accounting
from tests.fakes import FakeSource

ASKED = [*JOB_OF.values(), *PAST_JOB_OF.values(), 600009, 999]


@pytest.fixture
def service(settings: Settings, cycle: Cycle, source: FakeSource, tmp_path: Path) -> ServiceWithUsers:
    load(source, cycle)
    return ServiceWithUsers(with_accounting(settings, tmp_path), "jobs")


def test_a_user_gets_their_own_jobs_and_those_of_accounts_that_they_coordinate(service: ServiceWithUsers) -> None:
    for user, owners in SEES_JOBS_OF.items():
        seen = {str(jobs[owner]) for jobs in (JOB_OF, PAST_JOB_OF) for owner in owners}
        body = service.get_as(user, f"/jobs?id={','.join(map(str, ASKED))}").get_json()
        assert set(body["data"]) == seen, user
        assert body["meta"]["unknown"] == [str(job) for job in ASKED if str(job) not in seen]
        assert (body["meta"]["unanswered"], body["meta"]["error"]) == ([], None)
    whole = service.get_as(ADMIN, f"/jobs?id={','.join(map(str, ASKED))}").get_json()
    assert whole["meta"]["unknown"] == ["999"]


@pytest.mark.parametrize("job", [JOB_OF["bob"], PAST_JOB_OF["bob"]])
def test_the_answer_for_a_private_job_is_that_for_no_job(service: ServiceWithUsers, job: int) -> None:
    private, missing = (service.get_as("alice", f"/jobs/{number}") for number in (job, 999999))
    assert (private.status_code, missing.status_code) == (404, 404)
    assert private.text.replace(str(job), "N") == missing.text.replace("999999", "N")
    assert dict(private.headers) == dict(missing.headers)

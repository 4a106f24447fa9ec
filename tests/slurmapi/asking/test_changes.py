"""With what changed since version n, the body of version n becomes that of version m."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_rest_api.slurmapi.facts import CLOCK_FIELDS
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.store import records, schema
from tests.builders import make_job, make_running_job
from tests.slurmapi.asking.jobs import jobs, queries
from tests.slurmapi.asking.service import Service

Body = dict[str, dict[str, Any]]


def apply(known: Body, answer: dict[str, Any]) -> Body:
    """What README tells clients to do."""
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


def ticking(cluster: dict[int, Record], moment: int) -> dict[int, Record]:
    """The same jobs, those that run a moment older."""
    return {number: {**job, **clock(job, moment)} for number, job in cluster.items()}


def clock(job: Record, moment: int) -> Record:
    age = moment if job["job_state"].startswith("RUNNING") else 0
    return {"run_time": age, "run_time_str": f"00:00:0{age}", "run_time_remaining": -age, "elapsed_cpu_time": age}


HISTORIES = st.lists(
    st.tuples(jobs(6), st.booleans(), st.sampled_from(["", "restart", "delete"])), min_size=2, max_size=7
)


@settings(max_examples=100, deadline=None)
@given(HISTORIES, queries, st.sampled_from(["", "job_id,user_name,run_time"]))
def test_changes_lead_from_any_version_to_any_later_one(
    shared: Service, history: list[tuple[dict[int, Record], bool, str]], query: dict[str, str], fields: str
) -> None:
    asked = {**query, **({"fields": fields} if fields else {})}
    shared.reset()
    seen: list[tuple[str, Body]] = []
    cluster: dict[int, Record] = {}
    for moment, (others, replaces, accident) in enumerate(history, 1):
        if accident == "restart":
            shared.restart()
        elif accident == "delete":
            shared.paths.store.unlink(missing_ok=True)
        cluster = others if replaces else {**cluster, **others}
        shared.load(ticking(cluster, moment))
        whole = shared.get("/queue", **asked)
        for version, body in seen:
            ticked = shared.get("/queue", **asked, since=version, clock="true")
            assert apply(body, ticked) == whole["data"]
            still = shared.get("/queue", **asked, since=version)
            assert without_clock(apply(body, still)) == without_clock(whole["data"])
            assert still["meta"]["version"] == whole["meta"]["version"]
            assert len(still["data"]) <= len(ticked["data"])
        seen.append((whole["meta"]["version"], whole["data"]))


def test_a_job_that_only_runs_on_is_no_change(api: Service) -> None:
    job = make_running_job(7, "n1")
    api.load(ticking({7: job}, 1))
    version = api.get("/queue")["meta"]["version"]
    api.load(ticking({7: job}, 2))
    answer = api.get("/queue", since=version)
    assert (answer["data"], answer["meta"]["gone"], answer["meta"]["full"]) == ({}, [], False)
    assert answer["meta"]["version"] != version
    ticked = api.get("/queue", since=version, clock="true")["data"]
    assert ticked["7"]["run_time"] == 2
    assert set(ticked["7"]) == set(CLOCK_FIELDS)
    assert api.get("/queue", since=version, clock="true", fields="run_time")["data"] == {"7": {"run_time": 2}}


def test_a_replaced_loader_does_not_take_running_jobs_for_changed(api: Service) -> None:
    job = make_running_job(7, "n1")
    api.load(ticking({7: job}, 1))
    version = api.get("/queue")["meta"]["version"]
    api.restart()
    api.load(ticking({7: job}, 2))
    assert api.get("/queue", since=version)["data"] == {}


def test_a_job_that_leaves_a_filter_is_gone_for_it(api: Service) -> None:
    api.load({1: make_job(1), 2: make_job(2)})
    version = api.get("/queue", state="PD")["meta"]["version"]
    api.load({1: make_running_job(1, "n1"), 2: make_job(2)})
    answer = api.get("/queue", state="PD", since=version)
    assert (answer["data"], answer["meta"]["gone"]) == ({}, ["1"])


@pytest.mark.parametrize("since", ["", "nonsense", "0-1", f"{'0' * 32}-1"])
def test_an_unknown_version_gets_everything(api: Service, since: str) -> None:
    api.load({1: make_job(1)})
    if not since:
        since = api.get("/queue")["meta"]["version"] + "0"
    answer = api.get("/queue", since=since)
    assert list(answer["data"]) == ["1"]
    assert answer["meta"]["full"] is True


def test_a_version_older_than_the_remembered_keys_gets_everything(api: Service) -> None:
    versions = []
    for number in range(4):
        api.load({job_id: make_job(job_id) for job_id in range(number * 10, number * 10 + 10)})
        versions.append(api.get("/queue")["meta"]["version"])
    connection = schema.connect_writable(api.paths.store)
    # Thirty keys have gone, ten in each of the versions 2, 3 and 4; of the last twenty one is not enough.
    assert records.forget_old(connection, "queue", remembered=19) == 3
    connection.execute("UPDATE collection SET complete_from = 3 WHERE name = 'queue'")
    connection.close()
    full = [api.get("/queue", since=version)["meta"]["full"] for version in versions]
    assert full == [True, True, False, False]


def test_answers_about_changes_are_kept_by_nobody(api: Service) -> None:
    api.load({1: make_job(1)})
    version = api.get("/queue")["meta"]["version"]
    response = api.client.get("/queue", query_string={"since": version})
    assert response.headers["Cache-Control"] == "no-store"
    assert "ETag" not in response.headers

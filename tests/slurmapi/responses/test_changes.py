"""With what changed since version n, the body of version n becomes that of version m."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.store import record_writer, schema
from tests.builders import make_job, make_running_job
from tests.property_tests import examples
from tests.slurmapi.query.clients import CLOCK_FIELDS, Body, Client
from tests.slurmapi.query.jobs import jobs
from tests.slurmapi.query.routes import ROUTES, Cluster, Route, clusters
from tests.slurmapi.query.service import Service


def ticking(cluster: dict[int, Record], moment: int) -> dict[int, Record]:
    """The same jobs, those that run a moment older."""
    return {number: {**job, **clock(job, moment)} for number, job in cluster.items()}


def clock(job: Record, moment: int) -> Record:
    age = moment if job["job_state"].startswith("RUNNING") else 0
    return {"run_time": age, "run_time_str": f"00:00:0{age}", "run_time_remaining": -age, "elapsed_cpu_time": age}


HISTORIES = st.lists(
    st.tuples(clusters(6), st.booleans(), st.sampled_from(["", "restart", "delete"])), min_size=2, max_size=6
)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
@examples(50)
@given(HISTORIES, st.data())
def test_changes_lead_from_any_version_to_any_later_one(
    shared: Service, route: Route, history: list[tuple[Cluster, bool, str]], data: st.DataObject
) -> None:
    fields = data.draw(st.sampled_from(["", *route.fields, ",".join(route.fields[:3])]))
    # Time alone changes what run_time selects, so such a filter with `since` is a 400.
    filters = {name: text for name, text in data.draw(route.queries).items() if name.rstrip("<>=") not in CLOCK_FIELDS}
    query = {**filters, **({"fields": fields} if fields else {})}
    clocks = [True, False] if route.path == "/queue" else [False]
    shared.reset()
    seen: list[tuple[str, Body]] = []
    jobs: dict[int, Record] = {}
    for moment, (others, replaces, accident) in enumerate(history, 1):
        if accident == "restart":
            shared.restart()
        elif accident == "delete":
            shared.paths.store.unlink(missing_ok=True)
        jobs = others.jobs if replaces else {**jobs, **others.jobs}
        replace(others, jobs=ticking(jobs, moment)).load_into(shared)
        whole = shared.get(route.path, **query)
        for version, body in seen:
            for clock in clocks:
                client = Client(route.path, query, clock=clock)
                client.body, client.version = body, version
                client.poll(shared.get)
                assert client.agrees_with(whole), client
        seen.append((whole["meta"]["version"], whole["data"]))


@examples(50)
@given(jobs(8), st.data())
def test_unchanged_records_are_not_sent(shared: Service, cluster: dict[int, Record], data: st.DataObject) -> None:
    shared.reset()
    shared.load(ticking(cluster, 1))
    version = shared.get("/queue")["meta"]["version"]
    changed = data.draw(st.sets(st.sampled_from(sorted(cluster)))) if cluster else set()
    renamed = {number: {**job, "comment": "new"} if number in changed else job for number, job in cluster.items()}
    shared.load(ticking(renamed, 2))
    answer = shared.get("/queue", since=version)
    assert (set(answer["data"]), answer["meta"]["gone"]) == (set(map(str, changed)), [])
    ticked = shared.get("/queue", since=version, clock="true")
    runs = {str(number) for number, job in cluster.items() if job["job_state"].startswith("RUNNING")}
    assert set(ticked["data"]) == runs | set(answer["data"])
    assert all(set(record) == CLOCK_FIELDS for key, record in ticked["data"].items() if key not in answer["data"])


def test_running_job_without_other_changes_is_no_change(api: Service) -> None:
    job = make_running_job(7, "n1")
    api.load(ticking({7: job}, 1))
    version = api.get("/queue")["meta"]["version"]
    api.load(ticking({7: job}, 2))
    answer = api.get("/queue", since=version)
    assert (answer["data"], answer["meta"]["gone"], answer["meta"]["full"]) == ({}, [], False)
    assert answer["meta"]["version"] != version
    ticked = api.get("/queue", since=version, clock="true")["data"]
    assert ticked["7"]["run_time"] == 2
    assert set(ticked["7"]) == CLOCK_FIELDS
    assert api.get("/queue", since=version, clock="true", fields="run_time")["data"] == {"7": {"run_time": 2}}


def test_new_loader_reports_no_change_of_running_jobs(api: Service) -> None:
    job = make_running_job(7, "n1")
    api.load(ticking({7: job}, 1))
    version = api.get("/queue")["meta"]["version"]
    api.restart()
    api.load(ticking({7: job}, 2))
    assert api.get("/queue", since=version)["data"] == {}


def test_job_that_stops_matching_a_filter_is_gone(api: Service) -> None:
    api.load({1: make_job(1), 2: make_job(2)})
    version = api.get("/queue", state="PD")["meta"]["version"]
    api.load({1: make_running_job(1, "n1"), 2: make_job(2)})
    answer = api.get("/queue", state="PD", since=version)
    assert (answer["data"], answer["meta"]["gone"]) == ({}, ["1"])


@pytest.mark.parametrize("since", ["", "nonsense", "0-1", f"{'0' * 32}-1"])
def test_unknown_version_gets_a_full_response(api: Service, since: str) -> None:
    api.load({1: make_job(1)})
    if not since:
        since = api.get("/queue")["meta"]["version"] + "0"
    answer = api.get("/queue", since=since)
    assert list(answer["data"]) == ["1"]
    assert answer["meta"]["full"] is True


def test_version_before_the_oldest_tombstone_gets_a_full_response(api: Service) -> None:
    versions = []
    for number in range(4):
        api.load({job_id: make_job(job_id) for job_id in range(number * 10, number * 10 + 10)})
        versions.append(api.get("/queue")["meta"]["version"])
    connection = schema.connect_writable(api.paths.store)
    # Thirty keys have gone, ten in each of the versions 2, 3 and 4; of the last twenty one is not enough.
    assert record_writer.prune_tombstones(connection, "queue", limit=19) == 3
    connection.execute("UPDATE collection SET tombstones_complete_from = 3 WHERE name = 'queue'")
    connection.close()
    full = [api.get("/queue", since=version)["meta"]["full"] for version in versions]
    assert full == [True, True, False, False]


def test_changes_are_not_stored_by_caches(api: Service) -> None:
    api.load({1: make_job(1)})
    version = api.get("/queue")["meta"]["version"]
    response = api.client.get("/queue", query_string={"since": version})
    assert response.headers["Cache-Control"] == "no-store"
    assert "ETag" not in response.headers

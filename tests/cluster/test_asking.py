"""Filters, single records, changes and loads on demand over a real cluster whose jobs come, run and go."""

from __future__ import annotations

import time
from typing import Any

from tests.cluster.answers import ask, fresh
from tests.cluster.conftest import Jobs
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service

Body = dict[str, dict[str, Any]]


def squeue(cluster: Cluster, *options: str) -> set[str]:
    """Job ids as squeue prints them, one for each record of slurmctld."""
    return set(cluster.run(["squeue", "--all", "--noheader", "--format=%A", *options]).stdout.split())


def apply(body: Body, answer: dict[str, Any]) -> Body:
    known = {} if answer["meta"]["full"] else {key: dict(record) for key, record in body.items()}
    for key, record in answer["data"].items():
        known.setdefault(key, {}).update(record)
    for key in answer["meta"]["gone"]:
        known.pop(key, None)
    return known


def test_filters_find_what_squeue_finds(cluster: Cluster, jobs: Jobs, service: Service) -> None:
    running, held = jobs.running(user="alice"), jobs.submit(user="alice", hold=True)
    array = jobs.submit(user="alice", hold=True, array="1-3")
    jobs.running(user="bob", partition="long")
    for query, options in (
        ("user=alice", ["-u", "alice", "-t", "PD,R"]),
        ("user=alice&state=R", ["-u", "alice", "-t", "R"]),
        ("state=pd", ["-t", "PD"]),
        ("partition=main,high", ["-p", "main,high", "-t", "PD,R"]),
        ("state=!R&user=!bob", ["-t", "PD"]),
    ):
        (found,) = fresh(service, f"/queue?{query}")
        ours = {key for key, job in found.items() if job["job_state"] in ("PENDING", "RUNNING")}
        assert ours == squeue(cluster, *options), query
    # A job that was cancelled while it was held keeps its reason.
    assert set(fresh(service, "/queue?reason=jobhelduser&state=PD")[0]) == {str(held), str(array)}
    assert ask(service, f"/queue/{held}").json["data"]["job_id"] == held
    assert ask(service, f"/queue/{array}_2").json["data"]["array_task_str"].startswith("1-3")
    assert ask(service, "/queue/999999999").status == 404
    node = ask(service, f"/queue/{running}").json["data"]["nodes"]
    assert str(running) in fresh(service, f"/queue?node={node}")[0]


def test_changes_lead_to_the_whole_body_while_jobs_churn(cluster: Cluster, jobs: Jobs, service: Service) -> None:
    first = ask(service, "/queue?since=none").json
    body, version = first["data"], first["meta"]["version"]
    submitted: list[int] = []
    compared = 0
    deadline = time.monotonic() + 120
    while compared < 12 and time.monotonic() < deadline:
        submitted.append(jobs.running(user="alice"))
        if len(submitted) > 3:
            cluster.finish(submitted.pop(0), 0)
        changes = ask(service, f"/queue?since={version}&clock=true&wait=20").json
        body, version = apply(body, changes), changes["meta"]["version"]
        whole = ask(service, "/queue").json
        if whole["meta"]["version"] == version:
            assert body == whole["data"]
            compared += 1
    assert compared == 12


def test_a_fresh_answer_has_the_job_that_was_just_submitted(jobs: Jobs, service: Service) -> None:
    for _ in range(3):
        job = jobs.submit(hold=True, user="bob")
        found = ask(service, "/queue?user=bob", headers={"Cache-Control": "no-cache"}).json["data"]
        assert str(job) in found

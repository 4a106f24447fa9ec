"""Changes and loads on demand over a real cluster whose jobs come, run and go."""

from __future__ import annotations

import concurrent.futures
import functools
import itertools
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

from slurm_rest_api.slurmapi.store.reader import StoreReader
from tests.cluster.answers import Answer, ask
from tests.cluster.conftest import Jobs, StartService
from tests.slurmapi.query.clients import Client
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service
from tests.waiting import GIVE_UP_SECONDS, wait_for

CLIENTS = [
    ("/queue", {}, True),
    ("/queue", {}, False),
    ("/queue", {"user": "alice"}, True),
    ("/queue", {"state": "R"}, True),
    ("/queue", {"state": "PD", "fields": "job_id,job_state"}, False),
    ("/queue", {"state": "!R,!PD", "fields": "job_id,end_time"}, False),
    ("/queue", {"partition": "long", "fields": "run_time,nodes"}, True),
    ("/queue", {"node": "rack[001-003]"}, False),
    ("/nodes", {}, False),
    ("/nodes", {"state": "IDLE", "fields": "name,alloc_cpus"}, False),
    ("/partitions", {}, False),
]


def get(service: Service, path: str, **query: str) -> dict[str, Any]:
    answer = ask(service, f"{path}?{urlencode(query)}")
    assert answer.status == 200
    body: dict[str, Any] = answer.json
    return body


def disturb(cluster: Cluster, jobs: Jobs, running: list[int], chance: random.Random) -> None:
    """Submit, start, hold, end or cancel something."""
    user, partition = chance.choice(["alice", "bob", "carol"]), chance.choice(["main", "long"])
    if len(running) > 4:
        cluster.finish(running.pop(0), chance.choice([0, 1]))
    elif chance.random() < 0.3:
        cluster.cancel(jobs.submit(user=user, partition=partition, hold=True))
    elif chance.random() < 0.3:
        jobs.submit(user=user, partition=partition, hold=True, array="1-5")
    else:
        running.append(jobs.running(user=user, partition=partition))


def test_clients_keep_up_while_jobs_churn(cluster: Cluster, jobs: Jobs, service: Service) -> None:
    # The same each time, as far as a real cluster can be.
    chance = random.Random(26)  # noqa: S311
    clients = [Client(path, query, clock=clock) for path, query, clock in CLIENTS]
    ask_service = functools.partial(get, service)
    compared = dict.fromkeys(map(repr, clients), 0)
    running: list[int] = []
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while min(compared.values()) < 10 and time.monotonic() < deadline:
        disturb(cluster, jobs, running, chance)
        # Some ask often, others seldom: versions of any age become the present one.
        for client in chance.sample(clients, 6):
            client.poll(ask_service)
            whole = ask_service(client.path, **client.query)
            if whole["meta"]["version"] == client.version:
                assert client.agrees_with(whole), client
                compared[repr(client)] += 1
    assert min(compared.values()) >= 10, compared
    assert {client.full for client in clients} == {1}, "only the first answer was everything"


def loads(service: Service) -> int:
    """Returns the number of loads of the service."""
    with StoreReader(service.folder / "snapshot.sqlite").view() as view:
        assert view is not None
        return view.status().cycles


def ask_fresh(service: Service) -> Answer:
    return ask(service, "/queue?user=bob", headers={"Cache-Control": "no-cache"})


def test_many_fresh_requests_cost_slurmctld_no_more_than_the_setting(start: StartService) -> None:
    config = "system:\n  refresh_seconds: 600\n  fresh_seconds: 3\n  web_threads: 40\n"
    service = start(config)
    begun, before, answered = time.monotonic(), loads(service), 0
    with ThreadPoolExecutor(20) as pool:
        while answered < 60 or loads(service) < before + 3:
            answers = list(pool.map(ask_fresh, [service] * 20))
            assert {answer.status for answer in answers} == {200}
            answered += len(answers)
    assert loads(service) - before <= 1 + (time.monotonic() - begun) / 3
    service.stop()


def test_fresh_requests_do_not_wait_for_a_stopped_slurmctld(cluster: Cluster, start: StartService) -> None:
    service = start("system:\n  refresh_seconds: 1\n")
    version = ask(service, "/queue").json["meta"]["version"]
    cluster.daemons.stop("slurmctld")
    try:
        wait_for("a load to fail", lambda: "Cannot load the cluster" in service.log)
        # If each of them waited its fifteen seconds, together they would take 25 minutes.
        with ThreadPoolExecutor(4) as pool:
            answers = [pool.submit(ask_fresh, service) for _ in range(400)]
            done, waiting = concurrent.futures.wait(answers, GIVE_UP_SECONDS)
            for answer in waiting:
                answer.cancel()
        assert not waiting
        assert {answer.result().status for answer in done} == {200}
        assert ask_fresh(service).json["meta"]["version"] == version
    finally:
        cluster.daemons.start("slurmctld")
        service.stop()


def test_a_table_shows_what_squeue_shows(cluster: Cluster, jobs: Jobs, service: Service) -> None:
    jobs.running(user="alice", job_name="-x=1", nodes=2)
    jobs.submit(user="bob", job_name="held", hold=True)
    columns = {"job_id": "%A", "partition": "%P", "name": "%j", "user_name": "%u", "job_state": "%T", "num_nodes": "%D"}
    printed = cluster.run(["squeue", "-h", "--format", "|".join(columns.values()), "-t", "PD,R"]).stdout
    path = f"/queue?state=PD,R&format=table&fields={','.join(columns)}"
    answer = ask(service, path, headers={"Cache-Control": "no-cache"})
    heading, *lines = answer.body.decode().splitlines()
    begins = [heading.index(name.upper()) for name in columns]
    cells = [[line[i:j].rstrip() for i, j in itertools.zip_longest(begins, begins[1:])] for line in lines]
    assert len(cells) >= 2
    assert sorted(cells) == sorted(line.split("|") for line in printed.splitlines())


def test_a_fresh_answer_has_the_job_that_was_just_submitted(jobs: Jobs, service: Service) -> None:
    for _ in range(3):
        job = jobs.submit(hold=True, user="bob")
        found = ask(service, "/queue?user=bob", headers={"Cache-Control": "no-cache"}).json["data"]
        assert str(job) in found

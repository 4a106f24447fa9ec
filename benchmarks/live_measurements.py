"""Measures the service, slurmrestd and squeue with one client on the same cluster."""

from __future__ import annotations

import json
import re
import shlex
import sqlite3
import time
from dataclasses import dataclass, field
from typing import Any

import psutil

from benchmarks.measure import Answer, Client, Latency, Memory, memory, session_members, summary
from tests.testbed.cluster import Cluster
from tests.testbed.layout import CHECKOUT_IN_ROOT, VENV_IN_ROOT
from tests.testbed.service import Service, start_service
from tests.testbed.slurmnodes import HIDDEN_PARTITION, SERVICE_USER
from tests.testbed.steps import TestbedError, wait_until

_CONFIG = "system:\n  source: {source}\nfilter:\n  partitions: [" + HIDDEN_PARTITION + "]\n"
SOURCES = ("slurm:pyslurm", "slurm:commands")
"""Sources to measure, in the order of the report."""

_RESTD_VERSION = re.compile(r"/slurm/v(\d+)\.(\d+)\.(\d+)/jobs/")
_RESTD_ASKER = "carol"
_SMALL_ROUTES = ("/nodes", "/partitions", "/usage", "/stats")
_LOADED_PATIENCE_SECONDS = 180


@dataclass
class Ours:
    """Results of the service with one source. `loader_seconds` are processor seconds of the loader in a cycle."""

    latencies: dict[str, Latency] = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
    first_cycle: float = 0
    loader_seconds: float = 0
    cycles: list[float] = field(default_factory=list)
    changed_rows: list[int] = field(default_factory=list)
    split: dict[str, float] = field(default_factory=dict)
    requests: int = 0
    cycles_meanwhile: int = 0
    rpcs_published: int = 0
    rpcs_counted: int = 0


@dataclass
class Others:
    """Results of the peers. `seconds` are those of the commands."""

    api: str = ""
    latencies: dict[str, Latency] = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
    rpcs_per_request: float = 0
    commands: dict[str, float] = field(default_factory=dict)


def rpcs_of(cluster: Cluster, user: str) -> int:
    """Returns the RPCs of a user that slurmctld has counted since its start, as sdiag(1) reports."""
    return sum(entry["count"] for entry in cluster.sdiag_json()["rpcs_by_user"] if entry["user"] == user)


def measure_service(cluster: Cluster, name: str, source: str, rounds: int, plain_requests: int) -> Ours:
    """Starts the service with a source, measures it over `rounds` new versions of the queue, and stops it."""
    ours = Ours(split=_split_cycle(cluster, name, source))
    service = start_service(cluster, name, _CONFIG.format(source=source))
    try:
        client = Client(service.url)
        first = _await_cycle(service)
        ours.first_cycle = first["cycle_seconds"]
        before, before_sdiag = first, rpcs_of(cluster, SERVICE_USER)
        loader_before = _loader_seconds(service)
        _measure_queue(service, client, ours, rounds, plain_requests)
        for route in _SMALL_ROUTES:
            _measure_small(client, route, ours)
        after = _await_cycle(service)
        ours.requests = client.requests
        ours.cycles_meanwhile = after["cycles"] - before["cycles"]
        ours.loader_seconds = (_loader_seconds(service) - loader_before) / max(ours.cycles_meanwhile, 1)
        ours.rpcs_published = after["rpcs"] - before["rpcs"]
        ours.rpcs_counted = rpcs_of(cluster, SERVICE_USER) - before_sdiag
        ours.memories = {_role(line): memory(pid) for pid, line in session_members(service.process.pid).items()}
        client.close()
    finally:
        service.stop()
    return ours


def measure_others(cluster: Cluster, requests: int) -> Others:
    """Times squeue once per format and slurmrestd `requests` times per route.

    slurmrestd is restarted before and after, because it keeps the memory of its largest response.
    """
    others = Others()
    for command in ("squeue --all --noheader", "squeue --all --json"):
        started = time.perf_counter()
        cluster.run(["sh", "-c", f"{command} >/dev/null"], timeout=900)
        others.commands[command] = time.perf_counter() - started
    _restart_slurmrestd(cluster)
    client = Client(cluster.slurmrestd_url, {"X-SLURM-USER-TOKEN": cluster.token(_RESTD_ASKER)})
    others.api = newest_api(client)
    before, client.requests = rpcs_of(cluster, _RESTD_ASKER), 0
    for route in ("nodes", "partitions", "diag", "jobs"):
        answers = [client.get(f"/slurm/{others.api}/{route}/") for _ in range(requests)]
        if any(answer.status != 200 for answer in answers):
            raise TestbedError(f"slurmrestd answered /{route}/ with {[answer.status for answer in answers]}")
        others.latencies[route] = summary(answers)
    others.rpcs_per_request = (rpcs_of(cluster, _RESTD_ASKER) - before) / client.requests
    for name in ("slurmrestd", "slurmctld"):
        pid = cluster.daemons.pid(name)
        assert pid is not None
        others.memories[name] = memory(pid)
    client.close()
    _restart_slurmrestd(cluster)
    return others


def newest_api(client: Client) -> str:
    """Returns the newest version of slurmrestd's API, such as `v0.0.45`."""
    versions = _RESTD_VERSION.findall(" ".join(json.loads(client.body("/openapi/v3"))["paths"]))
    return "v" + ".".join(max(versions, key=lambda parts: [int(part) for part in parts]))


def _measure_queue(service: Service, client: Client, ours: Ours, rounds: int, plain_requests: int) -> None:
    cold: dict[bool, list[Answer]] = {True: [], False: []}
    warm: dict[bool, list[Answer]] = {True: [], False: []}
    unchanged: list[Answer] = []
    for _ in range(rounds):
        status = _await_cycle(service)
        ours.cycles.append(status["cycle_seconds"])
        ours.changed_rows.append(status["changed_rows"])
        for gzip, times in ((True, 20), (False, plain_requests)):
            first = client.get("/queue", gzip=gzip)
            cold[gzip].append(first)
            again = [client.get("/queue", gzip=gzip) for _ in range(times)]
            # A cycle may have ended in between: another ETag means the first response of a new version.
            warm[gzip] += [answer for answer in again if answer.tag == first.tag]
            tag = again[-1].tag
        unchanged += [client.get("/queue", gzip=True, tag=tag) for _ in range(200)]
    for gzip, word in ((True, "gzip"), (False, "plain")):
        ours.latencies[f"/queue first {word}"] = summary(cold[gzip])
        ours.latencies[f"/queue again {word}"] = summary(warm[gzip])
    ours.latencies["/queue 304"] = summary([answer for answer in unchanged if answer.status == 304])


def _measure_small(client: Client, route: str, ours: Ours) -> None:
    answers = [client.get(route, gzip=True) for _ in range(100)]
    ours.latencies[f"{route} again gzip"] = summary(answers)
    unchanged = [client.get(route, gzip=True, tag=answers[-1].tag) for _ in range(100)]
    ours.latencies[f"{route} 304"] = summary([answer for answer in unchanged if answer.status == 304])


def _await_cycle(service: Service) -> dict[str, Any]:
    """Waits for the end of the next cycle and returns its status row. No RPC runs right after it."""
    known = _status(service)["cycles"]
    return wait_until(
        "the next cycle", lambda: _status(service), lambda row: row["cycles"] > known, timeout=_LOADED_PATIENCE_SECONDS
    )


def _status(service: Service) -> dict[str, Any]:
    connection = sqlite3.connect(f"file:{service.folder}/snapshot.sqlite?mode=ro", uri=True, timeout=10)
    try:
        connection.row_factory = sqlite3.Row
        row = dict(connection.execute("SELECT version, cycles, cycle_seconds, rpcs FROM status").fetchone())
        changed = connection.execute("SELECT count(*) FROM queue WHERE version = ?", (row["version"],)).fetchone()
        return {**row, "changed_rows": changed[0]}
    finally:
        connection.close()


def _loader_seconds(service: Service) -> float:
    """Returns the processor seconds of the loader, without those of the commands that it started."""
    pids = [pid for pid, line in session_members(service.process.pid).items() if _role(line) == "loader"]
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(used.user + used.system for used in times)


def _split_cycle(cluster: Cluster, name: str, source: str) -> dict[str, float]:
    folder = f"/run/{name}-split"
    cluster.run(["install", "-d", "-o", SERVICE_USER, folder])
    argv = [
        f"{VENV_IN_ROOT}/bin/python",
        f"{CHECKOUT_IN_ROOT}/benchmarks/split_cycle.py",
        folder,
        HIDDEN_PARTITION,
        source,
    ]
    printed = cluster.run(argv, user=SERVICE_USER, timeout=300).stdout
    cluster.run(["rm", "-r", folder])
    split: dict[str, float] = json.loads(printed.splitlines()[-1])
    return split


def _role(command_line: str) -> str:
    words = shlex.split(command_line)
    roles = {"slurm_rest_api.slurmapi.collector.loader_main": "loader", "collect": "collector", "serve": "web server"}
    return next((role for word, role in roles.items() if word in words), "supervisor")


def _restart_slurmrestd(cluster: Cluster) -> None:
    cluster.daemons.stop("slurmrestd")
    cluster.daemons.start("slurmrestd")

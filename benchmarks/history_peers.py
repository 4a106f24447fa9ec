"""Measures one window of records with sacct and slurmrestd, and the service with 50 clients."""

from __future__ import annotations

import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import pymysql

from benchmarks.history_requests import DAY, between
from benchmarks.history_rows import Filled
from benchmarks.measure import Client, summary
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service, start_service
from tests.testbed.slurmnodes import CLUSTER, HIDDEN_PARTITION

CLIENTS: Final = 50
_REQUESTS_EACH: Final = 20
_READER: Final = "bench_reader"
_COLUMNS: Final = (
    "JobID,JobName,User,Account,Partition,State,ExitCode,Submit,Start,End,Elapsed,NodeList,AllocTRES,ReqTRES"
)


@dataclass(frozen=True)
class Peer:
    """One program that returns a window of records: seconds of each run, records and bytes of one."""

    name: str
    seconds: list[float]
    records: int
    size: int

    @property
    def median(self) -> float:
        """Median seconds of a run."""
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Crowd:
    """Results of many clients: seconds of the responses, and the peak of database connections."""

    p50: float
    p99: float
    answers: int
    connections: int
    pool: int


def start(cluster: Cluster) -> Service:
    """Starts the service over the cluster's accounting database, with the default pool size."""
    facts = cluster.database
    tables = (f"{CLUSTER}_job_table", f"{CLUSTER}_assoc_table", "qos_table", "tres_table")
    grants = " ".join(f"GRANT SELECT ON {facts.name}.{table} TO '{_READER}'@'%';" for table in tables)
    # A separate account, so that its connections can be counted.
    cluster.sql(f"CREATE OR REPLACE USER '{_READER}'@'%' IDENTIFIED BY '{facts.password}'; {grants}")
    config = f"""\
system:
  use_acct_db: true
database:
  db_host: 127.0.0.1
  db_port: {facts.port}
  db_user: {_READER}
  db_name: {facts.name}
  table_job: {CLUSTER}_job_table
  table_assoc: {CLUSTER}_assoc_table
filter:
  partitions: [{HIDDEN_PARTITION}]
"""
    return start_service(
        cluster, f"bench-history-{os.getpid()}", config, env={"SLURM_REST_API_DB_PASS": facts.password}
    )


def peers(cluster: Cluster, service: Service, filled: Filled, ours: int, theirs: int) -> list[Peer]:
    """Measures the records of one day a year ago with the service, sacct and slurmrestd."""
    since = filled.now - 365 * DAY
    window = f"/history?{between('end', since, since + DAY)}&limit=10000"
    day = [time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(moment)) for moment in (since, since + DAY)]
    sacct = ["sacct", "-X", "-D", "-P", "-n", "--allusers", "-S", day[0], "-E", day[1], "-o", _COLUMNS]
    rest = f"/slurmdb/{cluster.api_version}/jobs?start_time={since}&end_time={since + DAY}&skip_steps=true"
    token = {"X-SLURM-USER-NAME": "root", "X-SLURM-USER-TOKEN": cluster.token("root")}
    return [
        _over_http("/history, format=ndjson", service.url, f"{window}&format=ndjson", ours, None, b'"id_record"'),
        _over_http("/history", service.url, window, ours, None, b'"id_record"'),
        _by_command("sacct", cluster, sacct, theirs),
        _over_http("slurmrestd slurmdb/jobs", cluster.slurmrestd_url, rest, theirs, token, b'"derived_exit_code":'),
    ]


def _over_http(name: str, url: str, path: str, times: int, headers: dict[str, str] | None, mark: bytes) -> Peer:
    client = Client(url, headers)
    seconds, body = [], b""
    for _ in range(times):
        began = time.perf_counter()
        body = client.body(path)
        seconds.append(time.perf_counter() - began)
    client.close()
    return Peer(name, seconds, body.count(mark), len(body))


def _by_command(name: str, cluster: Cluster, argv: list[str], times: int) -> Peer:
    seconds = []
    printed = ""
    for _ in range(times):
        began = time.perf_counter()
        printed = cluster.run(argv, timeout=600).stdout
        seconds.append(time.perf_counter() - began)
    return Peer(name, seconds, printed.count("\n"), len(printed))


def many_clients(connection: pymysql.Connection[Any], service: Service, pool: int) -> Crowd:
    """Requests the newest records of many users with 50 concurrent clients."""
    paths = [[f"/history?user=u{client * 7 + number}" for number in range(_REQUESTS_EACH)] for client in range(CLIENTS)]
    most = 0
    with ThreadPoolExecutor(CLIENTS) as threads:
        measure_route = [threads.submit(_ask_all, service.url, mine) for mine in paths]
        while not all(client.done() for client in measure_route):
            most = max(most, _connections(connection))
    answers = [answer for client in measure_route for answer in client.result() if answer.status == 200]
    latency = summary(answers)
    return Crowd(latency.p50, latency.p99, latency.count, most, pool)


def _ask_all(url: str, paths: list[str]) -> list[Any]:
    client = Client(url)
    try:
        return [client.get(path) for path in paths]
    finally:
        client.close()


def _connections(connection: pymysql.Connection[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM information_schema.processlist WHERE user = %s", [_READER])
        [[count]] = cursor.fetchall()
    return int(count)

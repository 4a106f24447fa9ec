"""Measures /jobs for jobs that wait and jobs that have ended, with sacct and squeue as peers for the same ids.

Run `python3 -m benchmarks.jobs` as root in the checkout, on an idle machine. It brings up the cluster of
`tests/testbed`, fills slurmdbd's own job table, submits jobs, measures, prints Markdown tables and takes the cluster
down.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import psutil
import pymysql

from benchmarks import run_on_cluster
from benchmarks.document import machine
from benchmarks.figures import Figure, keep
from benchmarks.history_measure import ProcessorTime, look_up
from benchmarks.history_peers import start
from benchmarks.history_questions import daemon
from benchmarks.history_rows import connect, fill
from benchmarks.measure import Answer, Client, summary
from tests.testbed.cluster import Cluster
from tests.testbed.layout import CHECKOUT_IN_ROOT, VENV_IN_ROOT
from tests.testbed.service import Service
from tests.testbed.slurmnodes import CLUSTER
from tests.testbed.steps import say, step, wait_until

_LIVE: Final = 500
_ENDED: Final = 500
_FIRST_ID: Final = 100_000
"""The first job id of `benchmarks.history_rows`. slurmctld counts from 1."""
_GOAL_MS: Final = 50
_POLLERS: Final = 50
_IDS_OF_A_POLLER: Final = 200
_ROUNDS: Final = 10


@dataclass(frozen=True)
class Line:
    """Seconds of equal requests by one program, and the number of jobs and bytes in each answer.

    `cpu` is the mean of their processor seconds: of the service or the command, and of the daemons and the database.
    """

    name: str
    seconds: list[float]
    jobs: int
    size: int
    cpu: float


def main(arguments: list[str]) -> int:
    """Fills the table, submits, measures and prints. Returns the exit status."""
    options = _parser().parse_args(arguments)
    return run_on_cluster.run(lambda cluster: _measure(cluster, options), options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.jobs", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="records (default: ten million)")
    parser.add_argument("--times", type=int, default=50, help="requests of each kind (default: 50)")
    parser.add_argument("--output", type=Path, help="also write the tables between the marks of this file")
    parser.add_argument("--figures", type=Path, help="keep the figures for the table of all benchmarks here")
    parser.add_argument("--keep", action="store_true", help="leave the cluster up")
    return parser


def _measure(cluster: Cluster, options: argparse.Namespace) -> str:
    connection = connect(cluster.database)
    if _records(connection) < options.rows:
        with step(f"write {options.rows:,} records"):
            fill(connection, CLUSTER, options.rows, say)
    with step(f"submit {_LIVE} jobs"):
        live = _submit(cluster)
    # The newest records are those of running and waiting jobs.
    ended = [_FIRST_ID + number for number in random.Random(17).sample(range(1, options.rows - 10_000), _ENDED)]  # noqa: S311 - no secret
    service = start(cluster)
    try:
        wait_until("the service to have the jobs", lambda: _known(service, live), lambda seen: seen == _LIVE)
        with step("measure"):
            lines = _lines(cluster, service, live, ended, options.times)
            selects = _selects(connection, lambda: _ask(service, [*live, *ended], 10))
            crowd = _crowd(service, [*live, *ended])
    finally:
        service.stop()
    keep(options.figures, "jobs", _figures(lines, look_up(connection)))
    setting = f"{machine(cluster)}. {options.rows:,} records in slurmdbd's own job table, {_LIVE} jobs in slurmctld."
    return "\n\n".join([setting, _table(lines), _verdict(lines[0], selects), crowd])


def _figures(lines: Sequence[Line], least: float) -> list[Figure]:
    """Returns the figures of the requests. sacct knows all of the ids, and squeue those of the live jobs."""
    times = {line.name: 1000 * statistics.median(line.seconds) for line in lines}
    mixed, live = lines[0].name, lines[1].name
    return [
        Figure(f"jobs by their ids: {mixed}", times[mixed], "`sacct`", times["`sacct`"], "one index look-up", least,
               _GOAL_MS),
        Figure(f"jobs by their ids: {live}, all in slurmctld", times[live], "`squeue`", times["`squeue`"]),
    ]  # fmt: skip


def _records(connection: pymysql.Connection[Any]) -> int:
    """Returns the number of records, which an earlier run with --keep may have written."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM `{CLUSTER}_job_table`")
        [[count]] = cursor.fetchall()
    return int(count)


def _submit(cluster: Cluster) -> list[int]:
    program = [f"{VENV_IN_ROOT}/bin/python", f"{CHECKOUT_IN_ROOT}/benchmarks/submit_jobs.py"]
    cluster.run([*program, str(_LIVE), "main"], user="alice", timeout=600)
    printed = cluster.run(["squeue", "-h", "-a", "-t", "PD", "-u", "alice", "-o", "%i"]).stdout
    return [int(line) for line in printed.split()][:_LIVE]


def _path(ids: Sequence[int]) -> str:
    return f"/jobs?id={','.join(map(str, ids))}"


def _known(service: Service, ids: Sequence[int]) -> int:
    client = Client(service.url)
    body = client.body(_path(ids))
    client.close()
    return sum(job["source"] == "queue" for job in orjson.loads(body).get("data", {}).values())


def _ask(service: Service, ids: Sequence[int], times: int) -> Line:
    client = Client(service.url)
    path = _path(ids)
    body = client.body(path)
    processes = [psutil.Process(pid) for pid in service.processes()]
    used = ProcessorTime(*processes, daemon(service.cluster, "mariadb"))
    used.start()
    answers = [client.get(path) for _ in range(times)]
    cpu = used.seconds() / times
    client.close()
    jobs = len(orjson.loads(body)["data"])
    return Line(f"`/jobs`, {len(ids):,} ids", [answer.seconds for answer in answers], jobs, len(body), cpu)


def _lines(cluster: Cluster, service: Service, live: Sequence[int], ended: Sequence[int], times: int) -> list[Line]:
    both = [*live, *ended]
    columns = "JobID,State,ExitCode,DerivedExitCode,Submit,Start,End,NodeList,Restarts"
    sacct = ["sacct", "-X", "-P", "-n", "--allusers", "-o", columns, "-j"]
    squeue = ["squeue", "-h", "-a", "-t", "all", "-o", "%i %T %r %S %e %N", "-j"]
    few = max(3, times // 10)
    return [
        _ask(service, both, times),
        _ask(service, live, times),
        _ask(service, ended, times),
        _ask(service, ended[:1], times),
        _command(cluster, "sacct", [*sacct, ",".join(map(str, both))], few),
        _command(cluster, "squeue", [*squeue, ",".join(map(str, both))], few),
        _command(cluster, "sacct, one id", [*sacct, str(ended[0])], few),
    ]


def _command(cluster: Cluster, name: str, argv: Sequence[str], times: int) -> Line:
    seconds, printed = [], ""
    daemons = (daemon(cluster, name) for name in ("mariadb", "slurmdbd", "slurmctld"))
    used = ProcessorTime(psutil.Process(), *daemons)
    used.start()
    for _ in range(times):
        began = time.perf_counter()
        printed = cluster.run(argv, timeout=600, check=False).stdout
        seconds.append(time.perf_counter() - began)
    return Line(f"`{name}`", seconds, printed.count("\n"), len(printed), used.seconds() / times)


def _selects(connection: pymysql.Connection[Any], ask: Callable[[], Line]) -> float:
    """Returns the SELECT statements of the database server for each request."""
    before = _com_select(connection)
    line = ask()
    # The first request is not timed.
    return (_com_select(connection) - before) / (len(line.seconds) + 1)


def _com_select(connection: pymysql.Connection[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Com_select'")
        [[_, count]] = cursor.fetchall()
    return int(count)


def _crowd(service: Service, ids: Sequence[int]) -> str:
    """Measures pollers that each ask for their jobs once a second, spread over the second."""
    with ThreadPoolExecutor(_POLLERS) as threads:
        began = time.perf_counter()
        polls = [
            threads.submit(
                _poll,
                service,
                random.Random(number).sample(ids, _IDS_OF_A_POLLER),  # noqa: S311 - no secret
                began + number / _POLLERS,
            )
            for number in range(_POLLERS)
        ]
        results = [poll.result() for poll in polls]
    took = time.perf_counter() - began
    latency = summary([answer for answers, _ in results for answer in answers if answer.status == 200])
    unanswered = sum(count for _, count in results)
    return (
        f"{_POLLERS} pollers with {_IDS_OF_A_POLLER} ids each, {_ROUNDS} polls a second apart: {latency.count} answers"
        f" in {took:.1f} s, p50 {_ms(latency.p50)}, p99 {_ms(latency.p99)}. {unanswered} polls had unanswered ids,"
        " because the database was busy with others."
    )


def _poll(service: Service, ids: Sequence[int], began: float) -> tuple[list[Answer], int]:
    client = Client(service.url)
    answers, unanswered = [], 0
    for number in range(_ROUNDS):
        time.sleep(max(0.0, began + number - time.perf_counter()))
        answers.append(client.get(_path(ids)))
        # Only an answer without unanswered ids has an etag.
        unanswered += answers[-1].tag is None
    client.close()
    return answers, unanswered


def _table(lines: Sequence[Line]) -> str:
    head = [
        "*Processor* is the time of one request in the service and the database server, or in the command, slurmctld,"
        " slurmdbd and the database server. The service's collector loads meanwhile, which counts as well.",
        "",
        "| | p50 | p99 | processor | jobs | bytes |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    return "\n".join([*head, *map(_row, lines)])


def _row(line: Line) -> str:
    ordered = sorted(line.seconds)
    p99 = ordered[max(0, math.ceil(0.99 * len(ordered)) - 1)]
    cells = [_ms(statistics.median(ordered)), _ms(p99), _ms(line.cpu), f"{line.jobs:,}", f"{line.size:,}"]
    return f"| {line.name} | {' | '.join(cells)} |"


def _verdict(line: Line, selects: float) -> str:
    median = 1000 * statistics.median(line.seconds)
    verdict = "met" if median <= _GOAL_MS else "missed"
    return (
        f"The goal for {_LIVE + _ENDED:,} ids, of which {_ENDED} have ended, is {_GOAL_MS} ms at the median: {verdict}"
        f" ({median:.1f} ms). The database server counted {selects:.2f} SELECT statements a request, those of slurmdbd"
        " included. A request is no RPC."
    )


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:,.1f} ms"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

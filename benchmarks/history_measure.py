"""Times requests in this process and the SQL statements that they execute, and measures the processor time of both.

Other work on the machine makes a request wait, but hardly changes its processor time.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import psutil
import pymysql
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from benchmarks.history_requests import Request
from tests.testbed.slurmnodes import CLUSTER

_DEPTH: Final = 100_000
_LOOK_UPS: Final = 200
OLD_LIMIT_SECONDS: Final = 30


@dataclass(frozen=True)
class Timing:
    """Milliseconds of equal requests: whole response and its statements. `records` is the count in each.

    `service_cpu` and `database_cpu` are milliseconds of processor time of one request, the mean of all.
    """

    status: int
    records: int
    answers: list[float]
    statements: list[float]
    service_cpu: float = 0.0
    database_cpu: float = 0.0

    @property
    def cpu(self) -> float:
        """Milliseconds of processor time of one request, in the service and the database server."""
        return self.service_cpu + self.database_cpu


@dataclass
class Statements:
    """The statements of the last request, with parameters and milliseconds."""

    seen: list[tuple[str, Any, float]] = field(default_factory=list)

    @property
    def milliseconds(self) -> float:
        """Milliseconds of all statements."""
        return sum(took for _, _, took in self.seen)


@contextmanager
def watched_statements() -> Iterator[Statements]:
    """Records every statement that an engine of this process executes."""
    statements = Statements()

    def before(_connection: Any, _cursor: Any, _statement: Any, _parameters: Any, context: Any, _many: Any) -> None:
        context.benchmark_began = time.perf_counter()

    def after(_connection: Any, _cursor: Any, statement: str, parameters: Any, context: Any, _many: Any) -> None:
        statements.seen.append((statement, parameters, 1000 * (time.perf_counter() - context.benchmark_began)))

    def failed(context: Any) -> None:
        if context.execution_context is not None:
            began = context.execution_context.benchmark_began
            statements.seen.append((context.statement, context.parameters, 1000 * (time.perf_counter() - began)))

    hooks: list[tuple[str, Callable[..., None]]] = [
        ("before_cursor_execute", before), ("after_cursor_execute", after), ("handle_error", failed),
    ]  # fmt: skip
    for name, hook in hooks:
        event.listen(Engine, name, hook)
    try:
        yield statements
    finally:
        for name, hook in hooks:
            event.remove(Engine, name, hook)


class ProcessorTime:
    """Processor seconds of processes, children that have ended included, since `start`."""

    def __init__(self, *processes: psutil.Process) -> None:
        self._processes = processes
        self._begun = 0.0

    def start(self) -> None:
        """Begins to measure."""
        self._begun = self._now()

    def seconds(self) -> float:
        """Returns the processor seconds since `start`."""
        return self._now() - self._begun

    def _now(self) -> float:
        return sum(sum(process.cpu_times()[:4]) for process in self._processes)


def measure(client: FlaskClient, statements: Statements, path: str, times: int, server: ProcessorTime) -> Timing:
    """Requests `path` `times` times, or once if the response is an error. `server` is that of the database."""
    answers, database = [], []
    own = time.process_time()
    server.start()
    while True:
        statements.seen.clear()
        began = time.perf_counter()
        response = client.get(path)
        answers.append(1000 * (time.perf_counter() - began))
        database.append(statements.milliseconds)
        if len(answers) == times or response.status_code != 200:
            break
    service_cpu, database_cpu = time.process_time() - own, server.seconds()
    body, count = response.get_json(), len(answers)
    return Timing(
        status=response.status_code,
        records=len(body.get("data", [])),
        answers=answers,
        statements=database,
        service_cpu=1000 * service_cpu / count,
        database_cpu=1000 * database_cpu / count,
    )


def first_page(request: Request) -> str:
    """Returns the path of the first page of ten."""
    return f"/history?{request.query}&limit=10".replace("?&", "?")


def deep_page(client: FlaskClient, request: Request) -> str | None:
    """Returns the path of the page after record 100,000 by cursor, or None if finding it timed out."""
    response = client.get(f"{first_page(request)}&offset={_DEPTH - 10}&fields=id_record")
    link = response.get_json()["meta"]["next"] if response.status_code == 200 else None
    if link is None:
        return None
    [cursor] = parse_qs(urlsplit(link).query)["cursor"]
    return f"{first_page(request)}&cursor={cursor}"


def measure_old(connection: pymysql.Connection[Any], table: str, request: Request) -> float:
    """Returns the milliseconds of the query of 2018, or infinity above the limit."""
    query = (
        f"SET STATEMENT max_statement_time = {OLD_LIMIT_SECONDS} FOR"
        f" SELECT * FROM `{table}` WHERE {request.old} ORDER BY time_submit DESC LIMIT 10"
    )
    began = time.perf_counter()
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
    except pymysql.err.OperationalError as error:
        if error.args[0] != 1969:
            raise
        return float("inf")
    return 1000 * (time.perf_counter() - began)


def look_up(connection: pymysql.Connection[Any], table: str = f"{CLUSTER}_job_table") -> float:
    """Returns the median milliseconds of reading one record by its primary key, the least that an answer needs."""
    took = []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT MAX(job_db_inx) FROM `{table}`")
        [[last]] = cursor.fetchall()
        for number in range(_LOOK_UPS):
            began = time.perf_counter()
            cursor.execute(f"SELECT * FROM `{table}` WHERE job_db_inx = %s", [last - 997 * number])
            cursor.fetchall()
            took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)


def explained(connection: pymysql.Connection[Any], statements: Statements) -> str:
    """Returns the slowest statement of the last request with its query plan."""
    statement, parameters, took = max(statements.seen, key=lambda seen: seen[2])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}", parameters)
        plan = [" | ".join(map(str, row)) for row in cursor.fetchall()]
        shown = cursor.mogrify(statement, parameters)
    return "\n".join([f"{took:.1f} ms: {shown}", *plan])

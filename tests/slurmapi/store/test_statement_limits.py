"""Statements of the store end: at their time limit, with their view, and with their client."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from slurm_rest_api.errors import ClientDisconnected, StoreTooSlow
from slurm_rest_api.slurmapi.store import schema, statements
from slurm_rest_api.slurmapi.store.statements import StatementLimit, Statements
from tests.builders import make_job
from tests.slurmapi.query.service import Service
from tests.slurmapi.store_connections import watch_connections

JOBS = 3_000
ENDLESS = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT i FROM r"
ENDLESS_COUNT = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r"
MANY = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r LIMIT 100000) SELECT count(*) FROM r"


class Clock:
    """A clock that advances by one second each time it is read."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        self.seconds += 1.0
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(statements, "time", clock)
    return clock


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    service = Service(tmp_path_factory.mktemp("service"), store_statement_seconds=1)
    service.load({number: make_job(number, comment="x" * 200) for number in range(1, JOBS + 1)})
    return service


def opened(path: Path, seconds: float) -> tuple[Statements, StatementLimit]:
    """Returns the statements of a connection to an empty store."""
    schema.create(path, "generation").close()
    limit = StatementLimit(seconds)
    return Statements(schema.connect_readonly(path, limit), limit), limit


def test_a_statement_ends_at_its_limit(tmp_path: Path, clock: Clock) -> None:
    found, _ = opened(tmp_path / "store.sqlite", 7)
    with pytest.raises(StoreTooSlow, match=r"longer than 7 seconds \(`system.store_statement_seconds`\). Narrow it: "):
        found.execute(ENDLESS_COUNT).one()
    # The handler read the clock until the limit, and no longer.
    assert clock.seconds <= 10


def test_a_statement_ends_at_its_limit_while_its_rows_are_read(tmp_path: Path, clock: Clock) -> None:
    found, _ = opened(tmp_path / "store.sqlite", 50)
    rows = iter(found.execute(ENDLESS))
    assert [next(rows) for _ in range(3)] == [(1,), (2,), (3,)]
    clock.seconds += 1000
    assert next(rows) == (4,), "the time of a slow client does not count"
    with pytest.raises(StoreTooSlow):
        for _ in rows:
            pass
    assert found.execute("SELECT 1").one() == (1,), "each statement has a limit of its own"


def test_the_limit_ends_with_the_call_of_sqlite(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "store.sqlite"
    schema.create(path, "generation").close()
    limit = StatementLimit(7)
    connection = schema.connect_readonly(path, limit)
    assert Statements(connection, limit).execute("SELECT 1").one() == (1,)
    # The connection is idle for longer than the limit, and its client disconnects.
    clock.seconds += 1000
    limit.has_client_gone = lambda: True
    # SQLite calls the handler in any statement of this length, also in those that begin the next view.
    assert connection.execute(MANY).fetchone() == (100000,)
    connection.close()


def test_a_statement_ends_when_its_client_has_gone(tmp_path: Path, clock: Clock) -> None:
    found, limit = opened(tmp_path / "store.sqlite", 1_000_000)
    limit.has_client_gone = lambda: clock.seconds > 20
    with pytest.raises(ClientDisconnected):
        found.execute(ENDLESS_COUNT).one()
    assert clock.seconds <= 25


def test_an_open_statement_ends_with_its_view(tmp_path: Path) -> None:
    found, _ = opened(tmp_path / "store.sqlite", 10)
    rows = iter(found.execute(ENDLESS))
    assert next(rows) == (1,)
    found.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed cursor"):
        for _ in rows:
            pass


@pytest.mark.parametrize("path", ["/queue?sort=name&limit=1", "/queue?state=PD", "/queue?group_by=name"])
def test_a_query_that_exceeds_the_limit_is_a_503_that_says_what_to_narrow(
    service: Service, clock: Clock, path: str
) -> None:
    response = service.client.get(path)
    (error,) = response.get_json()["errors"]
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert error["title"] == "Query too slow"
    assert "`user`, `account` or `jobid`" in error["detail"]


def test_a_client_that_goes_while_it_waits_ends_the_work(service: Service, clock: Clock) -> None:
    environ = {"waitress.client_disconnected": lambda: True}
    response = service.client.get("/queue?sort=name&limit=1", environ_overrides=environ)
    assert response.get_json()["errors"][0]["title"] == "Client disconnected"


def test_a_client_that_goes_while_rows_are_sent_ends_the_work(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed: list[str] = []
    connections: list[sqlite3.Connection] = []

    def watch(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(executed.append)
        connections.append(connection)

    watch_connections(monkeypatch, service.paths.root, watch)
    fresh = Service(service.paths.root)
    response = fresh.client.get("/queue?state=PD", headers={"Accept-Encoding": "identity"}, buffered=False)
    assert response.is_streamed
    assert next(iter(response.response))
    read = len(executed)
    response.close()
    assert executed[read:] == ["ROLLBACK"]
    assert sum(sql.startswith("SELECT key, body") for sql in executed) < JOBS
    assert not any(connection.in_transaction for connection in connections)

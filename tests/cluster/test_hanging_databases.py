"""Databases that hang (SIGSTOP): requests are answered, samples are taken, and all of it ends without a restart."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from slurm_rest_api.archive.factory import open_reader
from slurm_rest_api.archive.spool import Spool
from slurm_rest_api.archive.spool_writer import SpoolWriter
from slurm_rest_api.archive.status import StatusFile, read_status
from slurm_rest_api.archive.time_range import TimeRange
from slurm_rest_api.config import Settings, SystemSettings
from slurm_rest_api.errors import ArchiveUnavailable
from tests.acctapi.slurmdbd_rows import job_row
from tests.archive.databases import Archives, open_store
from tests.archive.samples import make_sample
from tests.cluster.accounting_database import JOB_TABLE, OPTIONAL, AccountingDatabase
from tests.cluster.database_server import DatabaseServer
from tests.cluster.mariadb import mariadb_server
from tests.cluster.postgresql import postgresql_server
from tests.conftest import make_client
from tests.testbed.cluster import Cluster, DatabaseFacts
from tests.waiting import wait_for

_POOL = 3
_CLIENTS = 20
_ACCOUNTING = (
    "/history", "/users", "/history?format=ndjson", "/history/1005", "/history/1005/steps",
    "/history?group_by=account&submitafter=0", "/accounts", "/accounts/root", "/qos", "/qos/normal", "/events",
    "/events?group_by=node", "/utilization", "/utilization?group_by=account",
)  # fmt: skip
# Takes samples as the collector does, and reports it. Its thread stores them.
_COLLECTOR = """
import sys, time
from pathlib import Path
from tests.archive.samples import make_sample
from tests.cluster.test_hanging_databases import collector
spool, writer, status = collector(Path(sys.argv[1]), sys.argv[2])
for number in range(1, 7):
    status.update(lost=spool.put(make_sample(60 * number)), waiting=len(spool))
    writer.wake()
print("taken", flush=True)
time.sleep(3600)
"""


def collector(folder: Path, url: str) -> tuple[Spool, SpoolWriter, StatusFile]:
    """Returns the parts of a collector whose archive is in a server."""
    spool, status = Spool(folder / "waiting"), StatusFile(folder / "status.json")
    store = open_store(SystemSettings.model_validate({"archive_url": url}))
    return spool, SpoolWriter(spool, store, status, width=60, keep_seconds=2**40), status


@pytest.fixture(scope="module")
def mariadb(cluster: Cluster) -> Iterator[tuple[DatabaseServer, DatabaseFacts]]:
    with mariadb_server(cluster) as server:
        yield server


@pytest.fixture(scope="module")
def postgresql() -> Iterator[DatabaseServer]:
    with postgresql_server() as server:
        yield server


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> DatabaseServer:
    found: DatabaseServer | tuple[DatabaseServer, DatabaseFacts] = request.getfixturevalue(request.param)
    return found if isinstance(found, DatabaseServer) else found[0]


def complaints(caplog: pytest.LogCaptureFixture, logger: str) -> list[str]:
    return [record.getMessage().partition(":")[0] for record in caplog.records if record.name.endswith(logger)]


def test_accounting_database_that_hangs(
    mariadb: tuple[DatabaseServer, DatabaseFacts], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "slurm_rest_api")
    server, facts = mariadb
    database = AccountingDatabase(facts, "26.05")
    database.insert(JOB_TABLE, (job_row("26.05", number, {}) for number in range(1, 30)))
    database.grant_all()
    limits = {"db_pool_size": _POOL, "db_connect_timeout": 1, "db_statement_seconds": 1}
    settings = database.settings(tmp_path / "run", **OPTIONAL, **limits)
    # With hidden partitions /events needs a snapshot of the cluster.
    app = make_client(settings.model_copy(update={"filter": Settings().filter})).application

    def ask(path: str) -> tuple[int, str | None]:
        response = app.test_client().get(path)
        return response.status_code, response.headers.get("Retry-After")

    def requests() -> int:
        accounting = app.test_client().get("/health").get_json()["data"]["parts"]["accounting"]
        return int(accounting["facts"]["requests"])

    assert {path: ask(path) for path in _ACCOUNTING} == dict.fromkeys(_ACCOUNTING, (200, None))
    with server.frozen():
        with ThreadPoolExecutor(_CLIENTS) as threads:
            answers = list(threads.map(ask, 6 * (*_ACCOUNTING, "/health")))
        assert {status for status, _ in answers} == {503}
        # Some waited for the time-out, others were refused: as many as may use it did, or the circuit was open.
        assert {seconds for _, seconds in answers} <= {"1", "5", "10", None}
        parts = app.test_client().get("/health").get_json()["data"]["parts"]
        assert parts["accounting"]["state"] == "broken"
        assert parts["accounting"]["facts"]["unreachable_since"] is not None
        assert parts["accounting"]["facts"]["max_requests"] == _POOL
        assert ask("/history") == (503, "5")
        metrics = app.test_client().get("/metrics").text
        assert 'slurm_rest_api_database_circuit_open_workers{database="accounting"} 1.0' in metrics
    wait_for("/history to answer again", lambda: ask("/history") == (200, None))
    assert requests() == 0
    found = [line for line in complaints(caplog, ".circuit") if "got 503" not in line]
    assert found == ["The accounting database does not answer", "The accounting database answers again."]
    database.close()


def test_archive_that_hangs_is_not_waited_for(
    server: DatabaseServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "slurm_rest_api")
    for limit in ("_READ_SECONDS", "_SERVER_SECONDS", "_CONNECT_SECONDS"):
        monkeypatch.setattr(f"slurm_rest_api.archive.engine.{limit}", 1)
    settings = SystemSettings.model_validate({"archive_url": server.url})
    store = open_store(settings)
    store.add(make_sample(0))
    store.close()
    reader = open_reader(settings, 2)

    def read() -> list[int] | str:
        try:
            return [row.time for row in reader.samples(TimeRange(0, 60, 0), 10)]
        except ArchiveUnavailable as error:
            return error.detail.partition(".")[0]

    assert read() == [0]
    with server.frozen():
        with ThreadPoolExecutor(_CLIENTS) as threads:
            answers = {str(answer) for answer in threads.map(lambda _: read(), range(_CLIENTS))}
        assert answers <= {
            "The load archive cannot be read",
            "The load archive does not answer",
            "The load archive is busy: as many requests read it as this worker allows",
        }
        assert read() == "The load archive does not answer"
    wait_for("the archive to answer again", lambda: read() == [0])
    found = [line for line in complaints(caplog, ".circuit") if "got 503" not in line]
    assert found == ["The load archive does not answer", "The load archive answers again."]
    reader.close()


def test_no_sample_is_lost_while_the_archive_hangs_and_the_collector_is_killed(
    server: DatabaseServer, tmp_path: Path
) -> None:
    archives = Archives(SystemSettings.model_validate({"archive_url": server.url}))
    archives.store().add(make_sample(0))
    with server.frozen():
        process = subprocess.Popen(
            [sys.executable, "-c", _COLLECTOR, str(tmp_path), server.url], stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "taken\n"
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
        status = read_status(tmp_path / "status.json")
        assert status is not None
        assert (status.waiting, status.lost) == (6, 0)
    spool, writer, after = collector(tmp_path, server.url)
    spool.put(make_sample(420))
    writer.wake()
    wait_for("all samples to be stored", lambda: len(spool) == 0)
    writer.close()
    assert [sample["time"] for sample in archives.samples()] == [60 * number for number in range(8)]
    archives.close()
    assert len(Spool(tmp_path / "waiting")) == 0
    assert after.current.lost == 0

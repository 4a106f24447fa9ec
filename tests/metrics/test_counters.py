"""Metrics of the accounting database: connections, waits, and failures by kind."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection

from slurm_rest_api.acctapi.column_probe import Schema
from slurm_rest_api.acctapi.database import Database, open_database
from slurm_rest_api.config import DatabaseSettings
from slurm_rest_api.demo.accounting import ASSOC_TABLE, JOB_TABLE, AccountingFile
from slurm_rest_api.errors import DatabaseUnavailable
from slurm_rest_api.metrics.counters import Counters, DatabaseCounts, count_requests
from slurm_rest_api.web.request_events import RequestEvent
from tests.waiting import GIVE_UP_SECONDS, wait_for


def figure(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"slurm_rest_api_database_{name}", labels)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def watched(file: Path, registry: CollectorRegistry) -> Database:
    settings = DatabaseSettings(db_sqlite_file=file, table_job=JOB_TABLE, table_assoc=ASSOC_TABLE, db_pool_size=2)
    database = open_database(settings)
    database.observe(DatabaseCounts(registry, settings.db_pool_size))
    return database


def test_connections_in_use_are_counted_while_they_are(tmp_path: Path, registry: CollectorRegistry) -> None:
    AccountingFile(tmp_path / "accounting.sqlite").close()
    database = watched(tmp_path / "accounting.sqlite", registry)
    assert figure(registry, "pool_size_connections") == 2
    assert figure(registry, "pool_used_connections") == 0
    release = threading.Event()

    def hold(_connection: Connection, _schema: Schema) -> None:
        assert release.wait(GIVE_UP_SECONDS)

    threads = [threading.Thread(target=database.run, args=(hold,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_for("both connections to be in use", lambda: figure(registry, "pool_used_connections") == 2)
    release.set()
    for thread in threads:
        thread.join(GIVE_UP_SECONDS)
    assert figure(registry, "pool_used_connections") == 0
    assert figure(registry, "connections_taken_total") == 2
    waited = figure(registry, "connection_wait_seconds_total")
    assert waited is not None
    assert waited > 0
    database.close()


def test_failures_are_counted_by_kind(tmp_path: Path, registry: CollectorRegistry) -> None:
    database = watched(tmp_path / "no such folder" / "accounting.sqlite", registry)
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            database.run(lambda _connection, _schema: None)
    assert figure(registry, "errors_total", kind="unavailable") == 3
    assert figure(registry, "errors_total", kind="slow") == 0
    assert figure(registry, "pool_used_connections") == 0
    database.close()


def test_a_runtime_folder_that_cannot_be_written_fails_no_request(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = count_requests(registry)
    event = RequestEvent(None, None, "GET", "/queue", "/queue", 200, 12, 0.01)

    def read_only(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as broken:
        # The library opens a file for the first value of each kind.
        broken.setattr("prometheus_client.values.ValueClass", read_only)
        count(event)
    count(event)
    labels = {"route": "/queue", "method": "GET", "status": "200"}
    assert registry.get_sample_value("slurm_rest_api_http_requests_total", labels) == 1.0


def test_a_file_that_is_deleted_while_it_is_read_fails_no_request(
    tmp_path: Path, registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    listings: list[list[str]] = []

    def listed(_pattern: str) -> list[str]:
        # At the first listing the file of another worker exists still.
        listings.append([str(tmp_path / "counter_2.db")] if not listings else [])
        return listings[-1]

    monkeypatch.setattr("prometheus_client.multiprocess.glob.glob", listed)
    assert Counters(registry, tmp_path).text() == b""
    assert len(listings) == 2

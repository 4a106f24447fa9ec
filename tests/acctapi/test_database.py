"""Failures of the accounting database: each is counted and logged, a request at fault is neither."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.acctapi.tables import ACCT_TABLE
from tests.acctapi.rows import STEP_TABLE, job_row, settings_for, write_database
from tests.acctapi.test_history import step, write_steps
from tests.conftest import make_client


@pytest.fixture
def file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Path:
    caplog.set_level(logging.INFO, "slurm_rest_api.acctapi")
    write_database(tmp_path / "acct.sqlite", [job_row(5)])
    write_steps(tmp_path / "acct.sqlite", [step(5, (1, 0), (1, 0))])
    return tmp_path / "acct.sqlite"


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.endswith("acctapi.database")]


def errors(client: FlaskClient) -> set[str]:
    """The lines of /metrics that count failures and are not 0."""
    counted = [line for line in client.get("/metrics").text.splitlines() if "database_errors_total{" in line]
    assert counted
    return {line for line in counted if not line.endswith(" 0.0")}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/history/6/steps", 404),
        ("/history?group_by=account&jobid=5&node=n1&duplicates=false", 400),
    ],
)
def test_a_request_at_fault_is_no_failure_of_the_database(
    file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, path: str, status: int
) -> None:
    client = make_client(settings_for(file, tmp_path / "run", table_step=STEP_TABLE))
    assert client.get(path).status_code == status
    assert client.get("/users").status_code == 200
    assert lines(caplog) == []
    assert errors(client) == set()


def test_a_table_of_one_route_is_logged_once_and_read_as_soon_as_it_can_be(
    file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"ALTER TABLE {ACCT_TABLE} RENAME TO put_aside")
    client = make_client(settings_for(file, tmp_path / "run", table_acct=ACCT_TABLE))
    for _ in range(3):
        assert client.get("/accounts").status_code == 503
        assert client.get("/users").status_code == 200
    [line] = lines(caplog)
    assert line.startswith("/accounts cannot read the table that `database.table_acct` names.")
    assert len(errors(client)) == 1
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"ALTER TABLE put_aside RENAME TO {ACCT_TABLE}")
    assert client.get("/accounts").status_code == 200
    assert lines(caplog)[1:] == ["The accounting database answers again."]

"""Field `cpu_time` of /history: the sum over the steps of a job, null if unknown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import create_engine

from slurm_rest_api.acctapi.tables import step_table
from slurm_rest_api.slurm.sentinels import INFINITE, NO_VAL, NO_VAL64
from tests.acctapi.rows import STEP_TABLE, job_row, settings_for, write_database
from tests.conftest import make_client


def step(job: int, user: tuple[int, int], system: tuple[int, int], deleted: int = 0) -> dict[str, int]:
    """Returns a step of the record `job`. Times are seconds and microseconds."""
    return {
        "job_db_inx": job, "deleted": deleted, "user_sec": user[0], "user_usec": user[1], "sys_sec": system[0],
        "sys_usec": system[1],
    }  # fmt: skip


def write_steps(file: Path, steps: Iterable[dict[str, int]]) -> None:
    engine, table = create_engine(f"sqlite:///{file}"), step_table(STEP_TABLE)
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), list(steps))
    engine.dispose()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "accounting.sqlite"
    write_database(file, [job_row(key) for key in range(1, 6)])
    write_steps(file, [
        step(1, (60, 900_000), (30, 200_000)), step(1, (5, 0), (0, 1_000)),
        step(2, (7, 500_000), (0, 0)), step(2, (1000, 0), (1000, 0), deleted=1),
        step(3, (0, 0), (0, 0)),
        step(4, (2**40, 0), (0, 0)),
    ])  # fmt: skip
    return file


def times(file: Path, runtime: Path, **options: Any) -> dict[int, float | None]:
    client = make_client(settings_for(file, runtime, **options))
    return {record["id_job"]: record["cpu_time"] for record in client.get("/history").get_json()["data"]}


def test_cpu_time_is_the_sum_over_all_steps(database: Path, tmp_path: Path) -> None:
    found = times(database, tmp_path / "run", table_step=STEP_TABLE)
    assert found == {1: 96.101, 2: 7.5, 3: None, 4: float(2**40), 5: None}


@pytest.mark.parametrize("unknown", [NO_VAL, INFINITE, float(NO_VAL64)])
def test_cpu_time_is_null_if_that_of_a_step_is_unknown(tmp_path: Path, unknown: float) -> None:
    file = tmp_path / "accounting.sqlite"
    write_database(file, [job_row(key) for key in range(1, 4)])
    # SQLite's integers have 63 bits.
    unknown = cast(int, unknown)
    write_steps(file, [
        step(1, (5, 0), (0, 0)), step(1, (unknown, 0), (0, 0)),
        step(2, (0, 0), (unknown, 0)),
        step(3, (5, 0), (0, 0)),
    ])  # fmt: skip
    assert times(file, tmp_path / "run", table_step=STEP_TABLE) == {1: None, 2: None, 3: 5.0}


def test_cpu_time_is_null_without_table_step(tmp_path: Path) -> None:
    file = tmp_path / "accounting.sqlite"
    write_database(file, [job_row(1)])
    assert times(file, tmp_path / "run") == {1: None}


def test_cpu_time_as_only_field_and_as_csv(database: Path, tmp_path: Path) -> None:
    client = make_client(settings_for(database, tmp_path / "run", table_step=STEP_TABLE))
    query = "fields=id_job,cpu_time&limit=1&jobid=1"
    assert client.get(f"/history?{query}").get_json()["data"] == [{"id_job": 1, "cpu_time": 96.101}]
    assert client.get(f"/history.csv?{query}").text.splitlines() == ["id_job,cpu_time", "1,96.101"]


def test_missing_step_table_gets_503(tmp_path: Path) -> None:
    file = tmp_path / "accounting.sqlite"
    write_database(file, [job_row(1)])
    answer = make_client(settings_for(file, tmp_path / "run", table_step="other_step_table")).get("/history")
    assert answer.status_code == 503
    assert "no table other_step_table" in answer.get_json()["errors"][0]["detail"]
    assert "database.table_step" in answer.get_json()["errors"][0]["detail"]

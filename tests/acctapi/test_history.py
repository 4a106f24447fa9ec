"""Usage and efficiency in /history: from the steps of a job, null if unknown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, cast

import pytest
from sqlalchemy import create_engine

from slurm_rest_api.acctapi.tables import STEP_COLUMNS, step_table
from slurm_rest_api.slurm.sentinels import INFINITE, NO_VAL, NO_VAL64
from tests.acctapi.rows import STEP_TABLE, TRES, fault, job_row, settings_for, write_database
from tests.conftest import make_client

Row = dict[str, Any]

# Before 18.08.
OLD_COLUMNS: Final = STEP_COLUMNS - {"tres_usage_in_tot"}
COLUMNS: Final = STEP_COLUMNS - {"max_rss"}
MIB: Final = 2**20


def step(job: int, user: tuple[int, int], system: tuple[int, int], deleted: int = 0, **more: Any) -> Row:
    """Returns a step of the record `job`. Times are seconds and microseconds."""
    return {
        "job_db_inx": job, "deleted": deleted, "user_sec": user[0], "user_usec": user[1], "sys_sec": system[0],
        "sys_usec": system[1], "id_step": 0, "task_cnt": 1, **more,
    }  # fmt: skip


def write_steps(file: Path, steps: Iterable[Row], columns: frozenset[str] = COLUMNS) -> None:
    engine, table = create_engine(f"sqlite:///{file}"), step_table(STEP_TABLE, columns)
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


@pytest.mark.parametrize("setting", ["table_step", "table_resv"])
def test_a_missing_table_of_history_concerns_its_routes_alone(tmp_path: Path, setting: str) -> None:
    file = tmp_path / "accounting.sqlite"
    write_database(file, [job_row(1)])
    client = make_client(settings_for(file, tmp_path / "run", **{setting: "other_table"}))
    sums = "/history?group_by=account&submitafter=0"
    paths = ["/history", "/history/1"]
    if setting == "table_step":
        paths += ["/history/1/steps", f"{sums}&fields=account,cpu_efficiency"]
    for path in paths:
        assert f"cannot read the table that `database.{setting}` names" in fault(client, path, 503)["detail"]
    assert [client.get(path).status_code for path in ("/users", "/qos", sums)] == [200, 200, 200]


def usage(file: Path, runtime: Path) -> list[Row]:
    """Returns the records, the oldest first."""
    client = make_client(settings_for(file, runtime, table_step=STEP_TABLE))
    records: list[Row] = client.get("/history?limit=100").get_json()["data"]
    return records[::-1]


def used(total: str) -> Row:
    return step(0, (0, 0), (0, 0), tres_usage_in_tot=total)


def test_efficiency_is_computed_as_seff_does(tmp_path: Path) -> None:
    # 100 seconds of an hour, on 2 CPUs with 500 MiB. TRES: 1 cpu, 2 mem, 3 energy, 6 fs/disk.
    jobs = [job_row(key, tres_alloc="1=2,2=500,1001=2") for key in range(1, 7)]
    jobs[1] |= {"time_end": 0, "state": 1, "time_start": 10**9}
    jobs[2] |= {"tres_alloc": "1=2,2=500,3=900,4=1"}
    jobs[3] |= {"timelimit": 4294967295, "tres_alloc": "1=2,3=0"}
    file = tmp_path / "accounting.sqlite"
    write_database(file, jobs, tres=[*TRES, {"id": 3, "type": "energy", "name": ""}])
    steps = {
        # The batch step, then one whose tasks used 200 MiB together, 12=… is not 2=….
        1: ["1=0,2=1048576,12=999999999999", f"1=90000,2={200 * MIB},6=4096", ""],
        2: [f"2={100 * MIB}"],
        3: [f"2={750 * MIB}"],
        4: [f"2={100 * MIB}"],
        5: ["1=0,2=0,3=0,6=0,7=0", "1002=0,1003=0"],
    }
    write_steps(
        file,
        [{**used(total), "job_db_inx": key, "user_sec": 45} for key, totals in steps.items() for total in totals],
    )
    first, running, measured, unlimited, nothing, without = usage(file, tmp_path / "run")

    assert (first["cpu_time"], first["max_rss"]) == (135.0, 200.0)
    assert (first["cpu_efficiency"], first["mem_efficiency"], first["time_efficiency"]) == (0.675, 0.4, 0.0278)
    # Only the ended steps of a running job are recorded.
    assert (running["max_rss"], running["cpu_efficiency"], running["mem_efficiency"]) == (100.0, None, None)
    assert running["time_efficiency"] > 1
    assert (measured["energy"], measured["mem_efficiency"]) == (900, 1.5)
    assert (unlimited["time_efficiency"], unlimited["mem_efficiency"], unlimited["energy"]) == (None, None, None)
    assert (nothing["max_rss"], nothing["mem_efficiency"], nothing["energy"]) == (None, None, None)
    assert [without[name] for name in ("cpu_time", "max_rss", "cpu_efficiency", "mem_efficiency")] == [None] * 4


def test_gpus_are_reported_where_slurm_tracks_them(tmp_path: Path) -> None:
    file = tmp_path / "accounting.sqlite"
    tres = [{"id": 1002, "type": "gres", "name": "gpumem"}, {"id": 1003, "type": "gres", "name": "gpuutil"}]
    write_database(file, [job_row(1), job_row(2)], tres=[*TRES, *tres])
    write_steps(file, [{**used(f"2=4096,1002={3 * 2**29},1003=180"), "job_db_inx": 1},
                       {**used("1003=20"), "job_db_inx": 1}])  # fmt: skip
    first, second = usage(file, tmp_path / "run")

    assert (first["gpu_util"], first["gpu_mem"]) == (180, 1536.0)
    assert (second["gpu_util"], second["gpu_mem"]) == (None, None)


def test_memory_before_18_08_is_that_of_the_largest_task_times_the_tasks(tmp_path: Path) -> None:
    file = tmp_path / "accounting.sqlite"
    write_database(file, [job_row(1, tres_alloc="1=2,2=500"), job_row(2)])
    steps = [step(1, (1, 0), (0, 0), max_rss=51_200, task_cnt=4), step(1, (1, 0), (0, 0), max_rss=102_400, id_step=1),
             step(2, (1, 0), (0, 0), max_rss=float(NO_VAL64), task_cnt=2)]  # fmt: skip
    write_steps(file, steps, OLD_COLUMNS)
    first, second = usage(file, tmp_path / "run")

    assert (first["max_rss"], first["mem_efficiency"]) == (200.0, 0.4)
    assert second["max_rss"] is None

"""One job of /history with all its attempts and its steps."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, event

from slurm_rest_api.acctapi.factory import open_accounting
from slurm_rest_api.acctapi.parameters import StepsParameters
from slurm_rest_api.acctapi.states import REQUEUED
from slurm_rest_api.acctapi.stdio_paths import Names, expand, sluid
from slurm_rest_api.acctapi.step_contract import StepsAnswer
from slurm_rest_api.acctapi.step_records import step_text
from slurm_rest_api.acctapi.tables import OLD_STEP_COLUMNS, STEP_COLUMNS, step_table
from slurm_rest_api.auth.data_scope import EVERYTHING, DataScope
from slurm_rest_api.errors import NotFound
from slurm_rest_api.slurm.sentinels import NO_VAL
from slurm_rest_api.web.job_ids import parse_job_id
from tests.acctapi.rows import NO_VAL as NO_TASK
from tests.acctapi.rows import RESV_TABLE, STEP_TABLE, TRES, fault, job_row, settings_for, write_database
from tests.conftest import make_client

Row = dict[str, Any]

MIB: Final = 1 << 20
RUNNING, COMPLETED, FAILED = 1, 3, 5
DISK: Final = {"id": 6, "type": "fs", "name": "disk"}

JOBS: Final = [
    # Requeued twice: three records of one job.
    job_row(1, id_job=12, time_submit=1000, state=REQUEUED),
    job_row(2, id_job=12, time_submit=2000, state=REQUEUED),
    job_row(3, id_job=12, time_submit=3000, nodelist="rack[001-002]", nodes_alloc=2, tres_alloc="1=4,2=1000",
            restart_cnt=2, submit_line="sbatch -p main align.sh", std_out="slurm-%j_%a.out", std_in="/dev/null"),
    # An array: tasks 0 and 1 have started, 1 twice. 4 and 5 wait in the record of the array.
    job_row(4, id_job=31, id_array_job=30, id_array_task=0),
    job_row(5, id_job=32, id_array_job=30, id_array_task=1, time_submit=5000, state=REQUEUED),
    job_row(6, id_job=32, id_array_job=30, id_array_task=1, time_submit=6000, std_out="/out/%A_%3a", state=FAILED),
    job_row(7, id_job=30, id_array_job=30, array_task_str="0x30", state=0, time_start=0, time_end=0),
    # A heterogeneous job of two components.
    job_row(8, id_job=40, het_job_id=40, het_job_offset=0),
    job_row(9, id_job=41, het_job_id=40, het_job_offset=1),
    job_row(10, id_job=50, partition="secret"),
    job_row(11, id_job=60, id_assoc=3, id_user=1002),
    job_row(12, id_job=70, submit_line="sbatch --partition main,secret x.sh", time_end=0, state=RUNNING),
]  # fmt: skip


def step(key: int, number: int, **more: Any) -> Row:
    """Returns a step of the record `key` that has ended as it began: nothing was gathered."""
    return {
        "job_db_inx": key, "deleted": 0, "user_sec": 0, "user_usec": 0, "sys_sec": 0, "sys_usec": 0,
        "id_step": number, "step_het_comp": NO_VAL, "step_name": f"step{number}", "state": COMPLETED, "exit_code": 0,
        "kill_requid": None, "nodelist": "rack001", "nodes_alloc": 1, "task_cnt": 1, "tres_alloc": "1=2,2=500",
        "time_start": 3010, "time_end": 3110, "time_suspended": 0, "timelimit": NO_VAL, "consumed_energy": 0,
        "container": None, "submit_line": None, "cwd": "/scratch", "std_out": "", "std_err": "", "std_in": "",
        "tres_usage_in_max": "", "tres_usage_in_max_taskid": "", "tres_usage_in_max_nodeid": "",
        "tres_usage_in_tot": "", "tres_usage_out_tot": "", **more,
    }  # fmt: skip


STEPS: Final = [
    step(1, -5, step_name="batch"),
    step(3, -5, step_name="batch"),
    step(3, -4, step_name="extern"),
    step(3, 0, step_name="align", nodelist="rack[001-002]", nodes_alloc=2, task_cnt=4, tres_alloc="1=4,2=800,4=2",
         user_sec=60, sys_usec=500_000, state=FAILED, exit_code=3 << 8, submit_line="srun -n4 align",
         std_out="out/%j.%s-%N.txt", consumed_energy=900,
         tres_usage_in_max=f"1=5,2={100 * MIB},6=77", tres_usage_in_max_nodeid="2=1,6=0",
         tres_usage_in_max_taskid="2=3", tres_usage_in_tot=f"2={300 * MIB},6={5 * MIB}",
         tres_usage_out_tot=f"6={MIB // 2}"),
    step(3, 1, exit_code=9, state=4, kill_requid=0, submit_line="srun -psecret x", deleted=0),
    step(3, 2, deleted=1),
    step(6, 0, step_het_comp=0),
    step(6, 0, step_het_comp=1),
    step(12, -5, time_end=0, state=RUNNING, exit_code=-2),
    # Its job has ended, so it has, too.
    step(11, 7, time_end=0, state=RUNNING),
    step(10, 0),
]  # fmt: skip


def write_steps(file: Path, steps: Iterable[Row], columns: frozenset[str] = STEP_COLUMNS - OLD_STEP_COLUMNS) -> None:
    engine, table = create_engine(f"sqlite:///{file}"), step_table(STEP_TABLE, columns)
    with engine.begin() as connection:
        table.create(connection)
        for row in steps:
            connection.execute(table.insert(), row)
    engine.dispose()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("accounting") / "acct.sqlite"
    write_database(found, JOBS, tres=[*TRES, DISK])
    write_steps(found, STEPS)
    return found


@pytest.fixture(scope="module")
def accounting(file: Path, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return make_client(settings_for(file, tmp_path_factory.mktemp("run"), table_step=STEP_TABLE))


def answers(client: FlaskClient, path: str) -> list[Row]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    found: list[Row] = answer.get_json()["data"]
    return found


def attempts(client: FlaskClient, path: str) -> list[str]:
    return [record["id_record"] for record in answers(client, f"/history/{path}")]


def steps(client: FlaskClient, path: str) -> list[tuple[int, str]]:
    return [(int(record["id_record"]), record["step_id"]) for record in answers(client, f"/history/{path}")]


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ("12", ["3", "2", "1"]),
        ("12?duplicates=false", ["3"]),
        ("31", ["4"]),
        ("30_1", ["6", "5"]),
        ("30_4", ["7"]),
        ("30", ["6", "5", "4", "7"]),
        ("30?duplicates=false", ["6", "4", "7"]),
        ("40", ["9", "8"]),
        ("40+1", ["9"]),
        ("60", ["11"]),
    ],
)
def test_one_job_has_all_its_attempts_the_newest_first(accounting: FlaskClient, job: str, expected: list[str]) -> None:
    assert attempts(accounting, job) == expected
    assert [record["id_record"] for record in answers(accounting, f"/history/{job}")] == expected


def test_a_page_costs_two_statements_with_what_its_steps_used(accounting: FlaskClient) -> None:
    accounting.get("/history?limit=1")
    statements: list[str] = []

    def before(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", before)
    try:
        records = accounting.get("/history?limit=20").get_json()["data"]
    finally:
        event.remove(Engine, "before_cursor_execute", before)
    assert [(record["id_job"], record["cpu_time"]) for record in records if record["cpu_time"]] == [(12, 60.5)]
    assert [STEP_TABLE in statement for statement in statements] == [False, True]


def test_pages_of_attempts_link_to_each_other_and_to_the_steps(accounting: FlaskClient) -> None:
    seen: list[str] = []
    path = "/history/30?limit=1&times=epoch"
    while path:
        answer = accounting.get(path)
        links = [f'</{path}>; rel="related"' for path in ("history/30/steps", "jobs?id=30")]
        assert set(links) <= set(answer.headers.getlist("Link"))
        seen += [record["id_record"] for record in answer.get_json()["data"]]
        path = answer.get_json()["meta"]["next"]
    assert seen == ["6", "5", "4", "7"]
    etag = accounting.get("/history/12").headers["ETag"]
    assert accounting.get("/history/12", headers={"If-None-Match": etag}).status_code == 304
    assert accounting.get("/history/30_1.csv?fields=job_id_str,state_name").text.splitlines() == [
        "job_id_str,state_name", "30_1,FAILED", "30_1,REQUEUED",
    ]  # fmt: skip


def test_what_was_submitted(accounting: FlaskClient) -> None:
    [record] = answers(accounting, "/history/12?duplicates=false")
    assert (record["submit_line"], record["restart_cnt"]) == ("sbatch -p main align.sh", 2)
    # A job that is no task has no index: sacct prints Slurm's NO_VAL.
    assert (record["std_out"], record["std_in"], record["std_err"]) == (
        f"/home/slurm-12_{NO_TASK}.out", "/dev/null", None,
    )  # fmt: skip
    assert answers(accounting, "/history/30_1")[0]["std_out"] == "/out/30_001"
    # Its command line names a hidden partition.
    assert answers(accounting, "/history/70")[0]["submit_line"] is None


def test_the_reservation_is_that_which_held_when_the_job_started(tmp_path: Path) -> None:
    file = tmp_path / "reserved.sqlite"
    # They start 10 seconds after their submission. The last one waits for a reservation that comes later.
    rows = [job_row(key, id_resv=3) for key in (1, 2, 3)]
    rows += [job_row(4, id_resv=9), job_row(5), job_row(6, id_resv=4, time_start=0, time_end=0, state=0)]
    changes = [(3, "old", 500, 1010), (3, "new", 1010, 2500), (3, "open", 2600, 0), (4, "later", 7000, 8000)]
    reservations = [dict(zip(("id_resv", "resv_name", "time_start", "time_end"), row, strict=True)) for row in changes]
    write_database(file, rows, reservations=reservations)
    for tables, names in (({"table_resv": RESV_TABLE}, ["old", "new", "open", None, None, "later"]), ({}, [None] * 6)):
        client = make_client(settings_for(file, tmp_path / "run", **tables))
        found = answers(client, "/history?fields=id_job,reservation")
        assert [record["reservation"] for record in found] == names[::-1]


def test_steps_have_what_each_used(accounting: FlaskClient) -> None:
    found = {record["step_id"]: record for record in answers(accounting, "/history/12/steps?times=epoch")}
    assert found["0"] == {
        "id_record": "3", "id_job": 12, "step_id": "0", "step_id_str": "12.0", "step_name": "align",
        "state": "JOB_FAILED", "state_name": "FAILED", "exit_code": 3, "exit_signal": 0, "kill_requid": None,
        "nodelist": "rack[001-002]", "nodes_alloc": 2, "tasks": 4, "tres_alloc": {"cpu": 4, "mem": 800, "node": 2},
        "time_start": 3010, "time_end": 3110, "elapsed": 100, "suspended": 0, "timelimit": None, "cpu_time": 60.5,
        "cpu_efficiency": 0.1512, "max_rss": 100.0, "max_rss_node": "rack002", "max_rss_task": 3, "total_rss": 300.0,
        "mem_efficiency": 0.375, "disk_read": 5.0, "disk_written": 0.5, "gpu_util": None, "gpu_mem": None,
        "energy": 900, "container": None, "submit_line": "srun -n4 align", "std_in": None,
        "std_out": "/scratch/out/12.0-rack001.txt", "std_err": None,
    }  # fmt: skip
    unmeasured = ("cpu_time", "cpu_efficiency", "max_rss", "max_rss_node", "max_rss_task", "total_rss", "disk_read")
    assert {found["batch"][name] for name in unmeasured} == {None}
    killed = found["1"]
    assert (killed["state_name"], killed["exit_signal"], killed["kill_requid"]) == ("CANCELLED", 9, 0)
    assert killed["submit_line"] is None
    assert StepsAnswer.model_validate(accounting.get("/history/12/steps").get_json()).data[0].step_id == "batch"


def test_a_running_step_has_no_end_unless_its_job_has_one(accounting: FlaskClient) -> None:
    [running] = answers(accounting, "/history/70/steps")
    assert (running["state_name"], running["time_end"], running["exit_signal"]) == ("RUNNING", None, 0)
    [ended] = answers(accounting, "/history/60/steps?times=epoch")
    assert (ended["state_name"], ended["time_end"]) == ("COMPLETED", 11110)


def test_steps_are_in_order_and_in_pages(accounting: FlaskClient) -> None:
    whole = [(3, "batch"), (3, "extern"), (3, "0"), (3, "1"), (1, "batch")]
    assert steps(accounting, "12/steps") == whole
    assert steps(accounting, "12/steps?duplicates=false") == whole[:4]
    assert steps(accounting, "30/steps") == steps(accounting, "30_1/steps") == [(6, "0+0"), (6, "0+1")]
    assert steps(accounting, "40/steps") == []
    for job, expected in (("12", whole), ("30", [(6, "0+0"), (6, "0+1")])):
        for size in (1, 2, 3):
            seen: list[tuple[int, str]] = []
            path = f"/{job}/steps?limit={size}"
            while path:
                answer = accounting.get(f"/history{path}" if path.startswith(f"/{job}") else path).get_json()
                seen += [(int(record["id_record"]), record["step_id"]) for record in answer["data"]]
                path = answer["meta"]["next"]
            assert seen == expected
    answer = accounting.get("/history/12/steps.csv?fields=step_id_str,exit_code&limit=3")
    assert answer.text.splitlines() == ["step_id_str,exit_code", "12.batch,0", "12.extern,0", "12.0,3"]
    assert 'rel="next"' in answer.headers["Link"]


def test_a_service_limit_and_many_attempts_end_a_page(tmp_path: Path) -> None:
    rows = [job_row(key, id_job=5, time_submit=key * 10, state=REQUEUED) for key in range(1, 1203)]
    file = tmp_path / "many.sqlite"
    write_database(file, rows)
    write_steps(file, [step(1, 0), step(1200, 0), step(1201, 0)])
    client = make_client(settings_for(file, tmp_path / "run", table_step=STEP_TABLE, history_max_limit=2))
    first = client.get("/history/5/steps?limit=5").get_json()
    assert ([record["id_record"] for record in first["data"]], first["meta"]["truncated"]) == (["1201", "1200"], True)
    # The rest of the attempts is searched by the next request.
    rest = client.get(first["meta"]["next"]).get_json()
    assert ([record["id_record"] for record in rest["data"]], rest["meta"]["next"]) == (["1"], None)


def test_errors(accounting: FlaskClient, client: FlaskClient, file: Path, tmp_path: Path) -> None:
    for path in ("/history/99", "/history/99/steps", "/history/50", "/history/50/steps", "/history/0", "/history/12_4"):
        found = fault(accounting, path, 404)
        assert f"The accounting database has no job {path.split('/')[2]}." in found["detail"]
    found = fault(accounting, "/history/many/steps")
    assert found["detail"].startswith("Invalid job id: 'many'. Expected a job id such as 123, 12_3")
    assert fault(accounting, "/history/12?cursor=x")["source"] == {"parameter": "cursor"}
    assert fault(accounting, "/history/12/steps?cursor=WzMsMTIsMzAwMCwiYSIsMF0")["source"] == {"parameter": "cursor"}
    assert "step_name" in fault(accounting, "/history/12/steps?fields=nothing")["detail"]
    assert "`system.use_acct_db`" in fault(client, "/history/12/steps", 404)["detail"]
    without = make_client(settings_for(file, tmp_path / "run"))
    assert "`database.table_step` is not set" in fault(without, "/history/12/steps", 404)["detail"]
    assert without.get("/history/12").headers.getlist("Link") == ['</jobs?id=12>; rel="related"']


def test_a_cursor_that_was_made_up_shows_no_hidden_job(accounting: FlaskClient) -> None:
    # [10, 50, 10000, -5, 0]: a step of the job in the hidden partition.
    answer = accounting.get("/history/12/steps?cursor=WzEwLDUwLDEwMDAwLC01LDBd").get_json()
    assert {record["id_job"] for record in answer["data"]} <= {12}


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        (EVERYTHING, {"12", "60"}),
        (DataScope(frozenset(("jobs",)), "alice"), {"12"}),
        (DataScope(frozenset(("jobs",)), "bob"), {"60"}),
        (DataScope(frozenset(("usage",)), "nobody"), set()),
        (DataScope(frozenset(("jobs",)), "carol", frozenset(("physics",))), {"12", "60"}),
    ],
)
def test_private_jobs_are_found_by_their_user_and_coordinators(
    file: Path, tmp_path: Path, scope: DataScope, seen: set[str]
) -> None:
    made = open_accounting(settings_for(file, tmp_path / "run", table_step=STEP_TABLE))
    assert made is not None
    assert made.steps is not None
    query = StepsParameters.model_validate({})
    found = set()
    for job in ("12", "60"):
        with suppress(NotFound):
            found |= {job for _ in made.steps.page(parse_job_id(job), query, None, scope).items}
    assert found == seen


def test_script_and_environment_never_come_out(file: Path, tmp_path: Path) -> None:
    # Slurm 21.08 keeps both in the job table.
    secret = tmp_path / "secret.sqlite"
    secret.write_bytes(file.read_bytes())
    engine = create_engine(f"sqlite:///{secret}")
    with engine.begin() as connection:
        for column in ("batch_script", "env_vars"):
            connection.exec_driver_sql(
                f"ALTER TABLE demo_job_table ADD COLUMN {column} TEXT DEFAULT 'TOKEN=classified'"
            )
    engine.dispose()
    client = make_client(settings_for(secret, tmp_path / "run", table_step=STEP_TABLE))
    for path in ("/history?limit=100", "/history/12", "/history/12/steps", "/jobs/12", "/history.csv?limit=100"):
        assert "classified" not in client.get(path).text
    for column in ("batch_script", "env_vars", "script", "environment"):
        for path in ("/history", "/history/12", "/history/12/steps"):
            assert fault(client, f"{path}?fields={column}")["source"] == {"parameter": "fields"}


@pytest.mark.parametrize(
    ("number", "component", "text"),
    [
        (-5, NO_VAL, "batch"), (-4, NO_VAL, "extern"), (-6, NO_VAL, "interactive"), (-3, NO_VAL, "TBD"),
        # Until 20.02, where slurm.h has other numbers.
        (-2, None, "batch"), (-1, None, "extern"),
        (0, NO_VAL, "0"), (12, 3, "12+3"),
    ],
)  # fmt: skip
def test_steps_have_the_names_of_slurm(number: int, component: int | None, text: str) -> None:
    assert step_text(number, component) == text


def test_measurements_before_18_08(tmp_path: Path) -> None:
    # max_rss in KiB, disk in MiB, both of one task.
    file = tmp_path / "old.sqlite"
    columns = STEP_COLUMNS - {name for name in STEP_COLUMNS if name.startswith("tres_usage")} - {"step_het_comp"}
    write_database(file, [job_row(1)])
    old = {"max_rss": 2048, "max_rss_node": 1, "max_rss_task": 2, "ave_disk_read": 1.5, "ave_disk_write": 0.0}
    rows = [step(1, -2, nodelist="rack[001-002]", task_cnt=4, **old)]
    write_steps(file, [{name: value for name, value in row.items() if name in columns} for row in rows], columns)
    [found] = answers(make_client(settings_for(file, tmp_path / "run", table_step=STEP_TABLE)), "/history/1/steps")
    assert (found["step_id"], found["max_rss"], found["max_rss_node"], found["max_rss_task"]) == (
        "batch", 2.0, "rack002", 2,
    )  # fmt: skip
    assert (found["total_rss"], found["disk_read"], found["disk_written"]) == (8.0, 6.0, None)


NAMES: Final = Names(
    job=128, array=120, task=17, restarts=1, key=(2740 << 52) | 5, name="align", nodes="rack001", user="alice",
    directory="/home/alice",
)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "expanded"),
    [
        # Examples of sbatch(1).
        ("job%J.out", "/home/alice/job128.out"),
        ("job%4j.out", "/home/alice/job0128.out"),
        ("/logs/%A_%a.log", "/logs/120_17.log"),
        ("/logs/%b-%u-%x-%r-%N-%n%2t", "/logs/7-alice-align-1-rack001-000"),
        ("/logs/%s", "/logs/batch"),
        ("100%%", "/home/alice/100%"),
        ("/logs/%q %12j %", "/logs/%q 0000000128 %"),
        (r"/logs/\%j", "/logs/%j"),
        ("", None),
        (None, None),
        # Users write them, so both have bounded costs.
        (f"/logs/%{'9' * 5000}j", f"/logs/%{'9' * 5000}j"),
        ("/" + "%x" * 2000, "/" + "%x" * 2000),
    ],
    ids=range(12),
)
def test_patterns_of_paths_are_expanded_as_by_sacct(path: str | None, expanded: str | None) -> None:
    assert expand(path, NAMES) == expanded


def test_the_text_of_a_sluid() -> None:
    # 64 bits are 13 digits of 5 bits: the first holds four.
    assert (sluid(0), sluid(2**64 - 1), sluid(33)) == ("s0000000000000", "sFZZZZZZZZZZZZ", "s0000000000011")

"""/jobs over a snapshot of slurmctld and an SQLite file with slurmdbd's tables."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from slurm_rest_api.acctapi.jobs_by_id import JobsById
from slurm_rest_api.config import Settings
from slurm_rest_api.errors import ApiError, DatabaseBusy, QueryTooSlow
from slurm_rest_api.jobsapi.contract import DEFAULT_FIELDS, FIELDS
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.acctapi.rows import JOB_TABLE, NO_VAL, Row, job_row, settings_for, write_database
from tests.builders import make_job, make_node, make_partition, make_running_job, make_snapshot
from tests.conftest import make_client
from tests.fakes import FakeSource

LIVE: Final = [
    make_running_job(1, "n1", start_time=1763928100, exit_code="0:0", derived_ec="0:0"),
    make_job(2, job_state="FAILED", state_reason="NonZeroExitCode", exit_code="3:0", derived_ec="1:0", nodes="n1",
             start_time=1763928100, end_time=1763928200, restart_cnt=1),
    make_job(3, job_state="CANCELLED", exit_code="0:15", start_time=1763928200, end_time=1763928200),
    make_job(4, job_state="COMPLETING", exit_code="0:0", nodes="n1", start_time=1763928100, end_time=1763928200),
    # An array: task 0 has its own record, tasks 3 to 9 wait. Tasks 1 and 2 ended long ago.
    make_job(20, array_job_id=20, array_task_str="3-9%2", state_reason="JobArrayTaskLimit"),
    make_running_job(21, "n1", array_job_id=20, array_task_id=0),
    make_running_job(30, "n1", het_job_id=30, het_job_offset=0, het_job_id_set="30-31"),
    make_running_job(31, "n2", het_job_id=30, het_job_offset=1, het_job_id_set="30-31"),
    make_running_job(40, "n1", partition="secret"),
]  # fmt: skip
PAST: Final[list[Row]] = [
    # slurmdbd has not heard of the end of job 2 yet.
    job_row(2, state=1, time_end=0),
    job_row(101, exit_code=256, state=5, derived_ec=9),
    job_row(102, exit_code=9, state=5),
    # Requeued twice, written in another order. 11 is OUT_OF_MEMORY.
    job_row(105, id_job=103, state=11, exit_code=253 << 8, restart_cnt=None),
    job_row(103, id_job=103, state=1024),
    job_row(104, id_job=103, state=1024),
    job_row(106, partition="secret"),
    # The newest record of job 107 is in the hidden partition, so the job is hidden.
    job_row(107, id_job=107, state=1024),
    job_row(108, id_job=107, partition="secret"),
    job_row(109, state=1, time_end=0),
    job_row(110, state=0, time_start=0, time_end=0, nodelist="None assigned", state_reason_prev=1),
    job_row(111, state=4, nodelist="None assigned", time_start=111110, time_end=111110),
    # Tasks of the array 20 that slurmctld has forgotten, and one that it has.
    job_row(22, id_array_job=20, id_array_task=1),
    job_row(23, id_array_job=20, id_array_task=2, state=6),
    job_row(21, id_array_job=20, id_array_task=0, state=1, time_end=0),
    job_row(20, id_array_job=20, state=0, time_end=0, array_task_str="0x3f8"),
    # An array that has ended: tasks 4 to 7 were cancelled while they waited. Task 4 started before slurmdbd knew.
    job_row(200, id_array_job=200, state=4, array_task_str="0xf0", time_start=0, nodelist="None assigned"),
    job_row(201, id_array_job=200, id_array_task=0),
    job_row(202, id_array_job=200, id_array_task=4, state=3),
    job_row(300, het_job_id=300, het_job_offset=0),
    job_row(301, het_job_id=300, het_job_offset=1, state=5, exit_code=512),
    job_row(400, state=524288),
    # The id 500 was that of an array, and is that of a job now.
    job_row(501, id_job=501, id_array_job=500, id_array_task=1),
    job_row(590, id_job=500, state=7),
]


def write_live(settings: Settings) -> None:
    """Writes the snapshot of slurmctld."""
    paths = RuntimePaths.of(settings)
    paths.make()
    source = FakeSource()
    source.snapshot = make_snapshot(LIVE, [make_node("n1"), make_node("n2")], [make_partition("main")])
    Cycle(source, StoreWriter(paths.store), hidden=["secret"], refresh_seconds=3600.0).run()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture(scope="module")
def settings(folder: Path) -> Settings:
    write_database(folder / "acct.sqlite", PAST)
    settings = settings_for(folder / "acct.sqlite", folder / "run")
    write_live(settings)
    return settings


@pytest.fixture(scope="module")
def client(settings: Settings) -> FlaskClient:
    return make_client(settings)


@pytest.fixture(scope="module")
def alone(settings: Settings) -> FlaskClient:
    """A service without the accounting database."""
    return make_client(
        settings.model_copy(update={"system": settings.system.model_copy(update={"use_acct_db": False})})
    )


def get(client: FlaskClient, query: str) -> dict[str, Any]:
    response = client.get(f"/jobs?{query}")
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.get_json()
    assert body["meta"]["total"] == len(body["data"])
    return body


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """Returns the statements that engines execute meanwhile."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (1, ("RUNNING", "active", None, None, None, 1763928100, None, "n1", 0, "queue", False)),
        (2, ("FAILED", "ended", 3, 0, 1, 1763928100, 1763928200, "n1", 1, "queue", False)),
        (3, ("CANCELLED", "ended", 0, 15, 0, None, 1763928200, None, 0, "queue", False)),
        (4, ("COMPLETING", "active", None, None, None, 1763928100, None, "n1", 0, "queue", False)),
        (101, ("FAILED", "ended", 1, 0, 0, 101010, 101110, "rack001", 0, "history", False)),
        (102, ("FAILED", "ended", 0, 9, 0, 102010, 102110, "rack001", 0, "history", False)),
        (103, ("OUT_OF_MEMORY", "ended", 253, 0, 0, 105010, 105110, "rack001", 2, "history", False)),
        (109, ("RUNNING", "active", None, None, None, 109010, None, "rack001", 0, "history", True)),
        (110, ("PENDING", "pending", None, None, None, None, None, None, 0, "history", True)),
        (111, ("CANCELLED", "ended", 0, 0, 0, None, 111110, None, 0, "history", False)),
        (500, ("NODE_FAIL", "ended", 0, 0, 0, 590010, 590110, "rack001", 0, "history", False)),
    ],
)
def test_a_job_is_answered_from_slurmctld_or_else_from_its_newest_record(
    client: FlaskClient, job: int, expected: tuple[Any, ...]
) -> None:
    record = client.get(f"/jobs/{job}").get_json()["data"]
    names = "state phase exit_code exit_signal derived_exit_code start_time end_time nodes restarts source runaway"
    assert tuple(record[name] for name in names.split()) == expected
    assert (record["id"], record["job_id"], tuple(record)) == (str(job), job, DEFAULT_FIELDS)


def test_reasons_are_those_of_waiting_and_failed_jobs(client: FlaskClient) -> None:
    data = get(client, "id=1,2,20_5,101,110&fields=reason")["data"]
    assert {key: record["reason"] for key, record in data.items()} == {
        "1": None, "2": "NonZeroExitCode", "20_5": "JobArrayTaskLimit", "101": None, "110": "Priority"
    }  # fmt: skip


def test_ids_come_as_lists_and_repeated_and_are_the_keys(client: FlaskClient) -> None:
    body = get(client, "id=1,101&id=20_7&id=30%2B1&id=30 0&id=22&id=1&fields=job_id,source,array_task_id")
    assert body["data"] == {
        "1": {"job_id": 1, "source": "queue", "array_task_id": None},
        "101": {"job_id": 101, "source": "history", "array_task_id": None},
        "20_7": {"job_id": 20, "source": "queue", "array_task_id": 7},
        "30+1": {"job_id": 31, "source": "queue", "array_task_id": None},
        "30+0": {"job_id": 30, "source": "queue", "array_task_id": None},
        "22": {"job_id": 22, "source": "history", "array_task_id": 1},
    }


def test_the_id_of_an_array_is_that_of_all_its_tasks(client: FlaskClient) -> None:
    data = get(client, "id=20,200&fields=state,source")["data"]
    assert {key: f"{record['state']} {record['source']}" for key, record in data.items()} == {
        "20_[3-9%2]": "PENDING queue", "20_0": "RUNNING queue", "20_1": "COMPLETED history", "20_2": "TIMEOUT history",
        "200_[5-7]": "CANCELLED history", "200_0": "COMPLETED history", "200_4": "COMPLETED history",
    }  # fmt: skip
    assert get(client, "id=200_4,200_5,200_8&fields=state,phase") | {"meta": None} == {
        "data": {"200_4": {"state": "COMPLETED", "phase": "ended"}, "200_5": {"state": "CANCELLED", "phase": "ended"}},
        "meta": None,
    }


def test_the_id_of_a_heterogeneous_job_is_that_of_all_its_components(client: FlaskClient) -> None:
    data = get(client, "id=30,300&fields=job_id,exit_code")["data"]
    assert data == {
        "30+0": {"job_id": 30, "exit_code": None}, "30+1": {"job_id": 31, "exit_code": None},
        "300+0": {"job_id": 300, "exit_code": 0}, "300+1": {"job_id": 301, "exit_code": 2},
    }  # fmt: skip
    assert get(client, "id=300%2B1&fields=job_id")["data"] == {"300+1": {"job_id": 301}}


def test_hidden_revoked_and_impossible_ids_are_unknown(client: FlaskClient) -> None:
    body = get(client, f"id=40,106,107,400,0,0_1,{NO_VAL},9999999999,99,20_11")
    assert body["data"] == {}
    assert body["meta"]["unknown"] == ["40", "106", "107", "400", "0", "0_1", str(NO_VAL), "9999999999", "99", "20_11"]
    assert body["meta"]["unanswered"] == []
    details = {client.get(f"/jobs/{job}").get_json()["errors"][0]["detail"].replace(job, "N") for job in ("40", "99")}
    assert details == {"There is no job N, neither in slurmctld nor in the accounting database."}


def test_more_fields_are_the_same_in_both_sources(client: FlaskClient) -> None:
    for job in (1, 101):
        record = client.get(f"/jobs/{job}?fields={','.join(FIELDS)}").get_json()["data"]
        assert tuple(record) == FIELDS
        assert (record["account"], record["partition"], record["time_limit"]) == ("physics", "main", 60)
    assert client.get("/jobs/101?fields=user_name,qos,cluster,name").get_json()["data"] == {
        "user_name": "alice", "qos": "normal", "cluster": "demo", "name": "align"
    }  # fmt: skip
    assert "Unknown field" in client.get("/jobs?id=1&fields=stat").get_json()["errors"][0]["detail"]


def test_a_request_is_at_most_one_statement(client: FlaskClient) -> None:
    many = ",".join([*(f"{number}" for number in range(1, 400)), *(f"20_{number}" for number in range(300)),
                     *(f"300%2B{number}" for number in range(301))])  # fmt: skip
    get(client, "id=101")
    for query, statements in ((many, 1), ("1,2,3,4,20_0,20_5,21,30,30%2B1", 0), ("20", 1), ("99", 1)):
        with counted_statements() as counted:
            get(client, f"id={query}")
        assert len(counted) == statements, counted


def test_slurmdbds_indexes_find_the_records(settings: Settings, client: FlaskClient) -> None:
    file = settings.database.db_sqlite_file
    assert file is not None
    with closing(sqlite3.connect(file)) as connection, connection:
        for column, name in (("id_job", "id_job"), ("id_array_job", "array_job"), ("het_job_id", "het_job")):
            connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {JOB_TABLE} ({column})")
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    get(client, "id=101,200_1,300%2B1")
    event.remove(Engine, "before_cursor_execute", note)
    [(statement, parameters)] = seen
    with closing(sqlite3.connect(file)) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    assert [line for line in plan if line.startswith("SCAN") and JOB_TABLE in line] == []
    assert {line.partition("USING INDEX ")[2].split()[0] for line in plan if "USING INDEX" in line} == {
        "id_job", "array_job", "het_job"
    }  # fmt: skip


def test_without_accounting_the_snapshot_answers_alone(alone: FlaskClient) -> None:
    body = get(alone, "id=1,101,20")
    assert list(body["data"]) == ["1", "20_[3-9%2]", "20_0"]
    assert (body["meta"]["accounting"], body["meta"]["unknown"], body["meta"]["error"]) == ("off", ["101"], None)
    assert "`system.use_acct_db`" in alone.get("/jobs/101").get_json()["errors"][0]["detail"]


def test_a_job_leads_to_its_records(client: FlaskClient, alone: FlaskClient) -> None:
    for path, link in (("/jobs/1", "/history/1"), ("/jobs/20_0", "/history/20_0"), ("/queue/1", "/history/1")):
        assert client.get(path).headers.getlist("Link") == [f'<{link}>; rel="related"']
        assert "Link" not in alone.get(path).headers
    assert "Link" not in client.get("/jobs?id=1").headers


@pytest.fixture
def broken(settings: Settings, folder: Path, tmp_path: Path) -> FlaskClient:
    """A service whose accounting database cannot be reached."""
    database = settings.database.model_copy(update={"db_sqlite_file": tmp_path / "missing.sqlite"})
    return make_client(settings.model_copy(update={"database": database}))


def test_a_database_that_is_away_leaves_ids_unanswered(broken: FlaskClient) -> None:
    response = broken.get("/jobs?id=1,101,20,20_5,99,30")
    body = response.get_json()
    assert response.status_code == 200
    assert list(body["data"]) == ["1", "20_[3-9%2]", "20_0", "20_5", "30+0", "30+1"]
    meta = body["meta"]
    assert (meta["accounting"], meta["unknown"], meta["unanswered"]) == ("unavailable", [], ["101", "20", "99"])
    assert meta["error"]["detail"].startswith("The accounting database cannot be reached.")
    assert meta["error"]["retry_after"] > 0
    assert response.headers["Cache-Control"] == "no-store"
    assert "ETag" not in response.headers
    one = broken.get("/jobs/101")
    assert (one.status_code, one.headers["Retry-After"]) == (503, str(meta["error"]["retry_after"]))
    assert broken.get("/jobs/1").get_json()["meta"]["accounting"] == "on"


def test_a_busy_or_slow_database_leaves_ids_unanswered(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for failure in (DatabaseBusy("Busy.", retry_after=1), QueryTooSlow("Too slow.", retry_after=10)):

        def fail(*_: Any, error: ApiError = failure, **__: Any) -> None:
            raise error

        monkeypatch.setattr(JobsById, "find", fail)
        meta = get(client, "id=1,101")["meta"]
        assert (meta["unanswered"], meta["error"]) == (
            ["101"], {"detail": failure.detail, "retry_after": failure.retry_after}
        )  # fmt: skip
        assert client.get("/jobs/101").status_code == failure.status


def test_tables_have_a_row_for_each_id(client: FlaskClient, broken: FlaskClient) -> None:
    query = "/jobs.csv?id=1,101,99&fields=id,phase,exit_code"
    rows = list(csv.reader(io.StringIO(client.get(query).text)))
    assert rows == [["id", "phase", "exit_code"], ["1", "active", ""], ["101", "ended", "1"], ["99", "unknown", ""]]
    assert broken.get("/jobs?id=101&format=tsv&fields=id,phase").text == "id\tphase\n101\tunanswered\n"
    table = client.get("/jobs?id=2&format=table").text.splitlines()
    assert table[0].split()[:3] == ["ID", "STATE", "PHASE"]
    assert client.get("/jobs?id=2&format=ndjson&fields=state").text == '{"state":"FAILED"}\n'


def test_an_unchanged_response_is_a_304(client: FlaskClient) -> None:
    first = client.get("/jobs?id=1,101")
    assert client.get("/jobs?id=1,101", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert client.get("/jobs?id=1,102", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200
    assert "Last-Modified" not in first.headers
    assert client.get("/jobs/99", headers={"If-None-Match": "*"}).status_code == 404


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/jobs", "`id` is missing. Name the jobs: `id=123,12_3`."),
        ("/jobs?id=" + ",".join(map(str, range(1001))), "at most 1000 job ids in one request, got 1001"),
        ("/jobs?id=7,seven", "Expected a job id such as 123"),
        ("/jobs/seven", "Expected a job id such as 123"),
        (
            "/jobs/20",
            "which has more than one part. Ask for one part by its own id, or for all of them: /jobs?id=20.",
        ),
        ("/jobs?jobid=7", "Known parameters: fields, id, format."),
    ],
)
def test_wrong_questions_are_a_400(client: FlaskClient, path: str, detail: str) -> None:
    response = client.get(path)
    assert response.status_code == 400
    assert detail in response.get_json()["errors"][0]["detail"]


def test_too_many_jobs_are_a_400(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slurm_rest_api.jobsapi.lookup.MAX_JOBS", 1)
    detail = client.get("/jobs?id=20").get_json()["errors"][0]["detail"]
    assert detail.startswith("The ids name more than 1 jobs, because some are those of arrays.")
    monkeypatch.setattr("slurm_rest_api.acctapi.jobs_by_id.MAX_ATTEMPTS", 1)
    assert client.get("/jobs?id=200").status_code == 400
    assert client.get("/jobs?id=101").status_code == 200

"""/qos over an SQLite file with slurmdbd's tables."""

from __future__ import annotations

import csv
import io
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.acctapi.qos_records import preempt_mode
from slurm_rest_api.acctapi.reference_contract import QosRecord
from slurm_rest_api.acctapi.tables import QOS_COLUMNS
from tests.acctapi.rows import Row, settings_for, write_database
from tests.conftest import make_client

# As slurmdbd 26.05 stores `sacctmgr add qos urgent …`.
_NO_LIMIT: Row = dict.fromkeys(QOS_COLUMNS) | {name: "" for name in QOS_COLUMNS if "tres" in name or name == "preempt"}
_NORMAL: Row = {**_NO_LIMIT, "id": 1, "name": "normal", "deleted": 0, "flags": 0, "priority": 0, "preempt_mode": 0,
                "usage_factor": 1.0, "description": "Normal QOS default"}  # fmt: skip
URGENT: Row = {
    **_NORMAL, "id": 2, "name": "urgent", "description": "some_text", "flags": 192, "grace_time": 90, "priority": 17,
    "preempt": ",1,4,", "preempt_mode": 2, "preempt_exempt_time": 300, "usage_factor": 0.5, "usage_thres": 0.25,
    "limit_factor": 1.5, "min_prio_thresh": 5, "max_jobs_per_user": 3, "max_jobs_pa": 6, "max_jobs_accrue_pu": 2,
    "max_jobs_accrue_pa": 7, "max_submit_jobs_per_user": 8, "max_submit_jobs_pa": 12, "max_tres_pj": "1=8",
    "max_tres_pn": "1=4", "max_tres_pu": "1=16", "max_tres_pa": "1=32", "max_tres_mins_pj": "1=77",
    "max_tres_run_mins_pu": "1=66", "max_tres_run_mins_pa": "1=55", "min_tres_pj": "1=2",
    "max_wall_duration_per_job": 90, "grp_jobs": 5, "grp_jobs_accrue": 4, "grp_submit_jobs": 9,
    "grp_tres": "1=100,2=2000,1001=4", "grp_tres_mins": "1=1000", "grp_tres_run_mins": "1=50", "grp_wall": 0,
}  # fmt: skip
ROWS = [
    _NORMAL,
    URGENT,
    {**_NORMAL, "id": 3, "name": "gone", "deleted": 1},
    {**_NORMAL, "id": 4, "name": "gang", "preempt_mode": 0x8001, "preempt": ",9,", "grace_time": 0},
]
PUBLISHED = {
    "name": "urgent", "id": 2, "description": "some_text", "priority": 17, "flags": ["DenyOnLimit", "OverPartQOS"],
    "preempt": ["normal", "gang"], "preempt_mode": "REQUEUE", "grace_time": 90, "preempt_exempt_time": 300,
    "usage_factor": 0.5, "usage_threshold": 0.25, "limit_factor": 1.5, "min_prio_thresh": 5, "grp_jobs": 5,
    "grp_jobs_accrue": 4, "grp_submit_jobs": 9, "grp_wall": 0, "grp_tres": {"cpu": 100, "mem": 2000, "gres/gpu": 4},
    "grp_tres_mins": {"cpu": 1000}, "grp_tres_run_mins": {"cpu": 50}, "max_wall": 90, "max_jobs_per_user": 3,
    "max_jobs_per_account": 6, "max_jobs_accrue_per_user": 2, "max_jobs_accrue_per_account": 7,
    "max_submit_jobs_per_user": 8, "max_submit_jobs_per_account": 12, "max_tres_per_job": {"cpu": 8},
    "max_tres_per_node": {"cpu": 4}, "max_tres_per_user": {"cpu": 16}, "max_tres_per_account": {"cpu": 32},
    "max_tres_mins_per_job": {"cpu": 77}, "max_tres_run_mins_per_user": {"cpu": 66},
    "max_tres_run_mins_per_account": {"cpu": 55}, "min_tres_per_job": {"cpu": 2}, "deleted": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("database") / "acct.sqlite"
    write_database(file, [], qos=ROWS)
    return file


@pytest.fixture(scope="module")
def accounting(database: Path, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return make_client(settings_for(database, tmp_path_factory.mktemp("run")))


def names(client: FlaskClient, query: str) -> list[str]:
    answer = client.get(f"/qos?{query}")
    assert answer.status_code == 200, answer.text
    return [record["name"] for record in answer.get_json()["data"]]


def test_a_record_has_each_limit_under_the_name_of_sacctmgr(accounting: FlaskClient) -> None:
    assert accounting.get("/qos/urgent").get_json()["data"] == PUBLISHED
    records = accounting.get("/qos?deleted=true").get_json()["data"]
    assert [QosRecord.model_validate(record).model_dump() for record in records] == records
    normal = next(record for record in records if record["name"] == "normal")
    unset = {name for name, value in normal.items() if value is None}
    assert {"grp_jobs", "max_wall", "usage_threshold", "limit_factor", "preempt_mode", "preempt_exempt_time"} <= unset
    assert (normal["grace_time"], normal["usage_factor"], normal["grp_tres"], normal["flags"]) == (0, 1.0, {}, [])
    # Its list names a QOS that the table does not have.
    assert next(record for record in records if record["name"] == "gang")["preempt"] == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["gang", "normal", "urgent"]),
        ("deleted=true", ["gang", "gone", "normal", "urgent"]),
        ("name=urgent,gang", ["gang", "urgent"]),
        ("name=gone", []),
        ("id=1,3", ["normal"]),
        ("id=1,3&deleted=true", ["gone", "normal"]),
        ("name=urgent&id=1", []),
        ("name=&id=&limit=", ["gang", "normal", "urgent"]),
    ],
)
def test_filters(accounting: FlaskClient, query: str, expected: list[str]) -> None:
    assert names(accounting, query) == expected


def test_pages_and_formats(accounting: FlaskClient) -> None:
    first = accounting.get("/qos?limit=2&fields=name,grp_tres")
    assert first.headers["Link"] == f'<{first.get_json()["meta"]["next"]}>; rel="next"'
    second = accounting.get(first.get_json()["meta"]["next"]).get_json()
    assert [record["name"] for record in first.get_json()["data"] + second["data"]] == ["gang", "normal", "urgent"]
    assert second["meta"] == {"source": "slurmdbd", "cluster": "demo", "count": 1, "next": None, "truncated": False}
    for path in ("/qos.csv?fields=name,max_wall,flags", "/qos?format=csv&fields=name,max_wall,flags"):
        rows = list(csv.DictReader(io.StringIO(accounting.get(path).text)))
        assert [(row["name"], row["max_wall"]) for row in rows] == [("gang", ""), ("normal", ""), ("urgent", "90")]
    assert accounting.get("/qos?cursor=WzFd").status_code == 400


def test_the_number_of_records_is_limited(database: Path, tmp_path: Path) -> None:
    client = make_client(settings_for(database, tmp_path / "run", history_max_limit=2))
    meta = client.get("/qos").get_json()["meta"]
    assert (meta["count"], meta["truncated"]) == (2, True)
    assert client.get("/qos?limit=2").get_json()["meta"]["truncated"] is False


@pytest.mark.parametrize("path", ["/qos", "/qos/urgent", "/qos?format=csv"])
def test_a_client_that_has_the_body_gets_304(accounting: FlaskClient, path: str) -> None:
    first = accounting.get(path)
    etag = first.headers["ETag"]
    again = accounting.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", etag)
    assert accounting.get(path, headers={"If-None-Match": 'W/"other"'}).data == first.data
    assert accounting.get(path, headers={"If-Match": etag}).status_code == 412
    assert accounting.get("/qos/normal").headers["ETag"] != etag


def test_errors(accounting: FlaskClient, client: FlaskClient) -> None:
    def detail(path: str, status: int, asked: FlaskClient = accounting) -> Any:
        answer = asked.get(path)
        assert answer.status_code == status
        return answer.get_json()["errors"][0]["detail"]

    assert detail("/qos/gone", 404) == "There is no QOS 'gone'."
    assert detail("/qos/no-such", 404) == "There is no QOS 'no-such'."
    assert "Unknown field in `fields`: 'grp_job'. Did you mean `grp_jobs`?" in detail("/qos?fields=grp_job", 400)
    assert "`system.use_acct_db`" in detail("/qos", 404, client)
    assert "`system.use_acct_db`" in detail("/qos/normal", 404, client)


def test_columns_that_the_account_may_not_read_are_named(tmp_path: Path) -> None:
    database = tmp_path / "acct.sqlite"
    write_database(database, [], qos=ROWS)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("ALTER TABLE qos_table DROP COLUMN grp_wall")
        # A release without it is fine.
        connection.execute("ALTER TABLE qos_table DROP COLUMN limit_factor")
    client = make_client(settings_for(database, tmp_path / "run"))
    answer = client.get("/qos")
    assert answer.status_code == 503
    assert "/qos needs SELECT on all of qos_table. The service may not read these columns: grp_wall." in answer.text
    assert client.get("/users").status_code == 200


def test_words_of_preemption_modes() -> None:
    assert [preempt_mode(number) for number in (None, 0, 1, 2, 8, 0x4008, 0x8001, 0x2002)] == [
        None, None, "SUSPEND", "REQUEUE", "CANCEL", "WITHIN,CANCEL", "GANG,SUSPEND", "PRIORITY,REQUEUE",
    ]  # fmt: skip

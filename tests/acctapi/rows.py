"""Rows of slurmdbd's tables with defaults, an SQLite file with them, and requests to a service that reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import create_engine

from slurm_rest_api.acctapi.tables import (
    ACCT_TABLE,
    acct_table,
    assoc_table,
    coord_table,
    event_table,
    job_table,
    qos_table,
    resv_table,
    tres_table,
)
from slurm_rest_api.config import Settings

JOB_TABLE = "demo_job_table"
ASSOC_TABLE = "demo_assoc_table"
STEP_TABLE = "demo_step_table"
EVENT_TABLE = "demo_event_table"
RESV_TABLE = "demo_resv_table"
NO_VAL = 4294967294

Row = dict[str, Any]

_JOB: Row = {
    "id_user": 1001, "id_assoc": 2, "job_name": "align", "cpus_req": 2, "mem_req": 500, "account": "physics",
    "nodelist": "rack001", "partition": "main", "nodes_alloc": 1, "timelimit": 60, "time_eligible": 0,
    "time_start": 0, "time_end": 0, "time_suspended": 0, "priority": 10, "state": 3, "exit_code": 0, "derived_ec": 0,
    "derived_es": None, "kill_requid": None, "tres_req": "1=2", "tres_alloc": "1=2,2=500", "id_qos": 1,
    "id_array_job": 0, "id_array_task": NO_VAL, "array_task_str": None, "array_max_tasks": 0, "id_group": 100,
    "wckey": "", "het_job_id": 0, "het_job_offset": NO_VAL, "admin_comment": None, "system_comment": None,
    "work_dir": "/home", "constraints": "", "state_reason_prev": 0, "container": None, "failed_node": None,
    "licenses": None, "restart_cnt": 0, "submit_line": None, "std_in": "", "std_out": "", "std_err": "", "id_resv": 0,
    "resv_req": None, "pack_job_id": 0, "pack_job_offset": NO_VAL,
}  # fmt: skip
_ASSOC: Row = {
    "user": "", "acct": "root", "partition": "", "deleted": 0, "is_def": 0, "parent_acct": "", "shares": 1,
    "def_qos_id": None, "qos": b"", "delta_qos": b"", "max_jobs": None, "max_submit_jobs": None, "max_tres_pj": "",
    "max_tres_pn": "", "max_tres_mins_pj": "", "max_tres_run_mins": "", "max_wall_pj": None, "grp_jobs": None,
    "grp_submit_jobs": None, "grp_tres": "", "grp_tres_mins": "", "grp_tres_run_mins": "", "grp_wall": None,
    "max_jobs_accrue": None, "min_prio_thresh": None, "grp_jobs_accrue": None, "priority": None, "comment": None,
    "flags": 0,
}  # fmt: skip

USERS = [
    {"id_assoc": 1, "qos": b",1,"},
    {"id_assoc": 10, "acct": "physics", "parent_acct": "root"},
    {"id_assoc": 2, "user": "alice", "acct": "physics", "is_def": 1},
    {"id_assoc": 3, "user": "bob", "acct": "physics", "is_def": 1},
]
QOS = [{"id": 1, "name": "normal"}, {"id": 2, "name": "urgent"}]
TRES = [
    {"id": 1, "type": "cpu", "name": ""},
    {"id": 2, "type": "mem", "name": ""},
    {"id": 4, "type": "node", "name": ""},
    {"id": 1001, "type": "gres", "name": "gpu"},
]


def job_row(key: int, **changes: Any) -> Row:
    """Returns a completed job of alice, submitted at second 1000 × `key`, that ran for 100 seconds."""
    submitted = changes.get("time_submit", 1000 * key)
    times = {"time_submit": submitted, "time_start": submitted + 10, "time_end": submitted + 110}
    return {**_JOB, "job_db_inx": key, "id_job": key, **times, **changes}


def assoc_row(**changes: Any) -> Row:
    """Returns an association; without changes that of the account root."""
    return {**_ASSOC, **changes}


def write_database(
    file: Path,
    jobs: Iterable[Row],
    associations: Sequence[Row] = USERS,
    coordinators: Iterable[tuple[str, str]] = (),
    qos: Sequence[Row] = QOS,
    accounts: Sequence[tuple[str, str, str]] = (),
    tres: Sequence[Row] = TRES,
    events: Sequence[Row] = (),
    reservations: Sequence[Row] = (),
) -> None:
    """Creates an SQLite file with slurmdbd's tables and these rows. `coordinators` are pairs of account and user.

    `accounts` are names, descriptions and organizations.
    """
    engine = create_engine(f"sqlite:///{file}")
    job, assoc = job_table(JOB_TABLE), assoc_table(ASSOC_TABLE)
    with engine.begin() as connection:
        for table, rows in (
            (job, list(jobs)),
            (assoc, [assoc_row(**row) for row in associations]),
            (qos_table(), qos),
            (event_table(EVENT_TABLE), events),
            (resv_table(RESV_TABLE), reservations),
            (
                acct_table(ACCT_TABLE),
                [dict(zip(("name", "description", "organization"), row, strict=True)) for row in accounts],
            ),
            (tres_table(), tres),
            (coord_table(), [{"acct": acct, "user": user, "deleted": 0} for acct, user in coordinators]),
        ):
            table.create(connection)
            if rows:
                connection.execute(table.insert(), rows)
    engine.dispose()


def settings_for(file: Path, runtime: Path, **database: Any) -> Settings:
    """Returns settings of a service that reads `file` and hides the partition `secret`."""
    return Settings.model_validate(
        {
            "system": {"use_acct_db": True, "runtime_dir": runtime},
            "database": {
                "db_sqlite_file": file,
                "table_job": JOB_TABLE,
                "table_assoc": ASSOC_TABLE,
                **database,
            },
            "filter": {"partitions": ["secret"]},
        }
    )


def ids(client: FlaskClient, query: str) -> list[int]:
    """Returns the job ids of the records that /history answers to `query`."""
    answer = client.get(f"/history?limit=100&fields=id_job&{query}")
    assert answer.status_code == 200, answer.text
    return [record["id_job"] for record in answer.get_json()["data"]]


def fault(client: FlaskClient, path: str, status: int = 400) -> dict[str, Any]:
    """Returns the first error of the answer to `path`."""
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.get_json()["errors"][0]
    return found

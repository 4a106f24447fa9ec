"""/users and /history over the tables of every shape that slurmdbd has had, on a real server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.acctapi.contract import AssociationRecord, HistoryRecord
from slurm_rest_api.acctapi.database import open_database
from slurm_rest_api.acctapi.reference_data import ReferenceDataCache
from slurm_rest_api.config import Settings
from tests.acctapi.slurmdbd_associations import association_records
from tests.acctapi.slurmdbd_ddl import OF_A_CLUSTER, RELEASES, columns, keys, tables
from tests.acctapi.slurmdbd_rows import HIDDEN_JOB_ROWS, NO_VAL, T, at_least, cases, job_record, job_row, key_of
from tests.cluster.accounting_database import (
    ASSOC_TABLE,
    CLUSTER,
    EVENT_TABLE,
    JOB_TABLE,
    READABLE,
    RESV_TABLE,
    STEP_TABLE,
    AccountingDatabase,
    accounting_database,
)
from tests.conftest import make_client
from tests.testbed.cluster import Cluster

# slurmdbd leaves the character set to the database; those of old servers were Latin-1.
CHARSETS = {release: "latin1" if release < "22" else "utf8mb4" for release in RELEASES}

QOS_LIMITS = {
    "description": "all limits", "grace_time": 30, "priority": 5, "preempt": ",1", "preempt_mode": 2,
    "preempt_exempt_time": 60, "usage_factor": 2.0, "usage_thres": 0.5, "limit_factor": 1.5, "min_prio_thresh": 3,
    "max_jobs_per_user": 1, "max_jobs_pa": 2, "max_jobs_accrue_pu": 3, "max_jobs_accrue_pa": 4,
    "max_submit_jobs_per_user": 5, "max_submit_jobs_pa": 0, "max_tres_pj": "1=8", "max_tres_pn": "1=4",
    "max_tres_pu": "1=16,1001=2", "max_tres_pa": "2=64000", "max_tres_mins_pj": "1=600",
    "max_tres_run_mins_pu": "1=700",
    "max_tres_run_mins_pa": "1=800", "min_tres_pj": "1=1", "max_wall_duration_per_job": 1440, "grp_jobs": 6,
    "grp_jobs_accrue": 7, "grp_submit_jobs": 8, "grp_tres": "1=32,4=2", "grp_tres_mins": "1=100000",
    "grp_tres_run_mins": "1=9000", "grp_wall": 20000,
}  # fmt: skip


@pytest.fixture(scope="module", params=RELEASES)
def database(request: pytest.FixtureRequest, cluster: Cluster) -> Iterator[AccountingDatabase]:
    release = request.param
    with accounting_database(cluster.database, release, CHARSETS[release]) as made:
        shown = cases(release, made.charset)
        made.insert(JOB_TABLE, (job_row(release, number, case.row) for number, case in enumerate(shown, 1)))
        made.insert(JOB_TABLE, (job_row(release, 900 + number, row) for number, row in enumerate(HIDDEN_JOB_ROWS)))
        yield made


@pytest.fixture
def accounting(database: AccountingDatabase, tmp_path: Path) -> FlaskClient:
    return make_client(database.settings(tmp_path / "run"))


def records(client: FlaskClient, path: str) -> list[dict[str, Any]]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.get_json()["data"]
    return found


def test_every_row_becomes_its_record(database: AccountingDatabase, accounting: FlaskClient) -> None:
    shown = cases(database.release, database.charset)
    found = {record["id_record"]: record for record in records(accounting, "/history?limit=1000&times=epoch")}

    assert len(found) == len(shown)
    for number, case in enumerate(shown, 1):
        expected = job_record(database.release, number, case.record)
        assert found[expected["id_record"]] == expected, case.name


def test_usage_is_read_from_the_steps_of_each_release(database: AccountingDatabase, tmp_path: Path) -> None:
    # 300 MiB of three tasks: since 18.08 as their sum in bytes, before as the largest in KiB.
    key, number = key_of(database.release, 1), 10
    step = {
        "job_db_inx": key,
        "id_step": 0,
        "step_het_comp": NO_VAL,
        "user_sec": 7200,
        "sys_usec": 500_000,
        "task_cnt": 3,
        "max_rss": 102_400,
    }
    database.insert(STEP_TABLE, [{**step, "tres_usage_in_tot": f"1=3,2={300 << 20},1002=1048576,1003=50"}])
    database.insert("tres_table", [{"id": 1002, "type": "gres", "name": "gpumem"}])
    # The rows of a reservation that was changed after the job had started, and of one before it.
    database.insert(RESV_TABLE, [
        {"id_resv": 3, "resv_name": name, "time_start": T + start, "time_end": T + end}
        for name, start, end in (("older", -50, 0), ("course", 0, 900), ("renamed", 900, 9000))
    ])  # fmt: skip
    database.sql(f"UPDATE `{JOB_TABLE}` SET id_resv = 3 WHERE job_db_inx = {key}")
    database.grant([*READABLE, STEP_TABLE, RESV_TABLE])
    client = make_client(database.settings(tmp_path / "run", table_step=STEP_TABLE, table_resv=RESV_TABLE))
    [step_record] = records(client, "/history/1001/steps")
    [record] = records(client, f"/history?jobid={1000 + 1}&times=epoch")
    [without] = records(client, f"/history?jobid={1000 + number}&times=epoch")
    database.sql("DELETE FROM tres_table WHERE id = 1002")

    # The record ran an hour on 4 CPUs with 4,000 MiB.
    assert (record["cpu_time"], record["cpu_efficiency"]) == (7200.5, 0.5)
    assert (record["max_rss"], record["mem_efficiency"]) == (300.0, 0.075)
    assert (record["reservation"], without["reservation"]) == ("course", None)
    found = {name: step_record[name] for name in ("id_record", "step_id", "total_rss", "tasks", "cpu_time")}
    assert found == {"id_record": str(key), "step_id": "0", "total_rss": 300.0, "tasks": 3, "cpu_time": 7200.5}
    assert record["gpu_mem"] == (1.0 if at_least(database.release, "18.08") else None)
    assert (record["gpu_util"], without["max_rss"], without["cpu_efficiency"]) == (None, None, None)


def test_events_of_each_release(database: AccountingDatabase, tmp_path: Path) -> None:
    # NODE_STATE_DOWN and NODE_STATE_IDLE with NODE_STATE_DRAIN.
    rows = [("n1", 1000, 1600, 1), ("n1", 5000, 0, 2 | 1 << 9), ("n2", 3000, 3100, 1), ("", 500, 0, 0)]
    names = ("node_name", "time_start", "time_end", "state")
    database.insert(EVENT_TABLE, (dict(zip(names, row, strict=True)) for row in rows))
    # Hidden nodes are known after a load.
    settings = database.settings(tmp_path / "run", table_event=EVENT_TABLE).model_copy(
        update={"filter": Settings().filter}
    )
    database.grant()
    refused = make_client(settings).get("/events")
    database.grant([*READABLE, EVENT_TABLE])
    client = make_client(settings)

    assert refused.status_code == 503
    assert "table_event" in refused.text
    found = records(client, "/events?times=epoch")
    assert [(record["node"], record["start"], record["end"], record["state"]) for record in found] == [
        ("n1", 5000, None, "DRAIN"), ("n2", 3000, 3100, "DOWN"), ("n1", 1000, 1600, "DOWN"), (None, 500, None, None),
    ]  # fmt: skip
    sums = records(client, "/events?group_by=node&since=1500&until=6000")
    assert [(record["group"], record["seconds"]) for record in sums] == [("n1", 1100), ("n2", 100)]
    sums = records(client, "/events?group_by=state&since=3050")
    assert [(record["group"], record["events"], record["going_on"]) for record in sums] == [
        ("DRAIN", 1, 1), ("DOWN", 1, 0),
    ]  # fmt: skip


def test_usage_of_each_release(database: AccountingDatabase, tmp_path: Path) -> None:
    # A day in the time zone of this process.
    day = int(datetime(2025, 6, 14).timestamp())  # noqa: DTZ001
    row = {"time_start": day, "id_tres": 1}
    figures = {"count": 9, "alloc_secs": 1, "idle_secs": 2, "down_secs": 3, "pdown_secs": 4, "over_secs": 5}
    tables: dict[str, list[dict[str, Any]]] = {
        "usage": [row | figures | {"resv_secs": 6, "plan_secs": 6}],
        "assoc_usage": [row | {"id": number, "alloc_secs": 10 * number} for number in (4, 5, 6, 10)],
        "wckey_usage": [row | {"id": 1, "alloc_secs": 70}],
        "qos_usage": [row | {"id": 4, "id_alt": 2, "alloc_secs": 40}] if at_least(database.release, "24.11") else [],
    }
    names = {kind: f"{CLUSTER}_{kind}_day_table" for kind in tables if tables[kind]}
    for kind, name in names.items():
        database.insert(name, tables[kind])
    database.insert(f"{CLUSTER}_wckey_table", [{"id_wckey": 1, "wckey_name": "sim", "user": "alice"}])
    database.grant([*READABLE, *names.values(), f"{CLUSTER}_wckey_table"])
    client = make_client(database.settings(tmp_path / "run", tables_usage=CLUSTER))
    query = f"/utilization?step=day&since={day}&until={day + 86400}"

    [whole] = records(client, query)
    assert [whole[name] for name in ("count", "allocated", "idle", "down", "planned_down", "overcommitted", "planned",
                                     "reported")] == [9, 1, 2, 3, 4, 5, 6, 16]  # fmt: skip
    # Association 10 is for the hidden partition.
    by_user = records(client, f"{query}&group_by=account,user")
    assert [(one["account"], one["user"], one["allocated"]) for one in by_user] == [
        ("biology", "bob", 60), ("physics", "alice", 40), ("physics", "bob", 50),
    ]  # fmt: skip
    by_account = {one["account"]: one["allocated"] for one in records(client, f"{query}&group_by=account")}
    assert by_account == {"biology": 60, "physics": 90, "root": 150, "science": 60}
    [key] = records(client, f"{query}&group_by=wckey,user")
    assert (key["wckey"], key["user"], key["allocated"]) == ("sim", "alice", 70)
    by_qos = client.get(f"{query}&group_by=qos")
    if "qos_usage" in names:
        assert [(one["qos"], one["allocated"]) for one in by_qos.get_json()["data"]] == [("urgent", 40)]
    else:
        assert by_qos.status_code == 503
        assert "Slurm has them since 24.11" in by_qos.text


def test_accounts_qos_and_sums_of_each_release(database: AccountingDatabase, tmp_path: Path) -> None:
    users_are_coords = 0x10000
    database.sql("DELETE FROM acct_table")
    database.insert("acct_table", [{"name": "physics", "description": "Größe", "organization": "sci", "deleted": 0}])
    database.sql("DELETE FROM acct_coord_table")
    database.insert("acct_coord_table", [{"acct": "science", "user": "carol", "deleted": 0}])
    if at_least(database.release, "24.05"):
        database.sql(f"UPDATE `{ASSOC_TABLE}` SET flags = {users_are_coords} WHERE id_assoc = 7")
    database.insert("qos_table", [{"id": 77, "name": "limited", "deleted": 0, "flags": 128, **QOS_LIMITS}])
    database.grant([*READABLE, "acct_table", "acct_coord_table"])
    client = make_client(database.settings(tmp_path / "run", table_acct="acct_table", table_coord="acct_coord_table"))
    found = {one["name"]: one for one in records(client, "/accounts")}
    [qos] = records(client, "/qos?name=limited")
    by_state = records(client, "/history?group_by=state&jobid>=1")
    database.sql("DELETE FROM qos_table WHERE id = 77")
    if at_least(database.release, "24.05"):
        database.sql(f"UPDATE `{ASSOC_TABLE}` SET flags = 0 WHERE id_assoc = 7")

    tree = {name: (one["parent_account"], one["level"], one["users"]) for name, one in found.items()}
    assert tree == {
        "root": (None, 0, ["root"]), "physics": ("root", 1, ["alice", "bob"]), "science": ("root", 1, []),
        "biology": ("science", 2, ["bob"]),
    }  # fmt: skip
    assert (found["physics"]["description"], found["physics"]["organization"]) == ("Größe", "sci")
    # Coordinators of science, and since 24.05 by the flag of biology its users.
    by_flag = ["bob"] if at_least(database.release, "24.05") else []
    assert (found["science"]["coordinators"], found["biology"]["coordinators"]) == (["carol"], [*by_flag, "carol"])
    assert (found["physics"]["max_wall"], found["physics"]["grp_tres"]) == (1440, {"cpu": 512})
    # Preempt has `,1`: the QOS normal.
    assert (qos["preempt"], qos["preempt_mode"], qos["flags"]) == (["normal"], "REQUEUE", ["OverPartQOS"])
    since = {"max_jobs_per_account": "16.05", "max_jobs_accrue_per_user": "18.08", "preempt_exempt_time": "19.05",
             "limit_factor": "21.08", "grp_jobs": "15.08"}  # fmt: skip
    values = {"max_jobs_per_account": 2, "max_jobs_accrue_per_user": 3, "preempt_exempt_time": 60, "limit_factor": 1.5,
              "grp_jobs": 6}  # fmt: skip
    assert {name: qos[name] for name in since} == {
        name: values[name] if at_least(database.release, release) else None for name, release in since.items()
    }
    shown = cases(database.release, database.charset)
    states = Counter(
        job_record(database.release, number, case.record)["state_name"] for number, case in enumerate(shown, 1)
    )
    assert {one["state"]: one["jobs"] for one in by_state} == states


def test_the_newest_record_comes_first(database: AccountingDatabase, accounting: FlaskClient) -> None:
    keys_of_records = [int(record["id_record"]) for record in records(accounting, "/history?limit=1000")]

    assert keys_of_records == sorted(keys_of_records, reverse=True)


def test_every_association_becomes_its_record(database: AccountingDatabase, accounting: FlaskClient) -> None:
    assert records(accounting, "/users") == association_records(database.release, deleted=False)
    assert records(accounting, "/users?deleted=true") == association_records(database.release, deleted=True)


def test_every_limit_of_a_qos_is_read(database: AccountingDatabase, tmp_path: Path) -> None:
    # 128 is OverPartQOS.
    row = {"id": 77, "name": "limited", "deleted": 0, "flags": 128, **QOS_LIMITS}
    database.insert("qos_table", [row])
    opened = open_database(database.settings(tmp_path / "run").database)
    try:
        reference = opened.run(ReferenceDataCache(60).get)
    finally:
        opened.close()
        database.sql("DELETE FROM qos_table WHERE id = 77")
    found = reference.qos_rows["limited"]

    known = columns("qos_table", database.release)
    assert (found.id, found.flags) == (77, 128)
    assert {name: found.values.get(name) for name in QOS_LIMITS} == {
        name: value if name in known else None for name, value in QOS_LIMITS.items()
    }


def test_records_are_what_the_contract_says(accounting: FlaskClient) -> None:
    for times in ("classic", "iso", "epoch"):
        for record in records(accounting, f"/history?limit=1000&times={times}"):
            assert HistoryRecord.model_validate(record).id_record == record["id_record"]
    for record in records(accounting, "/users?deleted=true"):
        assert AssociationRecord.model_validate(record).id_assoc == record["id_assoc"]


@pytest.mark.parametrize("table", tables("26.05"))
def test_the_declared_tables_are_those_of_a_real_slurmdbd(cluster: Cluster, table: str) -> None:
    release = ".".join(cluster.release.split(".")[:2])
    if release != "26.05":
        pytest.fail(f"the test cluster has Slurm {release}: declare its tables in tests/acctapi/slurmdbd_columns.py")
    name = f"testbed_{table}" if table in OF_A_CLUSTER else table

    assert _real_columns(cluster, name) == {name: tuple(shape) for name, shape in columns(table, release).items()}
    assert _real_keys(cluster, name) == {name: tuple(shape) for name, shape in keys(table, release).items()}


def _real_columns(cluster: Cluster, table: str) -> dict[str, tuple[str, bool]]:
    rows = cluster.sql(
        "SELECT column_name, regexp_replace(column_type, '[(][0-9]+[)]', ''), is_nullable"
        f" FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = '{table}'"
    )
    return {name: (kind, nullable == "YES") for name, kind, nullable in rows}


def _real_keys(cluster: Cluster, table: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    rows = cluster.sql(
        "SELECT index_name, non_unique, column_name, sub_part FROM information_schema.statistics"
        f" WHERE table_schema = DATABASE() AND table_name = '{table}' ORDER BY index_name, seq_in_index"
    )
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for name, non_unique, column, prefix in rows:
        kind = "primary" if name == "PRIMARY" else "key" if non_unique == "1" else "unique"
        part = column if prefix == "NULL" else f"{column}({prefix})"
        found[name] = (kind, (*found.get(name, (kind, ()))[1], part))
    return found

"""/users and /history over an SQLite file with slurmdbd's tables."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.acctapi.contract import AssociationRecord, HistoryRecord
from slurm_rest_api.config import Settings
from tests.acctapi.rows import USERS, Row, fault, ids, job_row, settings_for, write_database
from tests.conftest import make_client

JOBS: list[Row] = [
    job_row(1, id_job=101),
    job_row(2, id_job=102, state=5, exit_code=256, partition="gpu", id_qos=2, tres_alloc="1=2,1001=1"),
    job_row(3, id_job=103, partition="secret", job_name="classified"),
    # Requeued: the first attempt, and the second one, which is running on another node.
    job_row(4, id_job=104, state=1024, nodelist="rack[001-003]"),
    job_row(5, id_job=104, state=1, nodelist="rack[004-006],login1", time_end=0),
    # Without an association. The record itself has bob's account.
    job_row(6, id_job=106, id_assoc=0, id_user=0, account="physics", job_name="Align"),
    # Pending: in two partitions, one of them hidden, and in hidden ones only.
    job_row(7, id_job=107, state=0, partition="main,secret", time_start=0, time_end=0, nodelist="None assigned"),
    job_row(8, id_job=108, state=0, partition="secret,secret", time_start=0, time_end=0, nodelist=None),
    job_row(9, id_job=109, id_assoc=3, id_user=1002, state=3, job_name="=cmd()"),
]
VISIBLE = [109, 107, 106, 104, 104, 102, 101]


def write_accounting(file: Path) -> Path:
    """Writes a database with these jobs and five associations. Returns its path."""
    associations = [
        *USERS,
        {"id_assoc": 4, "user": "alice", "acct": "physics", "partition": "secret"},
        {"id_assoc": 5, "user": "alice", "acct": "old", "deleted": 1},
    ]
    write_database(file, JOBS, associations)
    return file


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Returns the path of a database that the test may change."""
    return write_accounting(tmp_path / "acct.sqlite")


@pytest.fixture(scope="module")
def accounting(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    folder = tmp_path_factory.mktemp("accounting")
    return make_client(settings_for(write_accounting(folder / "acct.sqlite"), folder / "run"))


def test_the_newest_record_comes_first(accounting: FlaskClient) -> None:
    assert ids(accounting, "") == VISIBLE


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("user=alice", [107, 104, 104, 102, 101]),
        ("user=1002", [109]),
        ("user=root", [106]),
        ("user=nobody-at-all", []),
        ("account=physics", VISIBLE),
        ("account=physics&user=alice&state=5", [102]),
        ("associd=3", [109]),
        ("associd=3&user=alice", []),
        ("partition=gpu", [102]),
        ("partition=main", [109, 107, 106, 104, 104, 101]),
        ("partition=secret", []),
        ("partition=mai", []),
        ("jobname=Align", [106]),
        ("jobname=classified", []),
        ("qos=urgent", [102]),
        ("qos=urgent,normal&jobid>103", [109, 107, 106, 104, 104]),
        ("qos=none-such", []),
        ("state=0", [107]),
        ("state=PD,r", [107, 104]),
        ("state=FAILED", [102]),
        ("node=rack002", [104]),
        ("node=rack[005-009]", [104]),
        ("node=login1", [104]),
        ("node=rack7", []),
        ("jobid=104", [104, 104]),
        ("jobid=104&jobid=101", [104, 104, 101]),
        ("jobid=101,104,109,5", [109, 104, 104, 101]),
        ("jobid=101,104&jobid>101", [104, 104]),
        ("jobid=101,104&user=bob", []),
        ("jobid=103", []),
        ("user=&partition=&jobid=&state=&limit=&submitafter=", VISIBLE),
        ("user=bob&user=root", [109, 106]),
        ("user=alice,bob,nobody-at-all", [109, 107, 104, 104, 102, 101]),
        ("user=1002,0", [109, 106]),
        ("account=none,physics", VISIBLE),
        ("account=none", []),
        ("associd=3,2", [109, 107, 104, 104, 102, 101]),
        ("associd=3&associd=0", [109, 106]),
        ("partition=gpu&partition=none", [102]),
        ("partition=gpu,main", [109, 107, 106, 104, 104, 102, 101]),
        ("jobname=Align&jobname=x", [106]),
        (r"jobname=\Align,\=cmd\(\)", [109]),
        ("state=FAILED&state=0", [107, 102]),
        ("node=rack001&node=login1&jobid=104", [104, 104]),
        ("qos=urgent&qos=none", [102]),
        ("jobid<=102", [102, 101]),
        ("jobid>102&jobid<107", [106, 104, 104]),
        ("jobid%3E%3D107", [109, 107]),
        ("duplicates=false", [109, 107, 106, 104, 102, 101]),
        ("duplicates=false&node=rack001", [109, 106, 104, 102, 101]),
        ("submitafter=6000", [109, 107, 106]),
        ("submitbefore=4000", [102, 101]),
        ("startafter=5010&startbefore=6011", [106, 104]),
        ("endafter=4110&endbefore=6110", [104]),
        ("submitafter=1970-01-01T01:40:00Z&submitbefore=7001", [107, 106]),
    ],
)
def test_each_filter_selects_its_records(accounting: FlaskClient, query: str, expected: list[int]) -> None:
    assert ids(accounting, query) == expected


def test_a_record_has_every_field_of_the_contract(accounting: FlaskClient) -> None:
    for times in ("classic", "iso", "epoch"):
        records = accounting.get(f"/history?limit=100&times={times}").get_json()["data"]
        assert [HistoryRecord.model_validate(record).model_dump() for record in records] == records
    users = accounting.get("/users?deleted=true").get_json()["data"]
    assert [AssociationRecord.model_validate(record).model_dump() for record in users] == users


def test_published_values_of_a_record(accounting: FlaskClient) -> None:
    (record,) = accounting.get("/history?jobid=102&times=epoch").get_json()["data"]
    assert record["id_record"] == "2"
    assert (record["user_name"], record["account"], record["qos"]) == ("alice", "physics", "urgent")
    assert (record["state"], record["state_name"], record["exit_code"]) == ("JOB_FAILED", "FAILED", 1)
    assert record["tres_alloc"] == {"cpu": 2, "gres/gpu": 1}
    assert (record["time_submit"], record["time_start"], record["time_end"]) == (2000, 2010, 2110)
    assert record["elapsed"] == 100
    assert record["cluster"] == "demo"


def test_hidden_partitions_are_left_out_of_partition_lists(accounting: FlaskClient) -> None:
    (record,) = accounting.get("/history?jobid=107").get_json()["data"]
    assert record["partition"] == "main"
    assert "secret" not in accounting.get("/history?limit=100").text
    assert "secret" not in accounting.get("/users?deleted=true").text


@pytest.mark.parametrize(
    "query",
    [
        "",
        "user=alice&",
        "user=1001&",
        "user=1001&partition=main&duplicates=false&",
        "jobid>0&",
        "jobid=101,102,104,106,107,109&",
        "account=physics&duplicates=false&",
        "node=rack001&",
    ],
)
def test_pages_return_each_record_once(accounting: FlaskClient, query: str) -> None:
    expected = accounting.get(f"/history?limit=100&{query}").get_json()["data"]
    link: str | None = f"/history?limit=2&{query}"
    seen = []
    while link:
        answer = accounting.get(link)
        page = answer.get_json()
        seen += page["data"]
        link = page["meta"]["next"]
        assert page["meta"]["truncated"] is False
        assert answer.headers.get("Link") == (f'<{link}>; rel="next"' if link else None)
    assert [record["id_record"] for record in seen] == [record["id_record"] for record in expected]


def test_offset_skips(accounting: FlaskClient) -> None:
    answer = accounting.get("/history?limit=2&offset=3").get_json()
    assert [record["id_job"] for record in answer["data"]] == VISIBLE[3:5]
    assert ids(accounting, "offset=1000") == []
    assert accounting.get(answer["meta"]["next"]).get_json()["data"][0]["id_job"] == VISIBLE[5]


def test_service_limit_sets_truncated(database: Path, tmp_path: Path) -> None:
    client = make_client(settings_for(database, tmp_path / "run", history_max_limit=3))
    answer = client.get("/history?limit=5")
    assert answer.get_json()["meta"]["count"] == 3
    assert answer.get_json()["meta"]["truncated"] is True
    assert answer.headers["X-Truncated"] == "1"
    assert client.get("/history?limit=3").get_json()["meta"]["truncated"] is False
    assert client.get("/users").get_json()["meta"]["truncated"] is False


def test_csv_and_ndjson_have_the_same_records(accounting: FlaskClient) -> None:
    query = "limit=100&fields=id_job,job_name,tres_alloc,time_end"
    expected = accounting.get(f"/history?{query}").get_json()["data"]
    lines = accounting.get(f"/history?{query}&format=ndjson")
    assert lines.mimetype == "application/x-ndjson"
    assert [json.loads(line) for line in lines.text.splitlines()] == expected
    table = accounting.get(f"/history?{query}&format=csv")
    assert table.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
    assert [row["id_job"] for row in rows] == [str(record["id_job"]) for record in expected]
    # A formula stays text in a spreadsheet.
    assert rows[0]["job_name"] == "'=cmd()"
    assert accounting.get("/history?limit=1&format=csv").headers["Link"].endswith('rel="next"')


@pytest.mark.parametrize("route", ["/history", "/users"])
def test_csv_path_sets_the_format(accounting: FlaskClient, route: str) -> None:
    table = accounting.get(f"{route}.csv?limit=1")
    assert (table.mimetype, table.text) == ("text/csv", accounting.get(f"{route}?limit=1&format=csv").text)
    assert len(list(csv.reader(io.StringIO(table.text, newline="")))) == 2
    second = accounting.get(table.headers["Link"].removeprefix("<").partition(">")[0])
    assert second.mimetype == "text/csv"
    assert second.text != table.text
    fault(accounting, f"{route}.csv?format=json")


@pytest.mark.parametrize(
    ("query", "parameter", "words"),
    [
        ("limit=0", "limit", "greater than or equal to 1"),
        ("limit=x", "limit", "valid integer"),
        ("offset=-1", "offset", "greater than or equal to 0"),
        ("state=sleeping", "state", "There is no state 'sleeping'"),
        ("jobid=x", "jobid", "Expected a job id such as 123"),
        ("jobid<=", "jobid", "Expected a whole number after one of < > <= >="),
        ("jobid=" + ",".join(map(str, range(1001))), "jobid", "Expected at most 1000 job ids in one request, got 1001"),
        ("associd=-1", "associd", "Expected whole numbers up to 4294967295"),
        ("associd=4294967296", "associd", "Expected whole numbers up to 4294967295"),
        ("startafter=soon", "startafter", "Expected epoch seconds"),
        ("times=roman", "times", "'classic', 'iso' or 'epoch'"),
        ("format=xml", "format", "'json', 'csv', 'tsv', 'ndjson' or 'table'"),
        ("fields=id_jobb", "fields", "Did you mean `id_job`?"),
        ("node=a@b", "node", "not a hostlist"),
        ("node=n[1-999999999]", "node", "has more than 100,000 node names"),
        ("user=alice,1002", "user", "Expected either names or numeric ids of users"),
        ("jobname=!x", "jobname", r"Write \! for a name that begins with !"),
        ("account=" + ",".join("a" * 201), "account", "at most 200 names"),
        ("usr=", "usr", "Did you mean `user`?"),
        ("limit=1&limit=2", "limit", "`limit` has more than one value: '1', '2'. Send one."),
        ("cursor=xyz", "cursor", "Use the cursor of a response's meta.next"),
        ("cursor=WzFd", "cursor", "Use the cursor of a response's meta.next"),
        ("cursor=WzEsMiwzXQ&offset=5", "offset", "cannot be combined"),
        ("usr=alice", "usr", "Did you mean `user`?"),
        ("duplicates=maybe", "duplicates", "boolean"),
    ],
)
def test_invalid_values_are_named(accounting: FlaskClient, query: str, parameter: str, words: str) -> None:
    message = fault(accounting, f"/history?{query}")
    assert message["source"] == {"parameter": parameter}
    assert words in message["detail"]
    assert not message["detail"].endswith("..")


def test_users_are_sorted_and_filtered(accounting: FlaskClient) -> None:
    def users(query: str) -> list[tuple[str, str]]:
        return [(row["user"], row["acct"]) for row in accounting.get(f"/users?{query}").get_json()["data"]]

    assert users("") == [("alice", "physics"), ("bob", "physics")]
    assert users("deleted=true") == [("alice", "old"), ("alice", "physics"), ("bob", "physics")]
    assert users("name=alice") == users("user=alice") == [("alice", "physics")]
    assert users("acct=none") == []
    assert users("name=alice&user=bob") == []
    assert users("name=alice&name=bob") == users("user=bob,alice") == users("user=&acct=") == users("")
    assert users("acct=none,physics") == users("acct=physics&acct=none") == users("")


def test_pages_of_users(accounting: FlaskClient) -> None:
    first = accounting.get("/users?limit=2&deleted=true").get_json()
    assert [row["acct"] for row in first["data"]] == ["old", "physics"]
    second = accounting.get(first["meta"]["next"]).get_json()
    assert [row["user"] for row in second["data"]] == ["bob"]
    assert second["meta"]["next"] is None
    assert fault(accounting, "/users?cursor=WzFd")["source"] == {"parameter": "cursor"}


@pytest.mark.parametrize("route", ["/users", "/history"])
def test_routes_without_database_get_404_with_the_setting(settings: Settings, route: str) -> None:
    assert "system.use_acct_db" in fault(make_client(settings), route, 404)["detail"]


def test_a_missing_table_is_a_503(database: Path, tmp_path: Path) -> None:
    client = make_client(settings_for(database, tmp_path / "run", table_job="other_job_table"))
    message = fault(client, "/history", 503)
    assert message["title"] == "Accounting database not usable"
    assert "no table other_job_table" in message["detail"]


def test_cluster_with_a_dot_in_its_name_is_read(database: Path, tmp_path: Path) -> None:
    names = {"table_job": "dotted.one_job_table", "table_assoc": "dotted.one_assoc_table"}
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute('ALTER TABLE demo_job_table RENAME TO "dotted.one_job_table"')
        connection.execute('ALTER TABLE demo_assoc_table RENAME TO "dotted.one_assoc_table"')
    client = make_client(settings_for(database, tmp_path / "run", **names))
    assert ids(client, "user=alice&duplicates=false&submitbefore=9000") == [107, 104, 102, 101]
    assert client.get("/history").get_json()["meta"]["cluster"] == "dotted.one"
    assert len(client.get("/users").get_json()["data"]) == 2

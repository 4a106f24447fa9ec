"""/users and /history over databases of other content: none, empty, array tasks, components and odd names."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.acctapi.rows import NO_VAL, ids, job_row, settings_for, write_database
from tests.conftest import make_client


@pytest.mark.parametrize("route", ["/users", "/history"])
def test_a_missing_database_is_a_503(tmp_path: Path, route: str) -> None:
    client = make_client(settings_for(tmp_path / "none.sqlite", tmp_path / "run"))
    answer = client.get(route)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert answer.get_json()["errors"][0]["title"] == "Accounting database not available"


def test_empty_database_returns_an_empty_list(tmp_path: Path) -> None:
    write_database(tmp_path / "empty.sqlite", [], [])
    client = make_client(settings_for(tmp_path / "empty.sqlite", tmp_path / "run"))
    for path in ("/users", "/history", "/history?user=alice", "/history?submitafter=now-1day&startbefore=now"):
        assert client.get(path).get_json()["data"] == []
    assert client.get("/history?format=csv&fields=id_job").text == "id_job\r\n"


def test_late_array_tasks_are_found_by_submit_time(tmp_path: Path) -> None:
    # An array of 1970. Its second task got its record an hour after the others.
    rows = [job_row(n, id_job=n, time_submit=10_000 * n) for n in range(1, 30)]
    rows[1] |= {"id_array_job": 2, "id_array_task": NO_VAL}
    rows.append(job_row(40, id_job=40, time_submit=20_000, id_array_job=2, id_array_task=1, time_start=400_000))
    write_database(tmp_path / "array.sqlite", rows)
    client = make_client(settings_for(tmp_path / "array.sqlite", tmp_path / "run"))
    assert ids(client, "submitbefore=25000") == [40, 2, 1]
    assert ids(client, "submitafter=15000&submitbefore=25000") == [40, 2]


PARTS = [
    # Two arrays: their pending tasks, a task that was requeued, and another task.
    job_row(1, id_job=200, state=0, time_end=0, id_array_job=200, id_array_task=NO_VAL, array_task_str="0x1f0"),
    job_row(2, id_job=201, id_array_job=200, id_array_task=1, state=1024),
    job_row(3, id_job=201, id_array_job=200, id_array_task=1),
    job_row(4, id_job=202, id_array_job=200, id_array_task=2, partition="secret"),
    job_row(5, id_job=300, state=0, time_end=0, id_array_job=300, id_array_task=NO_VAL, array_task_str="1,3-5:2"),
    job_row(6, id_job=400, het_job_id=400, het_job_offset=0),
    job_row(7, id_job=401, het_job_id=400, het_job_offset=1),
]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    folder = tmp_path_factory.mktemp("parts")
    write_database(folder / "parts.sqlite", PARTS)
    return make_client(settings_for(folder / "parts.sqlite", folder / "run"))


@pytest.mark.parametrize(
    ("query", "records"),
    [
        ("jobid=200_1", ["3", "2"]),
        ("jobid=200_1&duplicates=false", ["3"]),
        ("jobid=200_4", ["1"]),
        ("jobid=200_8,200_9,300_5", ["5", "1"]),
        ("jobid=200_9", []),
        ("jobid=200_3", []),
        # Jobs that are not in an array have these numbers in the database.
        (f"jobid=0_{NO_VAL}", []),
        # A hidden partition.
        ("jobid=200_2", []),
        ("jobid=300_4", []),
        ("jobid=400%2B1", ["7"]),
        ("jobid=400+1&jobid=400+0,400_1", ["7", "6"]),
        ("jobid=401,400%2B1,200_1,200", ["7", "3", "2", "1"]),
        ("jobid=201,200_1", ["3", "2"]),
        ("jobid=200_1,400%2B0&jobid>300", ["6"]),
    ],
)
def test_tasks_and_components_are_found(parts: FlaskClient, query: str, records: list[str]) -> None:
    assert [record["id_record"] for record in parts.get(f"/history?limit=100&{query}").get_json()["data"]] == records


def test_pages_of_tasks_and_jobs_return_each_record_once(parts: FlaskClient) -> None:
    link: str | None = "/history?limit=1&user=&jobid=200,300_5,401&jobid=400%2B1,200_1"
    found = []
    while link is not None:
        page = parts.get(link).get_json()
        found += [record["id_record"] for record in page["data"]]
        link = page["meta"]["next"]
        assert link is None or "user=" not in link
    assert found == ["7", "5", "3", "2", "1"]


def test_any_job_name_can_be_asked_for(tmp_path: Path) -> None:
    names = ["a,b", "!a", " a ", "a*b", "a\\b", "C:\\tmp", "50%_/", "\t"]
    write_database(tmp_path / "names.sqlite", [job_row(n, job_name=name) for n, name in enumerate(names, 1)])
    client = make_client(settings_for(tmp_path / "names.sqlite", tmp_path / "run"))
    for number, name in enumerate(names, 1):
        found = client.get("/history", query_string={"jobname": re.sub(r"(\W)", r"\\\1", name)}).get_json()["data"]
        assert [record["id_job"] for record in found] == [number], name


def test_names_that_are_not_utf8_are_published_and_found_with_replacement_characters(tmp_path: Path) -> None:
    file = tmp_path / "bytes.sqlite"
    names = [b"f\xfcr", "für".encode(), b"for", b"f\xfc\xe4r", "f\ufffdr".encode(), b"f%r"]
    write_database(file, [job_row(n, job_name="x", state=5) for n, _ in enumerate(names, 1)])
    with closing(sqlite3.connect(file)) as connection, connection:
        for number, name in enumerate(names, 1):
            connection.execute("UPDATE demo_job_table SET job_name = CAST(? AS TEXT) WHERE id_job = ?", (name, number))
    client = make_client(settings_for(file, tmp_path / "run"))
    records = client.get("/history?limit=10").get_json()["data"]
    assert [record["job_name"] for record in records] == ["f%r", "f\ufffdr", "f\ufffd\ufffdr", "for", "für", "f\ufffdr"]
    assert ids(client, "jobname=f%EF%BF%BDr") == [5, 1]
    assert ids(client, "jobname=f%EF%BF%BDr,for&duplicates=false&state=FAILED") == [5, 3, 1]
    assert ids(client, "jobname=f%EF%BF%BD%EF%BF%BDr") == [4]
    page = client.get("/history?jobname=f%EF%BF%BDr&limit=1").get_json()
    assert page["data"][0]["id_job"] == 5
    assert [record["id_job"] for record in client.get(page["meta"]["next"]).get_json()["data"]] == [1]

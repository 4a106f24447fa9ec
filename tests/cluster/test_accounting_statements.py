"""Statements of /users and /history on a real server: they only read, and use the right index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urlencode

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.acctapi.parameters import HistoryParameters, UsersParameters
from tests.cluster.accounting_database import (
    ASSOC_TABLE,
    JOB_TABLE,
    READABLE,
    STEP_TABLE,
    AccountingDatabase,
    accounting_database,
    recorded,
)
from tests.cluster.history_model import BEGIN, population
from tests.conftest import make_client
from tests.testbed.cluster import Cluster

INJECTIONS: Final = (
    "' OR '1'='1", '" OR ""="', "1; DROP TABLE proof_job_table", "1' UNION SELECT user, password FROM mysql.user -- ",
    "\\", "\\' OR 1=1 -- ", "%", "_", "%%s", "%(x)s", ":name", "{0}", "`", "1/**/OR/**/1=1", "sleep(10)", "NULL",
    "\u00bf' OR 1 -- ", "\ufeff", "\x00", "a\nb", "😀'", "0x27", "-1", "1e309", "9" * 400, "(SELECT 1)", "@@version",
    "rack[001-", "<=1 OR 1=1", "' INTO OUTFILE '/tmp/x", "secret", "main,secret",
)  # fmt: skip
_HARMLESS: Final = ("SELECT", "SET SESSION", "SET NAMES", "SET AUTOCOMMIT")
_PARAMETERS: Final = [
    (route, name)
    for route, model in (("/history", HistoryParameters), ("/users", UsersParameters))
    for name in model.model_fields
    if name != "cache_buster"
]


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[AccountingDatabase]:
    with accounting_database(cluster.database) as made:
        made.insert(JOB_TABLE, population("26.05", 300, seed=5))
        made.sql(f"ANALYZE TABLE `{JOB_TABLE}`")
        yield made


@pytest.fixture(scope="module")
def accounting(database: AccountingDatabase, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return make_client(database.settings(tmp_path_factory.mktemp("run"), names_cache_seconds=1))


def contents(database: AccountingDatabase) -> list[tuple[Any, ...]]:
    return database.sql(f"CHECKSUM TABLE `{JOB_TABLE}`, `{ASSOC_TABLE}`, qos_table, tres_table")


@pytest.mark.parametrize(("route", "name"), _PARAMETERS)
def test_no_text_in_a_parameter_does_anything_else(
    database: AccountingDatabase, accounting: FlaskClient, route: str, name: str
) -> None:
    before = contents(database)
    everything = {record["id_record"] for record in accounting.get("/history?limit=1000").get_json()["data"]}
    with recorded(database) as statements:
        for text in INJECTIONS:
            response = accounting.get(f"{route}?{urlencode({name: text})}")
            assert response.status_code in (200, 400), f"{text!r}: {response.text}"
            if response.status_code == 400:
                assert name in {fault["source"]["parameter"] for fault in response.get_json()["errors"]}
            elif route == "/history" and response.mimetype == "application/json":
                found = {record["id_record"] for record in response.get_json()["data"] if "id_record" in record}
                assert found <= everything

    assert contents(database) == before
    assert [text for text in statements if not text.startswith(_HARMLESS)] == []


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_text_in_the_path_of_a_comparison_is_a_fault(accounting: FlaskClient, text: str) -> None:
    for path in (f"/history?jobid<{quote(text)}", f"/history?jobid%3E={quote(text)}", f"/history?{quote(text)}=1"):
        assert accounting.get(path).status_code in (200, 400)


def test_sessions_are_read_only_and_end_by_themselves(
    database: AccountingDatabase, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with recorded(database) as statements:
        client = make_client(database.settings(tmp_path_factory.mktemp("run"), db_statement_seconds=7))
        assert client.get("/history?user=bob&node=rack001&duplicates=false").status_code == 200
        assert client.get("/users").status_code == 200
    first_read = next(number for number, text in enumerate(statements) if " FROM " in text)
    settings = " ".join(statements[:first_read])

    assert "max_statement_time = 7" in settings
    assert "SESSION TRANSACTION READ ONLY" in settings
    assert "lock_wait_timeout" in settings
    assert not any("FOR UPDATE" in text or "LOCK IN SHARE" in text or text.startswith("BEGIN") for text in statements)


@pytest.mark.parametrize(("variable", "value"), [("sql_select_limit", 3), ("max_join_size", 5)])
def test_limits_for_forgotten_conditions_change_no_answer(
    database: AccountingDatabase,
    accounting: FlaskClient,
    tmp_path_factory: pytest.TempPathFactory,
    variable: str,
    value: int,
) -> None:
    [[usual]] = database.sql(f"SELECT @@GLOBAL.{variable}")
    database.sql(f"SET GLOBAL {variable} = {value}")
    try:
        # A session takes the server's values when it begins.
        limited = make_client(database.settings(tmp_path_factory.mktemp("run")))
        for path in ("/history?limit=20&state=COMPLETED,FAILED", "/users"):
            records = limited.get(path).get_json()["data"]
            assert len(records) > 3
            assert records == accounting.get(path).get_json()["data"]
    finally:
        database.sql(f"SET GLOBAL {variable} = {usual}")


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("", {"PRIMARY"}),
        ("partition=main&jobname=align", {"PRIMARY"}),
        ("state=FAILED", {"PRIMARY"}),
        ("state=0", {"rollup2"}),
        ("state=PENDING,RUNNING,SUSPENDED", {"rollup2"}),
        ("user=alice&state=RUNNING", {"rollup2"}),
        ("user=alice", {"association"}),
        ("account=physics", {"association"}),
        ("associd=5&state=FAILED", {"association"}),
        ("qos=urgent", {"qos"}),
        ("jobid=1100", {"id_job"}),
        ("jobid=1100,1101&jobid=1200", {"id_job"}),
        (f"jobid={','.join(map(str, range(1000, 2000)))}", {"id_job"}),
        (f"jobid={','.join(map(str, range(1000, 2000)))}&user=alice&partition=main", {"id_job"}),
        ("jobid>1100&jobid<1110", {"id_job"}),
        ("jobid>=1100", {"id_job"}),
        (f"submitafter={BEGIN + 30 * 86400}", {"PRIMARY"}),
        (f"startbefore={BEGIN + 30 * 86400}", {"PRIMARY"}),
        (f"jobname=nothing&endafter={BEGIN}&endbefore={BEGIN + 86400}", {"PRIMARY", "rollup2"}),
    ],
)
def test_a_statement_uses_the_key_that_it_was_made_for(
    database: AccountingDatabase, accounting: FlaskClient, query: str, keys: set[str]
) -> None:
    with recorded(database) as statements:
        assert accounting.get(f"/history?limit=10&{query}").status_code == 200
    [search] = [text for text in statements if "FORCE INDEX" in text]
    plan = database.sql(f"EXPLAIN {search}")
    used = {row[5]: row for row in plan if row[2] == JOB_TABLE}

    assert set(used) == keys
    if keys <= {"PRIMARY", "association", "qos", "id_job"} and "account" not in query:
        # The index has the order of the answer, so the server stops at the limit. Records without association, which
        # an account may have, are sorted.
        assert not any("filesort" in (row[9] or "") for row in plan if row[2] == JOB_TABLE)


def test_the_newest_records_of_a_numeric_user_are_found_in_the_index(
    database: AccountingDatabase, accounting: FlaskClient
) -> None:
    with recorded(database) as statements:
        assert len(accounting.get("/history?user=2001&limit=5").get_json()["data"]) == 5
    [search] = [text for text in statements if "FORCE INDEX" in text]
    plan = {row[2]: row for row in database.sql(f"EXPLAIN {search.replace('%', '%%')}")}

    # Of all records of the user, the server reads and sorts the keys alone.
    assert (plan["entry"][5], "Using index" in plan["entry"][9]) == ("sacct_def", True)
    assert (plan[JOB_TABLE][3], plan[JOB_TABLE][5]) == ("eq_ref", "PRIMARY")


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        (f"submitafter={BEGIN + 30 * 86400}", {"PRIMARY", "rollup2"}),
        (f"endafter={BEGIN + 39 * 86400}", {"PRIMARY", "rollup2"}),
        (f"startafter={BEGIN + 39 * 86400}", {"PRIMARY", "rollup2"}),
        ("state=PENDING", {"rollup2"}),
        ("user=alice", {"association"}),
        ("qos=urgent", {"qos"}),
        ("jobid=1100,1101", {"id_job"}),
        ("user=2001", {"sacct_def", "sacct_def2"}),
    ],
)
def test_sums_read_the_records_by_an_index(
    database: AccountingDatabase, accounting: FlaskClient, query: str, keys: set[str]
) -> None:
    with recorded(database) as statements:
        answer = accounting.get(f"/history?group_by=account,day&{query}")
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["data"]
    for statement in (text for text in statements if "FORCE INDEX" in text):
        read = [row for row in database.sql(f"EXPLAIN {statement.replace('%', '%%')}") if row[2] == JOB_TABLE]
        assert read
        assert {row[5] for row in read} <= keys


@pytest.mark.parametrize("query", ["limit=50", "user=bob&limit=50", "jobid>1&limit=50", "state=3&limit=50"])
def test_the_rows_of_a_page_are_read_by_their_keys(
    database: AccountingDatabase, accounting: FlaskClient, query: str
) -> None:
    with recorded(database) as statements:
        assert accounting.get(f"/history?{query}").status_code == 200
    [rows] = [text for text in statements if "work_dir" in text]
    [(_, _, table, kind, _, key, *_)] = database.sql(f"EXPLAIN {rows}")

    assert (table, kind, key) == (JOB_TABLE, "range", "PRIMARY")


def test_the_steps_of_a_page_are_read_by_their_keys_with_one_statement(
    database: AccountingDatabase, tmp_path_factory: pytest.TempPathFactory
) -> None:
    database.grant([*READABLE, STEP_TABLE])
    client = make_client(database.settings(tmp_path_factory.mktemp("run"), table_step=STEP_TABLE))
    jobs = [int(record["id_record"]) for record in client.get("/history?limit=100").get_json()["data"]]
    steps = ({"job_db_inx": key, "id_step": number, "user_sec": 9, "tres_usage_in_tot": "2=4096"}
             for key in jobs for number in range(3))  # fmt: skip
    database.insert(STEP_TABLE, steps)
    database.sql(f"ANALYZE TABLE `{STEP_TABLE}`")
    with recorded(database) as statements:
        assert client.get("/history?limit=20").get_json()["data"][0]["max_rss"] == 0.004
    [reading] = [text for text in statements if STEP_TABLE in text and "information_schema" not in text]
    plan = database.sql(f"EXPLAIN {reading.replace('%', '%%')}")

    assert {(row[2], row[3], row[5]) for row in plan} == {
        (JOB_TABLE, "range", "PRIMARY"),
        (STEP_TABLE, "ref", "PRIMARY"),
    }

    # Those of one job, and of all tasks of an array.
    [[array]] = database.sql(
        f"SELECT id_array_job FROM `{JOB_TABLE}` WHERE id_array_job > 0 GROUP BY 1 ORDER BY COUNT(*) DESC LIMIT 1"
    )
    [[job]] = database.sql(f"SELECT id_job FROM `{JOB_TABLE}` WHERE job_db_inx = {jobs[0]}")
    for number in (job, array):
        with recorded(database) as statements:
            assert client.get(f"/history/{number}/steps").status_code == 200
        search, *readings = (text for text in statements if "FORCE INDEX" in text)
        plan = database.sql(f"EXPLAIN {search}")
        assert {row[5] for row in plan if row[2] == JOB_TABLE} == {"id_job", "array_job", "het_job"}
        assert {row[3] for row in plan if row[2] == JOB_TABLE} <= {"ref", "range"}
        assert len(readings) >= 1
        for reading in readings:
            plan = database.sql(f"EXPLAIN {reading.replace('%', '%%')}")
            used = {(row[3], row[5]) for row in plan if row[2] == STEP_TABLE}
            assert used <= {("ref", "PRIMARY"), ("range", "PRIMARY")}


@pytest.mark.parametrize(("query", "key"), [("1{:03}_3", "array_job"), ("1{:03}%2B1", "het_job")])
def test_tasks_and_components_are_found_by_their_keys(
    database: AccountingDatabase, accounting: FlaskClient, query: str, key: str
) -> None:
    ids = ",".join(query.format(number) for number in range(999))
    with recorded(database) as statements:
        assert accounting.get(f"/history?limit=10&jobid={ids},1100").status_code == 200
    resolving, search = (text for text in statements if "FORCE INDEX" in text)

    # Sorting out the exact tasks reads the records of their arrays only.
    [(_, _, table, kind, _, used, *_)] = database.sql(f"EXPLAIN {resolving}")
    assert (table, kind, used) == (JOB_TABLE, "range", key)
    assert {row[5] for row in database.sql(f"EXPLAIN {search}") if row[2] == JOB_TABLE} <= {"id_job", "PRIMARY"}

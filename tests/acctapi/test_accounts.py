"""/accounts over an SQLite file with slurmdbd's tables."""

from __future__ import annotations

import csv
import io
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.acctapi.accounts import Accounts
from slurm_rest_api.acctapi.database import open_database
from slurm_rest_api.acctapi.reference_contract import AccountDetailRecord, AccountRecord
from slurm_rest_api.acctapi.reference_data import ReferenceDataCache
from slurm_rest_api.acctapi.reference_parameters import AccountsParameters
from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.errors import NotFound
from tests.acctapi.rows import settings_for, write_database
from tests.conftest import make_client

TABLES = {"table_acct": "acct_table", "table_coord": "acct_coord_table"}
ASSOCIATIONS: list[dict[str, Any]] = [
    {"id_assoc": 1, "qos": b",1,", "max_wall_pj": 1440, "max_tres_pj": "1=64,1001=8", "grp_tres": "1=1000"},
    {
        "id_assoc": 2,
        "acct": "science",
        "parent_acct": "root",
        "max_jobs": 50,
        "grp_tres": "1=512,2=4096",
        "flags": 65536,
    },
    {"id_assoc": 3, "acct": "physics", "parent_acct": "science", "max_tres_pj": "1=32", "grp_jobs": 7, "shares": 3},
    {
        "id_assoc": 4,
        "acct": "biology",
        "parent_acct": "root",
        "grp_wall": 0,
        "grp_tres_mins": f"1={2**53 - 1},1001={2**53}",
    },
    {"id_assoc": 5, "acct": "closed", "parent_acct": "root", "deleted": 1},
    {"id_assoc": 11, "user": "alice", "acct": "physics", "is_def": 1},
    {"id_assoc": 12, "user": "bob", "acct": "physics"},
    {"id_assoc": 13, "user": "bob", "acct": "physics", "partition": "gpu"},
    {"id_assoc": 14, "user": "carol", "acct": "physics", "partition": "secret"},
    {"id_assoc": 15, "user": "dave", "acct": "physics", "deleted": 1},
    {"id_assoc": 16, "user": "erin", "acct": "science"},
]
TEXTS = [("root", "default root account", "root"), ("science", "All of it", "uni"), ("physics", "Lab", "uni")]
COORDINATORS = [("science", "frank"), ("biology", "alice")]
ORDER = ["root", "biology", "science", "physics"]
LIMITS_OF_PHYSICS = [
    ("GrpTRES", "cpu", 512, "science"), ("GrpTRES", "mem", 4096, "science"), ("GrpTRES", "cpu", 1000, "root"),
    ("GrpJobs", None, 7, "physics"), ("MaxTRES", "cpu", 32, "physics"), ("MaxTRES", "gres/gpu", 8, "root"),
    ("MaxJobs", None, 50, "science"), ("MaxWall", None, 1440, "root"),
]  # fmt: skip


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("database") / "acct.sqlite"
    write_database(file, [], ASSOCIATIONS, COORDINATORS, accounts=TEXTS)
    return file


@pytest.fixture(scope="module")
def accounting(database: Path, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return make_client(settings_for(database, tmp_path_factory.mktemp("run"), **TABLES))


def names(client: FlaskClient, query: str) -> list[str]:
    answer = client.get(f"/accounts?{query}")
    assert answer.status_code == 200, answer.text
    return [record["name"] for record in answer.get_json()["data"]]


def test_a_record_has_the_texts_the_tree_and_the_limits(accounting: FlaskClient) -> None:
    records = accounting.get("/accounts?deleted=true").get_json()["data"]
    assert [AccountRecord.model_validate(record).model_dump() for record in records] == records
    found = {record["name"]: record for record in records}
    physics = found["physics"]
    assert (physics["parent_account"], physics["level"], physics["id_assoc"]) == ("science", 2, 3)
    assert (physics["description"], physics["organization"], physics["shares"]) == ("Lab", "uni", 3)
    # The association for the hidden partition and the removed one are left out.
    assert (physics["users"], physics["user_count"], physics["children"]) == (["alice", "bob"], 2, [])
    # Those of science coordinate physics, too.
    assert physics["coordinators"] == found["science"]["coordinators"] == ["erin", "frank"]
    assert (found["biology"]["coordinators"], found["science"]["flags"]) == (["alice"], ["UsersAreCoords"])
    assert (found["root"]["children"], found["root"]["parent_account"]) == (["biology", "science"], None)
    # What sacctmgr prints: own group limits, and all others inherited for each TRES.
    assert (physics["grp_jobs"], physics["grp_tres"], physics["max_jobs"]) == (7, {}, 50)
    assert (physics["max_tres_per_job"], physics["max_wall"]) == ({"cpu": 32, "gres/gpu": 8}, 1440)
    limits = [tuple(limit.values()) for limit in physics["effective_limits"]]
    assert limits == LIMITS_OF_PHYSICS
    assert ("GrpWall", None, 0, "biology") in [tuple(limit.values()) for limit in found["biology"]["effective_limits"]]
    assert (found["closed"]["deleted"], found["closed"]["description"]) == (True, None)


def test_a_limit_that_a_number_of_json_cannot_hold_is_text(accounting: FlaskClient) -> None:
    record = accounting.get("/accounts/biology").get_json()["data"]
    assert record["grp_tres_mins"] == {"cpu": 9007199254740991, "gres/gpu": "9007199254740992"}
    limits = {limit["tres"]: limit["value"] for limit in record["effective_limits"] if limit["limit"] == "GrpTRESMins"}
    assert limits == record["grp_tres_mins"]
    assert AccountRecord.model_validate(accounting.get("/accounts?name=biology").get_json()["data"][0])


def test_names_are_found_in_small_letters_as_sacctmgr_does(accounting: FlaskClient) -> None:
    for path in ("/accounts/{}", "/users?acct={}", "/qos/{}", "/qos?name={}"):
        name = "normal" if "qos" in path else "physics"
        found = accounting.get(path.format(name))
        assert found.status_code == 200
        assert accounting.get(path.format(name.capitalize())).get_json()["data"] == found.get_json()["data"] != []
    # Those of users are names of the operating system.
    assert accounting.get("/users?user=Alice").get_json()["data"] == []
    assert accounting.get("/accounts/Physics2").status_code == 404


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ORDER),
        ("deleted=true", ["root", "biology", "closed", "science", "physics"]),
        ("name=physics,root", ["root", "physics"]),
        ("name=closed", []),
        ("parent=root", ["biology", "science"]),
        ("under=science", ["science", "physics"]),
        ("name=Physics,ROOT", ["root", "physics"]),
        ("parent=Root", ["biology", "science"]),
        ("under=SCIENCE", ["science", "physics"]),
        ("user=Bob", []),
        ("user=bob", ["physics"]),
        ("user=carol", []),
        ("coordinator=erin", ["science", "physics"]),
        ("organization=uni", ["science", "physics"]),
        ("organization=uni&user=erin", ["science"]),
    ],
)
def test_filters(accounting: FlaskClient, query: str, expected: list[str]) -> None:
    assert names(accounting, query) == expected


def test_pages_and_formats(accounting: FlaskClient) -> None:
    path, found = "/accounts?limit=1&fields=name", []
    while path:
        answer = accounting.get(path).get_json()
        found += [record["name"] for record in answer["data"]]
        path = answer["meta"]["next"]
    assert found == ORDER
    rows = list(csv.DictReader(io.StringIO(accounting.get("/accounts.csv?fields=name,level,max_jobs").text)))
    assert [tuple(row.values()) for row in rows][2:] == [("science", "1", "50"), ("physics", "2", "50")]
    # The account of the cursor may have been removed altogether since.
    gone = accounting.get("/accounts?cursor=WyJub25lIl0")
    assert gone.status_code == 400
    assert "The account of `cursor` does not exist any more: 'none'" in gone.text
    etag = accounting.get("/accounts").headers["ETag"]
    assert accounting.get("/accounts", headers={"If-None-Match": etag}).status_code == 304


def test_one_account_with_its_users_and_those_below(accounting: FlaskClient) -> None:
    answer = accounting.get("/accounts/science").get_json()
    AccountDetailRecord.model_validate(answer["data"])
    assert answer["meta"] == {"source": "slurmdbd", "cluster": "demo", "truncated": False}
    assert [child["name"] for child in answer["data"]["child_accounts"]] == ["physics"]
    assert answer["data"]["associations"] == accounting.get("/users?acct=science").get_json()["data"]
    physics = accounting.get("/accounts/physics?fields=associations").get_json()["data"]
    assert [(row["user"], row["partition"]) for row in physics["associations"]] == [
        ("alice", None), ("bob", None), ("bob", "gpu"),
    ]  # fmt: skip
    for name in ("closed", "none"):
        assert accounting.get(f"/accounts/{name}").status_code == 404


def test_the_tables_are_optional(database: Path, tmp_path: Path) -> None:
    client = make_client(settings_for(database, tmp_path / "off"))
    for path in ("/accounts", "/accounts/physics"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "`database.table_acct` is not set" in answer.get_json()["errors"][0]["detail"]
    client = make_client(settings_for(database, tmp_path / "part", table_acct="acct_table"))
    assert client.get("/accounts/physics").get_json()["data"]["coordinators"] is None


def test_a_table_that_cannot_be_read_concerns_this_route_alone(tmp_path: Path) -> None:
    file = tmp_path / "acct.sqlite"
    write_database(file, [], ASSOCIATIONS)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TABLE acct_coord_table")
    client = make_client(settings_for(file, tmp_path / "run", **TABLES))
    answer = client.get("/accounts")
    assert answer.status_code == 503
    assert "/accounts cannot read the table that `database.table_coord` names" in answer.text
    assert client.get("/users").status_code == 200


def scoped(database: Path, tmp_path: Path, scope: DataScope) -> dict[str, dict[str, Any]]:
    settings = settings_for(database, tmp_path / "run", **TABLES)
    accounts = Accounts(
        open_database(settings.database), ReferenceDataCache(30), frozenset(), 100, reads_coordinators=True
    )
    page = accounts.page(AccountsParameters.model_validate({}), None, scope)
    found = {record["name"]: record for record in page.items}
    for name in ORDER:
        if name not in found:
            with pytest.raises(NotFound):
                accounts.one(name, scope)
    return found


def test_private_accounts_are_those_of_the_user(database: Path, tmp_path: Path) -> None:
    found = scoped(database, tmp_path, DataScope(frozenset(("accounts",)), "bob"))
    assert list(found) == ["physics"]
    assert (found["physics"]["parent_account"], found["physics"]["users"]) == (None, ["alice", "bob", "carol"])
    limits = [(limit["value"], limit["account"]) for limit in found["physics"]["effective_limits"]]
    assert limits == [(value, account if account == "physics" else None) for _, _, value, account in LIMITS_OF_PHYSICS]
    # A coordinator sees the accounts below as well.
    found = scoped(database, tmp_path, DataScope(frozenset(("accounts",)), "frank", frozenset(("science", "physics"))))
    assert list(found) == ["science", "physics"]
    assert scoped(database, tmp_path, DataScope(frozenset(("accounts",)), "nobody")) == {}


def test_private_users_are_not_named(database: Path, tmp_path: Path) -> None:
    found = scoped(database, tmp_path, DataScope(frozenset(("users",)), "bob"))
    assert list(found) == ORDER
    assert (found["physics"]["users"], found["science"]["users"]) == (["bob"], [])
    assert {tuple(record["coordinators"]) for record in found.values()} == {()}
    found = scoped(database, tmp_path, DataScope(frozenset(("users",)), "alice", frozenset(("biology",))))
    assert (found["biology"]["coordinators"], found["science"]["coordinators"]) == (["alice"], [])

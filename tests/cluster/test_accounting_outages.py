"""Faults of the accounting database: the error, one log line, and recovery without a restart."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from tests.acctapi.slurmdbd_rows import job_row
from tests.cluster.accounting_database import (
    ASSOC_TABLE,
    JOB_TABLE,
    PASSWORD,
    READER,
    AccountingDatabase,
    accounting_database,
)
from tests.conftest import make_client
from tests.testbed.cluster import Cluster
from tests.waiting import wait_for

_POOL: Final = 3
_USER: Final = f"'{READER}'@'%'"


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[AccountingDatabase]:
    with accounting_database(cluster.database) as made:
        made.insert(JOB_TABLE, (job_row("26.05", number, {}) for number in range(1, 30)))
        yield made


@pytest.fixture
def accounting(database: AccountingDatabase, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> FlaskClient:
    caplog.set_level(logging.INFO, "slurm_rest_api")
    client = make_client(database.settings(tmp_path / "run", db_pool_size=_POOL, db_statement_seconds=1))
    assert client.get("/history").status_code == 200
    return client


class Fault:
    """The error answer of /history while something is wrong."""

    def __init__(self, client: FlaskClient) -> None:
        response = client.get("/history?limit=5")
        [error] = response.get_json()["errors"]
        self.status = response.status_code
        self.title: str = error["title"]
        self.detail: str = error["detail"]
        self.retry_after = response.headers.get("Retry-After")
        self.text = response.text


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def drop_connections(database: AccountingDatabase) -> None:
    """End the account's sessions, so that the next request has to log in."""
    for (session,) in database.sql("SELECT id FROM information_schema.processlist WHERE user = %s", [READER]):
        database.sql(f"KILL {session}")


def break_password(database: AccountingDatabase) -> None:
    database.sql(f"ALTER USER {_USER} IDENTIFIED BY 'another'")
    drop_connections(database)


def restore_password(database: AccountingDatabase) -> None:
    database.sql(f"ALTER USER {_USER} IDENTIFIED BY '{PASSWORD}'")


def take_right(database: AccountingDatabase) -> None:
    database.sql(f"REVOKE SELECT ON `{database.name}`.`{JOB_TABLE}` FROM {_USER}")


def give_right(database: AccountingDatabase) -> None:
    database.sql(f"GRANT SELECT ON `{database.name}`.`{JOB_TABLE}` TO {_USER}")


def hide_table(database: AccountingDatabase) -> None:
    database.sql(f"RENAME TABLE `{JOB_TABLE}` TO put_aside")


def show_table(database: AccountingDatabase) -> None:
    database.sql(f"RENAME TABLE put_aside TO `{JOB_TABLE}`")


def limit_connections(database: AccountingDatabase) -> None:
    drop_connections(database)
    database.sql(f"ALTER USER {_USER} WITH MAX_USER_CONNECTIONS 1")
    database.hold_one_connection()


def lift_limit(database: AccountingDatabase) -> None:
    database.release_connections()
    database.sql(f"ALTER USER {_USER} WITH MAX_USER_CONNECTIONS 0")


def shrink_packets(database: AccountingDatabase) -> None:
    database.sql("SET @usual_packet = @@GLOBAL.max_allowed_packet")
    database.sql("SET GLOBAL max_allowed_packet = 16384")
    drop_connections(database)


def restore_packets(database: AccountingDatabase) -> None:
    database.sql("SET GLOBAL max_allowed_packet = @usual_packet")
    drop_connections(database)


def lock_table(database: AccountingDatabase) -> None:
    database.sql(f"LOCK TABLES `{JOB_TABLE}` WRITE, `{ASSOC_TABLE}` WRITE, qos_table WRITE, tres_table WRITE")


def unlock_table(database: AccountingDatabase) -> None:
    database.sql("UNLOCK TABLES")


Change = Callable[[AccountingDatabase], None]


@pytest.mark.parametrize(
    ("damage", "repair", "status", "title", "detail"),
    [
        (break_password, restore_password, 503, "Accounting database not usable", "password"),
        (take_right, give_right, 503, "Accounting database not usable", "may not read"),
        (hide_table, show_table, 503, "Accounting database not usable", JOB_TABLE),
        (shrink_packets, restore_packets, 503, "Accounting database not usable", "Set it to at least 1048576 in"),
        (limit_connections, lift_limit, 503, "Accounting database not available", "no more connections"),
    ],
)  # fmt: skip
def test_fault_is_reported_logged_once_and_over_after_repair(
    database: AccountingDatabase,
    accounting: FlaskClient,
    caplog: pytest.LogCaptureFixture,
    damage: Change,
    repair: Change,
    status: int,
    title: str,
    detail: str,
) -> None:
    damage(database)
    try:
        faults = [Fault(accounting) for _ in range(3)]
    finally:
        repair(database)
    for fault in faults:
        assert (fault.status, fault.title) == (status, title)
        assert detail in fault.detail
        assert int(fault.retry_after or 0) > 0
        assert PASSWORD not in fault.text
        assert READER not in fault.text
    assert len(complaints(caplog)) == 1
    assert PASSWORD not in caplog.text

    wait_for("/history to answer again", lambda: accounting.get("/history").status_code == 200)
    assert "answers again" in caplog.text


def test_a_statement_over_its_limit_is_a_504_that_says_how_to_narrow_it(
    database: AccountingDatabase, accounting: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    lock_table(database)
    try:
        fault = Fault(accounting)
    finally:
        unlock_table(database)

    assert (fault.status, fault.title) == (504, "Query too slow")
    assert "submitafter=now-30days" in fault.detail
    assert int(fault.retry_after or 0) > 0
    assert len(complaints(caplog)) == 1
    assert accounting.get("/history").status_code == 200


def test_table_locked_by_an_upgrade_is_a_503(
    database: AccountingDatabase, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(database.settings(tmp_path / "run"))
    lock_table(database)
    try:
        fault = Fault(client)
    finally:
        unlock_table(database)

    assert (fault.status, fault.title) == (503, "Accounting database not available")
    assert "locked" in fault.detail
    assert len(complaints(caplog)) == 1
    assert client.get("/history").status_code == 200


def test_a_server_that_is_away_and_comes_back(
    cluster: Cluster, database: AccountingDatabase, accounting: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.daemons.stop("mariadb")
    try:
        faults = [Fault(accounting) for _ in range(3)]
    finally:
        cluster.daemons.start("mariadb")
        database.reconnect()

    assert {(fault.status, fault.title) for fault in faults} == {(503, "Accounting database not available")}
    assert all(int(fault.retry_after or 0) > 0 for fault in faults)
    assert len(complaints(caplog)) == 1
    wait_for("/history to answer again", lambda: accounting.get("/history").status_code == 200)


@pytest.mark.parametrize(
    ("change", "undo"),
    [
        (f"ALTER TABLE `{JOB_TABLE}` DROP COLUMN restart_cnt, DROP COLUMN licenses",
         f"ALTER TABLE `{JOB_TABLE}` ADD COLUMN restart_cnt smallint unsigned, ADD COLUMN licenses text"),
        (f"ALTER TABLE `{JOB_TABLE}` ADD COLUMN brand_new text, DROP KEY sluid",
         f"ALTER TABLE `{JOB_TABLE}` DROP COLUMN brand_new, ADD KEY sluid (sluid)"),
        (f"ALTER TABLE `{ASSOC_TABLE}` DROP COLUMN comment", f"ALTER TABLE `{ASSOC_TABLE}` ADD COLUMN comment text"),
    ],
)  # fmt: skip
def test_an_upgrade_of_slurmdbd_is_survived(
    database: AccountingDatabase, tmp_path: Path, change: str, undo: str
) -> None:
    client = make_client(database.settings(tmp_path / "run", names_cache_seconds=1))
    before = client.get("/history").get_json()["data"]
    users = client.get("/users").get_json()["data"]
    database.sql(change)
    try:
        after = client.get("/history").get_json()["data"]
        wait_for("the associations to be read again", lambda: _names_are_read_again(database, client))
        users_after = client.get("/users").get_json()["data"]
    finally:
        database.sql(undo)

    gone = {"restart_cnt", "licenses", "comment", "qos", "default_qos"}
    assert [_without(record, gone) for record in after] == [_without(record, gone) for record in before]
    assert [_without(record, gone) for record in users_after] == [_without(record, gone) for record in users]


def _names_are_read_again(database: AccountingDatabase, client: FlaskClient) -> bool:
    """A QOS that is renamed shows that the short life of the names is over."""
    database.sql("UPDATE qos_table SET name = 'renamed' WHERE id = 1")
    try:
        response = client.get("/users?user=alice&fields=qos")
        assert response.status_code == 200, response.text
        return bool(response.get_json()["data"][0]["qos"] == ["renamed"])
    finally:
        database.sql("UPDATE qos_table SET name = 'normal' WHERE id = 1")


def _without(record: dict[str, Any], fields: set[str]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in fields}


def test_an_idle_connection_does_not_hold_up_an_upgrade(database: AccountingDatabase, accounting: FlaskClient) -> None:
    assert database.connections() > 0
    database.sql("SET SESSION lock_wait_timeout = 2")
    database.sql(f"ALTER TABLE `{JOB_TABLE}` ADD COLUMN brand_new text")
    database.sql(f"ALTER TABLE `{JOB_TABLE}` DROP COLUMN brand_new")

    assert accounting.get("/history").status_code == 200


def test_many_clients_hold_no_more_connections_than_the_pool(database: AccountingDatabase, tmp_path: Path) -> None:
    app = make_client(database.settings(tmp_path / "run", db_pool_size=_POOL, db_statement_seconds=60)).application
    drop_connections(database)
    most = 0
    with ThreadPoolExecutor(50) as threads:
        asked = [threads.submit(lambda: app.test_client().get("/history?limit=20")) for _ in range(300)]
        while not all(request.done() for request in asked):
            most = max(most, database.connections())
    answers = [request.result() for request in asked]
    # The others are refused at once.
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert sum(answer.status_code == 200 for answer in answers) >= _POOL
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.get_json()["errors"][0]["title"] for answer in refused} <= {"Accounting database busy"}
    assert 0 < most <= _POOL

"""Statements of sums, windows, usage and events: the server of each release reads them by the named indexes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.acctapi.usage_tables import usage_table_names
from tests.cluster.accounting_database import (
    ASSOC_TABLE,
    CLUSTER,
    EVENT_TABLE,
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
from tests.testbed.slurmconf import DATABASE
from tests.testbed.slurmnodes import CLUSTER as TESTBED

_DAY: Final = 86400
_FIRST_ASSOCIATION: Final = 1000
_ASSOCIATIONS: Final = 1500
_USAGE: Final = f"{CLUSTER}_assoc_usage_day_table"
_WINDOW: Final = f"{BEGIN + 30 * _DAY}"
# The tests run in UTC.
_MIDNIGHT: Final = BEGIN - BEGIN % _DAY


@pytest.fixture(scope="module")
def database(release: Cluster) -> Iterator[AccountingDatabase]:
    """Makes the tables of the release, with jobs, usage of many associations, and events."""
    with accounting_database(release.database, ".".join(release.release.split(".")[:2])) as made:
        made.insert(JOB_TABLE, population(made.release, 300, seed=7))
        made.sql(
            f"INSERT INTO `{ASSOC_TABLE}` (id_assoc, user, acct)"
            f" SELECT {_FIRST_ASSOCIATION} + seq, CONCAT('u', seq), CONCAT('a', seq MOD 100)"
            f" FROM seq_1_to_{_ASSOCIATIONS}"
        )
        for kind, table in usage_table_names(CLUSTER):
            if kind != "qos" or made.release >= "24.11":
                theirs = f"{TESTBED}{table.removeprefix(CLUSTER)}"
                # Those of the release, with its indexes.
                made.sql(f"DROP TABLE IF EXISTS `{table}`")
                made.sql(f"CREATE TABLE `{table}` LIKE `{DATABASE}`.`{theirs}`")
        made.sql(
            f"INSERT INTO `{_USAGE}` (creation_time, id, id_tres, time_start, alloc_secs)"
            f" SELECT 0, {_FIRST_ASSOCIATION} + owner.seq, 1, {_MIDNIGHT} + day.seq * {_DAY}, 60"
            f" FROM seq_1_to_{_ASSOCIATIONS} AS owner JOIN seq_0_to_39 AS day"
        )
        made.sql(
            f"INSERT INTO `{CLUSTER}_usage_day_table` (creation_time, id_tres, time_start, `count`)"
            f" SELECT 0, 1, {_MIDNIGHT} + seq * {_DAY}, 8 FROM seq_0_to_39"
        )
        made.sql(
            f"INSERT INTO `{EVENT_TABLE}` (node_name, time_start, time_end, reason, state)"
            f" SELECT CONCAT('n', seq MOD 90), {BEGIN} + seq * 1000, {BEGIN} + seq * 1000 + 500, 'disk', 1"
            " FROM seq_1_to_3000"
        )
        made.sql(f"ANALYZE TABLE `{JOB_TABLE}`, `{_USAGE}`, `{EVENT_TABLE}`")
        yield made


@pytest.fixture(scope="module")
def client(database: AccountingDatabase, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """Returns a client of a service that may read all of the tables, and hides nothing."""
    usage = [table for kind, table in usage_table_names(CLUSTER) if kind != "qos" or database.release >= "24.11"]
    database.grant([*READABLE, STEP_TABLE, EVENT_TABLE, *usage])
    settings = database.settings(
        tmp_path_factory.mktemp("run"), table_step=STEP_TABLE, table_event=EVENT_TABLE, tables_usage=CLUSTER
    )
    shown = settings.filter.model_copy(update={"partitions": []})
    return make_client(settings.model_copy(update={"filter": shown}))


@pytest.mark.parametrize(
    ("path", "table", "used"),
    [
        (f"/history?group_by=account&submitafter={_WINDOW}", JOB_TABLE, {"PRIMARY"}),
        (f"/history?group_by=account&endafter={_WINDOW}", JOB_TABLE, {"PRIMARY", "rollup2"}),
        (f"/history?group_by=user,day&startafter={_WINDOW}", JOB_TABLE, {"PRIMARY", "rollup2"}),
        ("/history?group_by=state&user=alice", JOB_TABLE, {"association"}),
        ("/history?group_by=day&state=PENDING,RUNNING", JOB_TABLE, {"rollup2"}),
        (
            f"/history?jobname=none&endafter={_WINDOW}&endbefore={BEGIN + 31 * _DAY}",
            JOB_TABLE,
            {"PRIMARY", "rollup2"},
        ),
        (f"/history?group_by=qos&fields=qos,cpu_efficiency&submitafter={_WINDOW}", STEP_TABLE, {"PRIMARY"}),
        (
            f"/utilization?group_by=account&step=day&since={_MIDNIGHT}&until={_MIDNIGHT + 30 * _DAY}",
            _USAGE,
            {"PRIMARY"},
        ),
        (
            f"/utilization?group_by=account,user&step=day&since={_MIDNIGHT}&until={_MIDNIGHT + 3 * _DAY}",
            _USAGE,
            {"PRIMARY"},
        ),
    ],
)
def test_records_are_read_by_the_named_indexes(
    database: AccountingDatabase, client: FlaskClient, path: str, table: str, used: set[str]
) -> None:
    with recorded(database) as statements:
        answer = client.get(path)
    assert answer.status_code == 200, answer.text
    plans = [
        row
        for text in statements
        if "FORCE INDEX" in text
        for row in database.sql(f"EXPLAIN {text.replace('%', '%%')}")
        if row[2] == table
    ]
    assert {row[5] for row in plans} == used
    # Each index finds the records: none is read as a whole.
    assert {row[3] for row in plans} <= {"range", "ref", "eq_ref"}


def test_usage_of_many_associations_reads_its_window_alone(database: AccountingDatabase, client: FlaskClient) -> None:
    with recorded(database) as statements:
        path = f"/utilization?group_by=user&step=day&since={_MIDNIGHT}&until={_MIDNIGHT + 2 * _DAY}&limit=10000"
        assert len(client.get(path).get_json()["data"]) == 2 * _ASSOCIATIONS
    plans = [
        row
        for text in statements
        if _USAGE in text and "FORCE INDEX" in text
        for row in database.sql(f"EXPLAIN {text.replace('%', '%%')}")
        if row[2] == _USAGE
    ]
    # Id, TRES and begin: all columns of the key. Of the 60,000 rows, a server expects to read a tenth.
    assert plans
    assert {row[5] for row in plans} == {"PRIMARY"}
    assert sum(int(row[8]) for row in plans) < 6 * _ASSOCIATIONS


@pytest.mark.parametrize(("words", "end"), [("", 3001), ("&state=DOWN", 3001), (f"&until={BEGIN + 2900 * 1000}", 2900)])
def test_events_of_a_window_are_read_by_their_times(
    database: AccountingDatabase, client: FlaskClient, words: str, end: int
) -> None:
    # The first event of the window began before it.
    path = f"/events?since={BEGIN + 2890 * 1000 + 200}{words}&times=epoch&limit=1000"
    with recorded(database) as statements:
        found = client.get(path).get_json()["data"]
    assert [event["start"] for event in found] == [BEGIN + number * 1000 for number in range(end - 1, 2889, -1)]
    reading = [text for text in statements if EVENT_TABLE in text and "information_schema" not in text]
    plans = [
        row for text in reading for row in database.sql(f"EXPLAIN {text.replace('%', '%%')}") if row[2] == EVENT_TABLE
    ]
    times = {"rollup", "archive_purge"} if database.release >= "23.11" else {"time_start_end"}
    assert {row[5] for row in plans} <= times
    # Of 3,000 events: those of the window, and never all that are older.
    assert plans
    if database.release >= "23.11":
        assert max(int(row[8]) for row in plans) < 300

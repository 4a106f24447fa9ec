"""/utilization and the sums of /history against sreport after a rollup, and the indexes of the statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from flask.testing import FlaskClient
from sqlalchemy.engine import Connection

from tests.cluster.accounting_database import real_accounting
from tests.conftest import make_client
from tests.testbed.cluster import Cluster

CLUSTER: Final = "testbed"
TRES: Final = "cpu,mem,gres/gpu"
YESTERDAY: Final = datetime.now() - timedelta(days=1)  # noqa: DTZ005
# Months are summed up whole. The jobs ran in the last two days of one that has ended.
UNTIL: Final = YESTERDAY.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
MONTH: Final = (UNTIL - timedelta(days=1)).replace(day=1)
SINCE: Final = UNTIL - timedelta(days=2)
DAY: Final = int(SINCE.timestamp())
FIRST_JOB: Final = 900_000_000
# Association, QOS, workload key, start and end in seconds of the window, TRES.
JOBS: Final = (
    (6, 1, "alice past_one", 600, 9000, "1=16,2=4000,4=1,5=16"),
    (6, 2, "alice past_two", 30_000, 100_000, "1=8,2=2000,4=1,5=8,1001=2"),
    (7, 1, "bob past_one", 80_000, 90_500, "1=32,2=64000,4=2,5=32"),
    (8, 1, None, -5000, 7300, "1=2,2=100,4=1,5=2"),
    (8, 1, None, 160_000, 171_111, "1=4,2=1000,4=1,5=4,1001=1"),
)


@pytest.fixture(scope="module")
def accounting(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A client of a service that hides no partition. Jobs of two past days are summed up."""
    names = cluster.run(["sacctmgr", "-nP", "show", "assoc", "format=id,user,account"]).stdout.split()
    users = {int(number): user for number, user, _ in (line.split("|") for line in names) if user}
    assert {users.get(number) for number, *_ in JOBS} == {"alice", "bob", "carol"}
    cluster.run(["sacctmgr", "-i", "add", "user", "alice,bob", "wckeys=past_one,past_two"])
    printed = cluster.run(["sacctmgr", "-nP", "show", "wckey", "format=user,wckey,id"]).stdout.split()
    wckeys = {f"{user} {name}": number for user, name, number in (line.split("|") for line in printed)}
    values = ", ".join(
        f"({FIRST_JOB + number}, {FIRST_JOB + number}, {assoc}, {qos}, {wckeys.get(wckey or '', 0)}, 1001, 'past',"
        f" 'main', 'x', 3, {DAY + start}, {DAY + start - 1500}, {DAY + start}, {DAY + end}, '{tres}', '{tres}')"
        for number, (assoc, qos, wckey, start, end, tres) in enumerate(JOBS)
    )
    columns = (
        "job_db_inx, id_job, id_assoc, id_qos, id_wckey, id_user, job_name, `partition`, account, state, time_submit,"
        " time_eligible, time_start, time_end, tres_alloc, tres_req"
    )
    of_cluster = "1=112,2=224000,3=0,4=8,5=112,6=0,7=0,8=0,1001=4,1002=0,1003=0"
    events = ", ".join(
        f"({DAY + start}, {DAY + end}, '{node}', '', 'before', 0, {state}, '{tres}')"
        for start, end, node, state, tres in (
            (-90_000, 2 * 86400 + 3600, "", 0, of_cluster),
            (10_000, 40_000, "pastnode", 1, "1=16,2=32000"),
        )
    )
    event_columns = "time_start, time_end, node_name, cluster_nodes, reason, reason_uid, state, tres"
    cluster.sql(
        f"SET sql_mode = ''; INSERT INTO {CLUSTER}_job_table ({columns}) VALUES {values};"
        f" INSERT INTO {CLUSTER}_event_table ({event_columns}) VALUES {events};"
    )
    try:
        cluster.run(["sacctmgr", "-i", "rollup", f"{SINCE:%Y-%m-%dT%H:%M}", f"{UNTIL:%Y-%m-%dT%H:%M}"])
        with real_accounting(cluster, tmp_path_factory.mktemp("run")) as found:
            yield make_client(found.model_copy(update={"filter": type(found)().filter}))
    finally:
        for user in ("alice", "bob"):
            cluster.run(["sacctmgr", "-i", "delete", "user", user, "wckeys=past_one,past_two"], check=False)
        usage = [
            f"DELETE FROM {CLUSTER}_{kind}usage_{step}_table WHERE time_start < {DAY + 2 * 86400};"
            for kind in ("", "assoc_", "qos_", "wckey_")
            for step in ("hour", "day", "month")
        ]
        cluster.sql(
            f"DELETE FROM {CLUSTER}_job_table WHERE job_db_inx >= {FIRST_JOB} AND job_name = 'past';"
            f" DELETE FROM {CLUSTER}_event_table WHERE reason = 'before'; {' '.join(usage)}"
        )


def _printed(cluster: Cluster, report: str, start: datetime, end: datetime, columns: str) -> list[list[str]]:
    window = [f"start={start:%Y-%m-%dT%H:%M:%S}", f"end={end:%Y-%m-%dT%H:%M:%S}"]
    words = ["cluster", report, *window, f"format={columns}"]
    output = cluster.run(["sreport", "-nP", "-t", "seconds", "-T", TRES, *words]).stdout
    return [line.split("|") for line in output.splitlines()]


def _ours(client: FlaskClient, query: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
    window = f"since={int(start.timestamp())}&until={int(end.timestamp())}"
    response = client.get(f"/utilization?tres={TRES}&limit=10000&{window}&{query}")
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.get_json()["data"]
    return found


def _added(records: list[dict[str, Any]], *fields: str) -> dict[tuple[Any, ...], int]:
    sums: defaultdict[tuple[Any, ...], int] = defaultdict(int)
    for record in records:
        sums[tuple(record[field] for field in fields)] += record["allocated"]
    return {key: value for key, value in sums.items() if value}


# Whole days, hours of more than one day, and limits within hours.
WINDOWS: Final = [
    (SINCE, UNTIL, "day"),
    (SINCE + timedelta(hours=1), UNTIL - timedelta(hours=3), "hour"),
    (SINCE + timedelta(minutes=130), SINCE + timedelta(minutes=2010), "hour"),
    (MONTH, UNTIL, "month"),
]


@pytest.mark.parametrize("number", range(len(WINDOWS)))
def test_the_figures_are_those_of_sreport(cluster: Cluster, accounting: FlaskClient, number: int) -> None:
    start, end, step = WINDOWS[number]
    told = _printed(cluster, "Utilization", start, end, "tresname,al,d,plnddown,i,plan,rep,over")
    fields = ("allocated", "down", "planned_down", "idle", "planned", "reported", "overcommitted")
    total = _ours(accounting, "step=total", start, end)
    assert [[record["tres"], *(str(record[field]) for field in fields)] for record in total] == told
    assert {row[0] for row in told} == set(TRES.split(","))
    assert any(int(row[2]) for row in told)
    stepwise = _ours(accounting, f"step={step}", start, end)
    assert _added(stepwise, "tres") == _added(total, "tres")

    told = _printed(cluster, "AccountUtilizationByUser", start, end, "account,login,tresname,used")
    accounts = {(row[0], row[2]): int(row[3]) for row in told if not row[1] and int(row[3])}
    users = {(row[0], row[1], row[2]): int(row[3]) for row in told if row[1] and int(row[3])}
    assert {"root", "physics", "biology"} == {account for account, _ in accounts}
    for how in (step, "total"):
        by_account = _ours(accounting, f"group_by=account&step={how}", start, end)
        assert _added(by_account, "account", "tres") == accounts
        by_user = _ours(accounting, f"group_by=account,user&step={how}", start, end)
        assert _added(by_user, "account", "user", "tres") == users

    told = _printed(cluster, "UserUtilizationByAccount", start, end, "account,login,tresname,used")
    assert {(row[0], row[1], row[2]): int(row[3]) for row in told if int(row[3])} == users
    by_qos = _ours(accounting, "group_by=account,user,qos&step=total", start, end)
    assert _added(by_qos, "account", "user", "tres") == users

    told = _printed(cluster, "WCKeyUtilizationByUser", start, end, "wckey,login,tresname,used")
    keys = {(row[0], row[1], row[2]): int(row[3]) for row in told if row[1] and int(row[3])}
    assert len(keys) >= 5
    for how in (step, "total"):
        assert _added(_ours(accounting, f"group_by=wckey,user&step={how}", start, end), "wckey", "user", "tres") == keys


def test_sums_of_whole_jobs_are_those_of_sreport(cluster: Cluster, accounting: FlaskClient) -> None:
    """sreport splits jobs at the ends of the window. Those that ended in this one had started in it, too."""
    start, end = SINCE + timedelta(hours=3), UNTIL
    window = f"endafter={int(start.timestamp())}&endbefore={int(end.timestamp())}"
    response = accounting.get(f"/history?group_by=account,user&{window}")
    assert response.status_code == 200, response.text
    sums = response.get_json()["data"]
    assert len(sums) == 3
    kinds = (("cpu_hours", "cpu"), ("mem_hours", "mem"), ("gpu_hours", "gres/gpu"))
    used = {
        (record["account"], record["user"], tres): round(3600 * record[field])
        for record in sums
        for field, tres in kinds
        if record[field]
    }

    # From the sums of slurmdbd.
    told = _printed(cluster, "AccountUtilizationByUser", start, end, "account,login,tresname,used")
    assert {(row[0], row[1], row[2]): int(row[3]) for row in told if row[1] and int(row[3])} == used
    # From the records of the jobs. FlatView prints each account alone.
    command = ["sreport", "-nP", "-t", "seconds", "-T", "cpu", "job", "SizesByAccount", "FlatView", "grouping=1"]
    limits = [f"start={start:%Y-%m-%dT%H:%M:%S}", f"end={end:%Y-%m-%dT%H:%M:%S}"]
    for words, field in (([], "cpu"), (["PrintJobCount"], "jobs")):
        lines = cluster.run([*command, *limits, *words]).stdout.splitlines()
        of_accounts: defaultdict[str, int] = defaultdict(int)
        for record in sums:
            of_accounts[record["account"]] += (
                record["jobs"] if field == "jobs" else used[record["account"], record["user"], "cpu"]
            )
        assert {line.split("|")[1]: int(line.split("|")[3]) for line in lines} == of_accounts, lines


@pytest.mark.parametrize(
    "query",
    [
        "step=day", "step=total", "group_by=account&step=hour", "group_by=user&step=total", "group_by=user&step=day",
        "group_by=qos&step=hour", "group_by=wckey,user&step=day",
    ],
)  # fmt: skip
def test_statements_use_the_primary_key(
    cluster: Cluster, accounting: FlaskClient, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    statements: list[str] = []
    execute = Connection.execute

    def recording(self: Connection, statement: Any, *arguments: Any, **options: Any) -> Any:
        text = str(statement.compile(self.engine, compile_kwargs={"literal_binds": True}))
        statements.append(text.replace("%%", "%"))
        return execute(self, statement, *arguments, **options)

    monkeypatch.setattr(Connection, "execute", recording)
    _ours(accounting, query, SINCE, UNTIL)
    found = [text for text in statements if "usage_" in text and "FORCE INDEX" in text]
    plans = [row for text in found for row in cluster.sql(f"EXPLAIN {text}") if "usage_" in (row[2] or "")]

    assert found
    assert {(row[3], row[5]) for row in plans} <= {("range", "PRIMARY")}

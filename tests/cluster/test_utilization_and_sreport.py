"""/utilization and the sums of /history against sreport after a rollup, and the indexes of the statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.acctapi import usage_rows
from tests.cluster.accounting_database import executed_statements, real_accounting
from tests.cluster.past_usage import ENDS, FIRST_JOB, MONTH, SINCE, TRES, UNTIL, past_usage, read_sreport
from tests.cluster.sacct_truth import read_columns
from tests.cluster.sums_truth import COLUMNS, sums_of, wrong_sums
from tests.conftest import make_client
from tests.testbed.cluster import Cluster


@pytest.fixture(scope="module")
def accounting(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A client of a service that hides no partition. Jobs of two past days are summed up."""
    with past_usage(cluster), real_accounting(cluster, tmp_path_factory.mktemp("run")) as found:
        yield make_client(found.model_copy(update={"filter": type(found)().filter}))


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
    told = read_sreport(cluster, "Utilization", start, end, "tresname,al,d,plnddown,i,plan,rep,over")
    fields = ("allocated", "down", "planned_down", "idle", "planned", "reported", "overcommitted")
    total = _ours(accounting, "step=total", start, end)
    assert [[record["tres"], *(str(record[field]) for field in fields)] for record in total] == told
    assert {row[0] for row in told} == set(TRES.split(","))
    assert any(int(row[2]) for row in told)
    stepwise = _ours(accounting, f"step={step}", start, end)
    assert _added(stepwise, "tres") == _added(total, "tres")

    told = read_sreport(cluster, "AccountUtilizationByUser", start, end, "account,login,tresname,used")
    accounts = {(row[0], row[2]): int(row[3]) for row in told if not row[1] and int(row[3])}
    users = {(row[0], row[1], row[2]): int(row[3]) for row in told if row[1] and int(row[3])}
    assert {"root", "physics", "biology"} == {account for account, _ in accounts}
    for how in (step, "total"):
        by_account = _ours(accounting, f"group_by=account&step={how}", start, end)
        assert _added(by_account, "account", "tres") == accounts
        by_user = _ours(accounting, f"group_by=account,user&step={how}", start, end)
        assert _added(by_user, "account", "user", "tres") == users

    told = read_sreport(cluster, "UserUtilizationByAccount", start, end, "account,login,tresname,used")
    assert {(row[0], row[1], row[2]): int(row[3]) for row in told if int(row[3])} == users
    by_qos = _ours(accounting, "group_by=account,user,qos&step=total", start, end)
    assert _added(by_qos, "account", "user", "tres") == users

    told = read_sreport(cluster, "WCKeyUtilizationByUser", start, end, "wckey,login,tresname,used")
    keys = {(row[0], row[1], row[2]): int(row[3]) for row in told if row[1] and int(row[3])}
    assert len(keys) >= 5
    for how in (step, "total"):
        assert _added(_ours(accounting, f"group_by=wckey,user&step={how}", start, end), "wckey", "user", "tres") == keys


def test_all_tres_are_those_of_sacctmgr(cluster: Cluster, accounting: FlaskClient) -> None:
    printed = cluster.run(["sacctmgr", "-nP", "show", "tres", "format=type,name"]).stdout
    known = {line.rstrip("|").replace("|", "/") for line in printed.splitlines()}
    window = f"since={int(SINCE.timestamp())}&until={int(UNTIL.timestamp())}"
    found = accounting.get(f"/utilization?tres=all&step=total&{window}").get_json()["data"]
    assert {"cpu", "gres/gpu"} <= {record["tres"] for record in found} <= known
    fault = accounting.get("/utilization?tres=nothing").get_json()["errors"][0]["detail"]
    assert set(fault.partition("such as ")[2].rstrip(".").split(", ")) <= known


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
    told = read_sreport(cluster, "AccountUtilizationByUser", start, end, "account,login,tresname,used")
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


def test_sums_of_jobs_of_every_end_are_those_of_the_lines_of_sacct(cluster: Cluster, accounting: FlaskClient) -> None:
    listed = [str(FIRST_JOB + number) for number in range(20)]
    lines = read_columns(cluster, COLUMNS, "-X", "-D", "-j", ",".join(listed))
    for groups in ("state", "account,user", "qos,state", "user,day"):
        response = accounting.get(f"/history?group_by={groups}&jobid>={FIRST_JOB}")
        assert response.status_code == 200, response.text
        ours = {tuple(record[name] for name in groups.split(",")): record for record in response.get_json()["data"]}
        expected = sums_of(lines, groups)
        assert wrong_sums(ours, expected, expected) == [], groups
    assert {state for facts in lines for state in facts["State"].split()} == ENDS


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
    statements = executed_statements(monkeypatch)
    _ours(accounting, query, SINCE, UNTIL)
    # As for groups of many ids, which the server sums up.
    monkeypatch.setattr(usage_rows, "_FEW_IDS", 0)
    _ours(accounting, query, SINCE, UNTIL)
    found = [text for text in statements if "usage_" in text and "FORCE INDEX" in text]
    plans = [row for text in found for row in cluster.sql(f"EXPLAIN {text}") if "usage_" in (row[2] or "")]

    assert found
    assert {(row[3], row[5]) for row in plans} <= {("range", "PRIMARY")}

"""`/accounts`, `/qos` and `/events` against sacctmgr, and `/utilization` against sreport, of each release."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from tests.cluster.accounting_database import real_accounting
from tests.cluster.comparison import Row, differences
from tests.cluster.past_usage import MONTH, SINCE, TRES, UNTIL, past_usage, read_sreport
from tests.cluster.test_accounts_and_sacctmgr import ACCOUNT_ROWS, LIMIT_ROWS
from tests.cluster.test_events_and_sacctmgr import ROWS as EVENT_ROWS
from tests.cluster.test_qos_and_sacctmgr import ROWS as QOS_ROWS
from tests.conftest import make_client
from tests.releases.conftest import RELEASES
from tests.testbed.cluster import Cluster

# tests/cluster compares more with 26.05.
pytestmark = pytest.mark.parametrize("release", RELEASES[1:], indirect=True, scope="session")

_MADE: Final = (
    "add account upper parent=root description=some_text organization=some_org maxwall=2-00:00:00 maxjobs=50"
    " maxtresperjob=cpu=64 grptres=cpu=512 qos=normal,urgent defaultqos=normal fairshare=7 grpjobs=40",
    "add account lower parent=upper maxsubmit=100 grpwall=1000 qos-=urgent grptresmins=cpu=5 priority=5"
    " fairshare=parent grpsubmit=0",
    "add user alice account=lower",
    "add coordinator account=upper names=carol",
    "add qos compared priority=17 gracetime=90 preempt=normal preemptmode=requeue usagefactor=0.5 limitfactor=1.5"
    " flags=DenyOnLimit,NoReserve,OverPartQOS grptres=cpu=10,mem=20 grpjobs=5 maxtresperuser=cpu=16 maxwall=2-00:30:00"
    " maxjobsperuser=3 mintresperjob=cpu=2 maxtresperjob=cpu=8",
)
_REMOVED: Final = ("delete account lower,upper", "delete qos compared")
# Columns of sacctmgr, and the release since which it has them.
_SINCE: Final = {"comment": (23, 2), "flags": (24, 5)}


@pytest.fixture(scope="module")
def accounting(release: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """Returns a client of a service that reads the tables of the release's slurmdbd, and hides no partition."""
    for words in _MADE:
        release.run(["sacctmgr", "-i", *words.split()])
    try:
        with past_usage(release), real_accounting(release, tmp_path_factory.mktemp("run")) as found:
            yield make_client(found.model_copy(update={"filter": type(found)().filter}))
    finally:
        for words in _REMOVED:
            release.run(["sacctmgr", "-i", *words.split()], check=False)


def _answer(client: FlaskClient, path: str) -> list[dict[str, Any]]:
    response = client.get(path)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.get_json()["data"]
    return found


def _printed(cluster: Cluster, rows: list[Row], *words: str) -> list[dict[str, str]]:
    columns = list(dict.fromkeys(row.slurm for row in rows))
    command = ["sacctmgr", "-nP", "show", *words, f"format={','.join(columns)}"]
    lines = cluster.run(command, env={"SLURM_TIME_FORMAT": "%s"}).stdout.splitlines()
    return [dict(zip(columns, line.split("|"), strict=True)) for line in lines]


def _known(cluster: Cluster, rows: list[Row]) -> list[Row]:
    release = tuple(int(part) for part in cluster.release.split(".")[:2])
    return [row for row in rows if _SINCE.get(row.slurm, (0, 0)) <= release]


def _sorted_words(text: str) -> list[str]:
    return sorted(filter(None, text.split(",")))


def test_accounts_are_what_sacctmgr_prints(release: Cluster, accounting: FlaskClient) -> None:
    ours = {record["name"]: record for record in _answer(accounting, "/accounts")}
    texts, limits = _known(release, ACCOUNT_ROWS), [*_known(release, LIMIT_ROWS), Row("users", "user")]
    told = [facts for facts in _printed(release, limits, "assoc") if not facts["user"]]
    assert {facts["account"] for facts in told} == set(ours) >= {"upper", "lower"}
    for rows, lines in ((texts, _printed(release, texts, "account", "withcoord")), (limits[:-1], told)):
        wrong = {name: found for facts in lines
                 if (found := differences(rows, ours[name := facts["account"]], facts, facts))}  # fmt: skip
        assert wrong == {}


def test_qos_are_what_sacctmgr_prints(release: Cluster, accounting: FlaskClient) -> None:
    # The order of flags differs between releases.
    rows = [replace(row, convert=_sorted_words, ours=sorted) if row.field == "flags" else row for row in QOS_ROWS]
    ours = {record["name"]: record for record in _answer(accounting, "/qos")}
    told = {facts["name"]: facts for facts in _printed(release, rows, "qos")}
    assert set(ours) == set(told) >= {"normal", "compared"}
    wrong = {name: found for name in told if (found := differences(rows, ours[name], told[name], told[name]))}
    assert wrong == {}


def test_events_are_what_sacctmgr_prints(release: Cluster, accounting: FlaskClient) -> None:
    # The events of the past alone, because those of nodes go on.
    window = (f"start={SINCE:%Y-%m-%dT%H:%M:%S}", f"end={UNTIL:%Y-%m-%dT%H:%M:%S}")
    query = f"/events?since={int(SINCE.timestamp())}&until={int(UNTIL.timestamp())}&open=false"
    ours = {(record["node"] or "", str(record["start"])): record for record in _answer(accounting, query)}
    told = {(facts["nodename"], facts["start"]): facts for facts in _printed(release, EVENT_ROWS, "event", *window)}
    told = {key: facts for key, facts in told.items() if facts["end"].isdigit()}
    assert set(ours) == set(told) >= {("pastnode", str(int(SINCE.timestamp()) + 10_000))}
    wrong = {key: found for key in told if (found := differences(EVENT_ROWS, ours[key], told[key], told[key]))}
    assert wrong == {}


def _sums(records: list[dict[str, Any]], *fields: str) -> dict[tuple[Any, ...], int]:
    sums: defaultdict[tuple[Any, ...], int] = defaultdict(int)
    for record in records:
        sums[tuple(record[field] for field in fields)] += record["allocated"]
    return {key: value for key, value in sums.items() if value}


@pytest.mark.parametrize(("start", "step"), [(SINCE + timedelta(hours=1), "hour"), (MONTH, "month")])
def test_usage_is_what_sreport_prints(release: Cluster, accounting: FlaskClient, start: datetime, step: str) -> None:
    # slurmdbd counts GPUs if AccountingStorageTRES names them.
    tres = TRES if release.suite.name != "bookworm" else "cpu,mem"
    window = f"tres={tres}&limit=10000&since={int(start.timestamp())}&until={int(UNTIL.timestamp())}"
    # Names that all releases know: planned time was called reserved once.
    columns = {"allocated": "al", "down": "d", "planned_down": "planneddown", "idle": "i", "planned": "reserved",
               "reported": "rep", "overcommitted": "over"}  # fmt: skip
    whole = _answer(accounting, f"/utilization?step=total&{window}")
    told = read_sreport(release, "Utilization", start, UNTIL, f"tresname,{','.join(columns.values())}", tres=tres)
    assert [[record["tres"], *(str(record[field]) for field in columns)] for record in whole] == told
    assert any(int(line[1]) for line in told)

    lines = read_sreport(release, "AccountUtilizationByUser", start, UNTIL, "account,login,tresname,used", tres=tres)
    accounts = {(line[0], line[2]): int(line[3]) for line in lines if not line[1] and int(line[3])}
    users = {tuple(line[:3]): int(line[3]) for line in lines if line[1] and int(line[3])}
    assert {name for _, name, _ in users} == {"alice", "bob", "carol"}
    lines = read_sreport(release, "WCKeyUtilizationByUser", start, UNTIL, "wckey,login,tresname,used", tres=tres)
    keys = {tuple(line[:3]): int(line[3]) for line in lines if line[1] and int(line[3])}
    # Others have a key without a name where jobs of earlier tests began with TrackWCKey.
    assert {name for _, name, _ in keys} >= {"alice", "bob"}
    for how in (step, "total"):
        query = f"/utilization?step={how}&{window}&group_by="
        assert _sums(_answer(accounting, f"{query}account"), "account", "tres") == accounts
        assert _sums(_answer(accounting, f"{query}account,user"), "account", "user", "tres") == users
        assert _sums(_answer(accounting, f"{query}wckey,user"), "wckey", "user", "tres") == keys
        by_qos = accounting.get(f"{query}account,user,qos")
        if by_qos.status_code != 503:
            assert _sums(by_qos.get_json()["data"], "account", "user", "tres") == users
        assert (by_qos.status_code == 503) == (release.release < "24.11"), by_qos.text

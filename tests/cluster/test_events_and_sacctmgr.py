"""/events against `sacctmgr show event`, field by field, and the indexes of its statements."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.acctapi.reference_contract import EventRecord
from slurm_rest_api.config import Settings
from tests.cluster.accounting_database import executed_statements, real_accounting
from tests.cluster.comparison import Row, differences
from tests.cluster.test_qos_and_sacctmgr import tres
from tests.conftest import make_client
from tests.testbed.cluster import Cluster
from tests.waiting import wait_for

NODE = "eventnode"
TABLE = "testbed_event_table"
# Rows as slurmctld writes them for a node of its own name: states of slurm.h, reasons, users.
STATES = (1, 1 | 1 << 11, 2 | 1 << 9, 5 | 1 << 9, 2 | 1 << 15, 2 | 1 << 13, 1 | 1 << 15, 2 | 1 << 20, 2 | 1 << 12, 5)


# Each is the reason of an event that begins and ends in the same second.
ODD_REASONS = (
    "", "x" * 99, """it's "so" \\ `bad`""", "Café 😀", "Café".encode().decode("latin1"), "<b>%s</b>", "\x1b[31mred",
)  # fmt: skip


def _text(text: str) -> str | None:
    return text or None


def _moment(text: str) -> int | None:
    return None if text in ("Unknown", "None", "") else int(text)


def _uid(text: str) -> int | None:
    return int(text.partition("(")[2].rstrip(")")) if text else None


ROWS = [
    Row("event", "event"), Row("node", "nodename", _text), Row("state", "state", _text),
    Row("state_raw", "stateraw", int), Row("reason", "reason%99", _text), Row("reason_uid", "user%40", _uid),
    Row("user", "user%40", lambda text: text.partition("(")[0] or None), Row("start", "start", _moment),
    Row("end", "end", _moment), Row("tres", "tres%99", tres), Row("cluster_nodes", "clusternodes%99", _text),
]  # fmt: skip
COLUMNS = list(dict.fromkeys(row.slurm for row in ROWS))


@pytest.fixture(scope="module")
def settings(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a service that hides no partition. A node was drained, and another name has an event of each kind."""
    now = int(time.time())
    values = ", ".join(
        f"({now - 9000 + 100 * number}, {0 if number == 3 else now - 8950 + 100 * number}, '{NODE}{number % 3}', '',"
        f" 'reason {number % 2}', {(0, 4294967294)[number % 2]}, {state}, '1=16,2=64000')"
        for number, state in enumerate(STATES)
    )
    values += "".join(
        f", ({now - 8000}, {now - 8000}, '{NODE}odd{number}', '', X'{reason.encode().hex()}', 4000000000, 1, '')"
        for number, reason in enumerate(ODD_REASONS)
    )
    columns = "time_start, time_end, node_name, cluster_nodes, reason, reason_uid, state, tres"
    cluster.sql(f"INSERT INTO {TABLE} ({columns}) VALUES {values}")
    try:
        with real_accounting(cluster, tmp_path_factory.mktemp("run")) as found:
            yield found.model_copy(update={"filter": Settings().filter})
    finally:
        cluster.sql(f"DELETE FROM {TABLE} WHERE node_name LIKE '{NODE}%'")


@pytest.fixture(scope="module")
def accounting(settings: Settings) -> FlaskClient:
    return make_client(settings)


def _told(cluster: Cluster, *words: str) -> dict[tuple[str, int], dict[str, str]]:
    command = ["sacctmgr", "-nP", "show", "event", "start=1970-01-02", *words, f"format={','.join(COLUMNS)}"]
    printed = cluster.run(command, env={"SLURM_TIME_FORMAT": "%s"}).stdout
    rows = [dict(zip(COLUMNS, line.split("|"), strict=True)) for line in printed.splitlines()]
    return {(row["nodename"], int(row["start"])): row for row in rows}


def _ours(client: FlaskClient, query: str = "") -> dict[tuple[str, int], dict[str, Any]]:
    response = client.get(f"/events?limit=1000&{query}")
    assert response.status_code == 200, response.text
    return {(record["node"] or "", record["start"]): record for record in response.get_json()["data"]}


def test_every_event_is_what_sacctmgr_prints(cluster: Cluster, accounting: FlaskClient) -> None:
    before = _told(cluster)
    ours = _ours(accounting)
    after = _told(cluster)
    wrong = {
        key: found
        for key in before
        if key in after and (found := differences(ROWS, ours[key], before[key], after[key]))
    }

    assert set(before) <= set(ours) <= set(before) | set(after)
    assert len([node for node, _ in ours if node.startswith(NODE)]) == len(STATES) + len(ODD_REASONS)
    assert wrong == {}
    assert {row.field for row in ROWS} | {"state_words", "duration"} == set(EventRecord.model_fields)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (f"node={NODE}[0-1]", [f"nodes={NODE}[0-1]"]),
        ("state=DOWN&event=node", ["state=down", "event=node"]),
        ("state=drain", ["state=drain"]),
        ("reason=reason%201", ["reason=reason 1"]),
        ("open=true&event=node", ["condflags=open", "event=node"]),
        ("event=cluster", ["event=cluster"]),
    ],
)
def test_filters_select_as_those_of_sacctmgr(
    cluster: Cluster, accounting: FlaskClient, query: str, words: list[str]
) -> None:
    told = _told(cluster, *words)

    assert told
    assert set(_ours(accounting, query)) == set(told)


def test_a_node_that_is_drained_and_resumed(cluster: Cluster, accounting: FlaskClient) -> None:
    node = "rack008"
    cluster.run(["scontrol", "update", f"nodename={node}", "state=drain", "reason=events of a test"])
    try:
        wait_for("the event", lambda: _ours(accounting, f"node={node}&open=true&reason=events%20of"))
        [record] = _ours(accounting, f"node={node}&open=true&reason=events%20of").values()
        assert (record["state"] in ("DRAIN", "DRNG"), record["user"], record["end"]) == (True, "root", None)
    finally:
        cluster.run(["scontrol", "update", f"nodename={node}", "state=resume"])
    wait_for("its end", lambda: not _ours(accounting, f"node={node}&open=true&reason=events%20of"))
    [group] = accounting.get(f"/events?node={node}&group_by=reason&reason=events%20of").get_json()["data"]
    assert (group["group"], group["going_on"]) == ("events of a test", 0)


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("", {"rollup"}),
        # Those that began before it are found by their end, or in a small table by their start.
        ("since=now-1day&state=DOWN", {"rollup", "archive_purge"}),
        (f"node={NODE}[0-2]", {"PRIMARY"}),
        ("group_by=reason&until=now-1day", {"rollup"}),
        ("group_by=node&since=now-1day", {"archive_purge"}),
        (f"group_by=node&node={NODE}1", {"PRIMARY"}),
    ],
)
def test_statements_use_the_named_index(
    cluster: Cluster, accounting: FlaskClient, monkeypatch: pytest.MonkeyPatch, query: str, keys: set[str]
) -> None:
    statements = executed_statements(monkeypatch)
    assert accounting.get(f"/events?{query}").status_code == 200
    found = [text for text in statements if TABLE in text and "FORCE INDEX" in text]
    plans = [row for statement in found for row in cluster.sql(f"EXPLAIN {statement}") if row[2] == TABLE]

    assert len(plans) == 1 if "group_by" in query else len(plans) >= 2
    assert {plan[5] for plan in plans} <= keys
    if "rollup" in keys and "group_by" not in query:
        # The index has the order of the first statement, which finds the first start of the page.
        assert "filesort" not in plans[0][-1]

"""/events over an SQLite file with slurmdbd's tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy import event as sqlalchemy_event

from slurm_rest_api.acctapi.reference_contract import EventRecord, EventSumRecord
from slurm_rest_api.config import Settings
from slurm_rest_api.slurm.node_state_numbers import compact_state, state_words
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.acctapi.rows import EVENT_TABLE, NO_VAL, settings_for, write_database
from tests.builders import make_node, make_partition, make_snapshot
from tests.conftest import make_client
from tests.fakes import FakeSource

DOWN, IDLE, MIXED, DRAIN, NO_RESPOND, MAINT = 1, 2, 5, 1 << 9, 1 << 11, 1 << 15


def event(node: str, start: int, end: int, state: int, reason: str = "", uid: int = NO_VAL) -> dict[str, Any]:
    return {"time_start": start, "time_end": end, "node_name": node, "cluster_nodes": "", "reason": reason,
            "reason_uid": uid, "state": state, "tres": "1=16,2=64000"}  # fmt: skip


EVENTS = [
    event("", 1000, 0, 0) | {"cluster_nodes": "rack[001-003]", "reason": "Cluster Registered TRES"},
    event("rack001", 2000, 3000, DOWN | NO_RESPOND, "Not responding", 0),
    event("rack001", 5000, 5600, IDLE | DRAIN, "disk", 0),
    event("rack002", 5000, 5100, MIXED | DRAIN, "disk", 0),
    event("rack003", 6000, 8000, IDLE | MAINT, "update"),
    event("hidden9", 7000, 9000, DOWN, "100%_secret"),
]


def settings_of(folder: Path, **database: Any) -> Settings:
    file = folder / "acct.sqlite"
    write_database(file, [], events=EVENTS)
    return settings_for(file, folder / "run", **{"table_event": EVENT_TABLE, **database})


@pytest.fixture(scope="module")
def accounting(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A client of a service that hides no partition."""
    settings = settings_of(tmp_path_factory.mktemp("events"))
    return make_client(settings.model_copy(update={"filter": Settings().filter}))


def answer(client: FlaskClient, query: str) -> Any:
    response = client.get(f"/events?{query}")
    assert response.status_code == 200, response.text
    return response.get_json()


def starts(client: FlaskClient, query: str) -> list[tuple[int, str | None]]:
    return [(record["start"], record["node"]) for record in answer(client, query)["data"]]


def test_a_record_has_what_sacctmgr_prints(accounting: FlaskClient) -> None:
    records = answer(accounting, "")["data"]
    assert [EventRecord.model_validate(record).model_dump() for record in records] == records
    assert [record["start"] for record in records] == [7000, 6000, 5000, 5000, 2000, 1000]
    *_, down, cluster = records
    assert (down["node"], down["state"], down["state_words"]) == ("rack001", "DOWN*", ["DOWN", "NOT_RESPONDING"])
    assert (down["reason"], down["reason_uid"], down["user"]) == ("Not responding", 0, "root")
    assert (down["end"], down["duration"], down["tres"]) == (3000, 1000, {"cpu": 16, "mem": 64000})
    assert (cluster["event"], cluster["node"], cluster["state"], cluster["end"]) == ("Cluster", None, None, None)
    assert (cluster["user"], cluster["reason_uid"], cluster["cluster_nodes"]) == (None, None, "rack[001-003]")
    assert answer(accounting, "limit=1&times=iso")["data"][0]["start"].startswith("1970-01-01T")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("node=rack[001-002]", [(5000, "rack002"), (5000, "rack001"), (2000, "rack001")]),
        ("event=cluster", [(1000, None)]),
        ("event=node&state=DOWN", [(7000, "hidden9"), (2000, "rack001")]),
        ("state=drain,maint", [(6000, "rack003"), (5000, "rack002"), (5000, "rack001")]),
        ("reason=isk", [(5000, "rack002"), (5000, "rack001")]),
        ("reason=0%25_s", [(7000, "hidden9")]),
        ("user=root", [(5000, "rack002"), (5000, "rack001"), (2000, "rack001")]),
        ("user=0&node=rack002", [(5000, "rack002")]),
        ("user=nobody-at-all", []),
        # Too large for a column, and in digits that are not ASCII.
        (f"user={'9' * 25}", []),
        ("user=\u0660", []),
        ("open=true", [(1000, None)]),
        ("open=false&until=3000", [(2000, "rack001")]),
        ("since=5500&until=6500&event=node", [(6000, "rack003"), (5000, "rack001")]),
    ],
)
def test_filters(accounting: FlaskClient, query: str, expected: list[tuple[int, str]]) -> None:
    assert starts(accounting, query) == expected


def test_pages(accounting: FlaskClient) -> None:
    path, found = "/events?limit=1&fields=start,node", []
    while path:
        page = accounting.get(path).get_json()
        found += [(record["start"], record["node"]) for record in page["data"]]
        path = page["meta"]["next"]
    assert found == starts(accounting, "")
    assert accounting.get("/events.csv?fields=node,state&node=rack003").text == "node,state\r\nrack003,MAINT\r\n"
    etag = accounting.get("/events?open=false").headers["ETag"]
    assert accounting.get("/events?open=false", headers={"If-None-Match": etag}).status_code == 304
    assert accounting.get("/events?cursor=WzFd").status_code == 400


def test_a_page_costs_two_statements_and_reads_one_start_beside_its_events(accounting: FlaskClient) -> None:
    answer(accounting, "limit=1")
    read: list[int] = []

    def after(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        read.append(len(cursor.connection.execute(statement, parameters).fetchall()))

    sqlalchemy_event.listen(Engine, "after_cursor_execute", after)
    try:
        assert len(starts(accounting, "limit=3")) == 3
    finally:
        sqlalchemy_event.remove(Engine, "after_cursor_execute", after)
    # One more event shows that another page follows.
    assert read == [1, 4]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "group_by=node",
            [("hidden9", 1, 2000), ("rack003", 1, 2000), ("rack001", 2, 1600), ("rack002", 1, 100)],
        ),
        ("group_by=reason&state=DRAIN", [("disk", 2, 700)]),
        ("group_by=state&since=5050&until=6500", [("DRAIN", 1, 550), ("MAINT", 1, 500), ("DRNG", 1, 50)]),
        ("group_by=user&until=6000", [("root", 3, 1700)]),
    ],
)
def test_sums_count_the_seconds_in_the_window(
    accounting: FlaskClient, query: str, expected: list[tuple[str, int, int]]
) -> None:
    records = answer(accounting, query)["data"]
    assert [EventSumRecord.model_validate(record).model_dump() for record in records] == records
    assert [(record["group"], record["events"], record["seconds"]) for record in records] == expected


def test_hidden_nodes_have_no_events(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    paths = RuntimePaths.of(settings)
    paths.make()
    source = FakeSource()
    nodes = [make_node(name="rack001"), make_node(name="rack002"), make_node(name="hidden9", partitions=["secret"])]
    source.snapshot = make_snapshot([], nodes, [make_partition(), make_partition(name="secret")])
    client = make_client(settings)
    assert client.get("/events").status_code == 503
    Cycle(source, StoreWriter(paths.store), hidden=["secret"], refresh_seconds=3600.0).run()
    assert {record["node"] for record in answer(client, "")["data"]} == {"rack001", "rack002"}
    assert answer(client, "node=hidden9")["data"] == answer(client, "event=cluster")["data"] == []
    assert {record["group"] for record in answer(client, "group_by=node")["data"]} == {"rack001", "rack002"}
    assert client.get("/nodes/rack001").headers["Link"] == '</events?node=rack001>; rel="related"'


def test_the_table_is_optional(tmp_path: Path) -> None:
    client = make_client(settings_of(tmp_path, table_event=None))
    response = client.get("/events")
    assert response.status_code == 404
    assert "`database.table_event` is not set" in response.text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (DOWN, "DOWN"), (DOWN | NO_RESPOND, "DOWN*"), (IDLE | DRAIN, "DRAIN"), (MIXED | DRAIN, "DRNG"),
        (IDLE | DRAIN | MAINT, "DRAIN$"), (IDLE | MAINT, "MAINT"), (DOWN | MAINT, "DOWN$"), (IDLE | 1 << 13, "FAIL"),
        (IDLE | 1 << 16, "BOOT"), (IDLE | 1 << 20, "BOOT^"), (IDLE | 1 << 12, "IDLE~"), (MIXED | 1 << 21, "MIX-"),
        (IDLE | 1 << 22, "INVAL"), (6, "FUTR"), (0, "UNK"), (4, "?"), (3 | 1 << 10, "ALLOC+"), (IDLE | 1 << 10, "COMP"),
    ],
)  # fmt: skip
def test_states_are_written_as_by_sacctmgr(number: int, text: str) -> None:
    assert compact_state(number) == text


def test_words_of_states() -> None:
    assert state_words(IDLE | DRAIN | MAINT) == ["IDLE", "DRAIN", "MAINTENANCE"]

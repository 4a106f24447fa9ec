"""/utilization over an SQLite file with slurmdbd's tables, against plain sums over the same rows."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, event

from slurm_rest_api.acctapi import usage_rows
from slurm_rest_api.acctapi.database import MOST_TEXT
from slurm_rest_api.acctapi.usage_contract import ClusterUsageRecord, GroupUsageRecord, UtilizationAnswer
from slurm_rest_api.acctapi.usage_tables import KINDS, STEPS, usage_table, wckey_table
from slurm_rest_api.acctapi.usage_window import Piece
from slurm_rest_api.config import Settings
from tests.acctapi.rows import fault, settings_for, write_database
from tests.conftest import make_client

HOUR, DAY = 3600, 86400
FIRST: Final = int(datetime(2026, 3, 27).timestamp())  # noqa: DTZ001 - slurmdbd sums up by local time
STARTS: Final = [FIRST + HOUR * hour for hour in range(24 * 6)]
"""Six days of hours. The clocks change on one of them in Europe."""

# Id, user, account. chem is below science, old was removed.
PEOPLE: Final = {
    2: ("alice", "physics"),
    3: ("bob", "physics"),
    4: ("alice", "chem"),
    5: ("carol", "lab"),
    6: ("dan", "old"),
}
ABOVE: Final = {
    "physics": ("physics", "root"),
    "chem": ("chem", "science", "root"),
    "lab": ("lab", "chem", "science", "root"),
    "old": ("old", "root"),
}
ASSOCIATIONS: Final[list[dict[str, Any]]] = [
    {"id_assoc": 1},
    {"id_assoc": 10, "acct": "physics", "parent_acct": "root"},
    {"id_assoc": 11, "acct": "science", "parent_acct": "root"},
    {"id_assoc": 12, "acct": "chem", "parent_acct": "science"},
    {"id_assoc": 13, "acct": "lab", "parent_acct": "chem"},
    {"id_assoc": 14, "acct": "old", "parent_acct": "root", "deleted": 1},
    {"id_assoc": 7, "user": "eve", "acct": "physics", "partition": "secret"},
    *(
        {"id_assoc": number, "user": user, "acct": acct, "deleted": int(acct == "old")}
        for number, (user, acct) in PEOPLE.items()
    ),
]
WCKEYS: Final = {1: ("sim", "alice"), 2: ("sim", "bob"), 3: ("", "bob")}
TRES: Final = {1: "cpu", 2: "mem", 1001: "gres/gpu"}
QOS: Final = {1: "normal", 2: "urgent"}
_RANDOM = Random(11)  # noqa: S311 - test data
HOURS: Final = [
    (number, qos, tres, start, _RANDOM.randrange(1, 10**6))
    for number, qos, tres, start in product((*PEOPLE, 7, 99), QOS, TRES, STARTS)
    if _RANDOM.random() < 0.3
]
"""Association, QOS, TRES, start, seconds. 99 is no association."""

KEY_HOURS: Final = [
    (number, tres, start, number * 1000 + tres) for number, tres, start in product(WCKEYS, (1, 2), STARTS)
]
FIGURES: Final = {"count": 64, "alloc_secs": 7, "idle_secs": 5, "down_secs": 3, "pdown_secs": 2, "over_secs": 11}


def begin(start: int, step: str) -> int:
    """Returns the start of the day or month of a moment, by a way of its own."""
    local = datetime.fromtimestamp(start)  # noqa: DTZ006
    if step == "hour":
        return start
    return int(datetime(local.year, local.month, local.day if step == "day" else 1).timestamp())  # noqa: DTZ001


def database(file: Path, *, planned: str = "plan_secs", qos: bool = True) -> None:
    """Writes the hours, and the days and months that they sum up to."""
    write_database(file, [], ASSOCIATIONS)
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        wckey = wckey_table("demo")
        wckey.create(connection)
        rows = [{"id_wckey": key, "wckey_name": name, "user": user} for key, (name, user) in WCKEYS.items()]
        connection.execute(wckey.insert(), rows)
        for kind, step in product(KINDS, STEPS):
            if kind == "qos" and not qos:
                continue
            table = usage_table("demo", kind, step, planned)
            table.create(connection)
            sums: defaultdict[tuple[int, ...], int] = defaultdict(int)
            if kind == "cluster":
                counts: defaultdict[tuple[int, int], int] = defaultdict(int)
                for tres, start in product(TRES, STARTS):
                    counts[tres, begin(start, step)] += 1
                connection.execute(
                    table.insert(),
                    [
                        {"id_tres": tres, "time_start": start, planned: 13 * hours}
                        | {name: value if name == "count" else value * hours for name, value in FIGURES.items()}
                        for (tres, start), hours in counts.items()
                    ],
                )
                continue
            if kind == "wckey":
                for number, tres, start, value in KEY_HOURS:
                    sums[number, 0, tres, begin(start, step)] += value
            else:
                for number, alt, tres, start, value in HOURS:
                    sums[number, alt if kind == "qos" else 0, tres, begin(start, step)] += value
            connection.execute(
                table.insert(),
                [
                    {"id": number, "id_tres": tres, "time_start": start, "alloc_secs": value}
                    | ({"id_alt": alt} if kind == "qos" else {})
                    for (number, alt, tres, start), value in sums.items()
                ],
            )
    engine.dispose()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    folder = tmp_path_factory.mktemp("utilization")
    database(folder / "acct.sqlite")
    return make_client(settings_for(folder / "acct.sqlite", folder / "run", tables_usage="demo"))


def answer(client: FlaskClient, query: str) -> Any:
    response = client.get(f"/utilization?{query}")
    assert response.status_code == 200, response.text
    return response.get_json()


def everything(client: FlaskClient, query: str) -> list[dict[str, Any]]:
    path, found = f"/utilization?{query}", []
    while path:
        page = client.get(path)
        assert page.status_code == 200, page.text
        found += page.get_json()["data"]
        path = page.get_json()["meta"]["next"]
    return found


def window(since: int, until: int, step: str) -> tuple[int, int]:
    """Returns the window of whole steps around two moments."""
    unit = "hour" if step == "total" else step
    first = begin(since // HOUR * HOUR, unit)
    last = until
    while begin(last // HOUR * HOUR, unit) != last:
        last = last // HOUR * HOUR + HOUR
    return first, max(first, last)


def plain(groups: tuple[str, ...], step: str, since: int, until: int, **only: str | None) -> dict[Any, int]:
    """Returns the sums of the hours within a window, by start, group and TRES."""
    first, last = window(since, until, step)
    sums: defaultdict[Any, int] = defaultdict(int)
    for number, qos, tres, start, value in HOURS:
        if number not in PEOPLE or not first <= start < last:
            continue
        user, acct = PEOPLE[number]
        if only.get("user") not in (None, user) or only.get("qos") not in (None, QOS[qos]):
            continue
        if only.get("account") is not None and only["account"] not in ABOVE[acct]:
            continue
        accounts: tuple[str | None, ...] = (acct,)
        if "account" not in groups:
            accounts = (None,)
        elif "user" not in groups:
            accounts = ABOVE[acct]
            if (wanted := only.get("account")) is not None:
                accounts = ABOVE[acct][: ABOVE[acct].index(wanted) + 1]
        for account in accounts:
            at = first if step == "total" else begin(start, step)
            who = user if "user" in groups else None
            sums[at, account, who, QOS[qos] if "qos" in groups else None, TRES[tres]] += value
    return sums


GROUPS: Final = [("account",), ("user",), ("account", "user"), ("qos",), ("account", "qos"), ("account", "user", "qos")]
MOMENTS: Final = st.integers(FIRST - 2 * DAY, FIRST + 8 * DAY)


@settings(max_examples=60, deadline=None)
@given(
    groups=st.sampled_from(GROUPS), step=st.sampled_from(["hour", "day", "month", "total"]),
    limits=st.tuples(MOMENTS, MOMENTS).map(sorted), limit=st.integers(3, 3000),
    user=st.sampled_from([None, None, "alice", "bob"]), account=st.sampled_from([None, None, "science", "physics"]),
    qos=st.sampled_from([None, None, "urgent"]), few=st.sampled_from([0, 20]),
)  # fmt: skip
def test_sums_are_those_of_the_hours(
    client: FlaskClient, groups: tuple[str, ...], step: str, limits: list[int], limit: int, user: str | None,
    account: str | None, qos: str | None, few: int,
) -> None:  # fmt: skip
    since, until = limits
    if step == "hour":
        limit = max(limit, 500)
    filters = {"user": user, "account": account, "qos": qos}
    query = "&".join(f"{name}={value}" for name, value in filters.items() if value is not None)
    # Groups of many ids are summed up by the server, those of fewer by the service.
    with patch.object(usage_rows, "_FEW_IDS", few):
        found = everything(
            client,
            f"group_by={','.join(groups)}&tres=all&step={step}&since={since}&until={until}&limit={limit}&{query}",
        )
    ours = {
        (record["start"], record["account"], record["user"], record["qos"], record["tres"]): record["allocated"]
        for record in found
    }
    assert len(ours) == len(found)
    assert ours == plain(groups, step, since, until, **filters)


def test_the_figures_of_the_cluster(client: FlaskClient) -> None:
    found = answer(client, f"step=day&since={FIRST}&until={FIRST + 2 * DAY}&tres=cpu,gres/gpu")
    UtilizationAnswer.model_validate(found)
    assert [(record["start"], record["tres"]) for record in found["data"]] == [
        (FIRST, "cpu"), (FIRST, "gres/gpu"), (FIRST + DAY, "cpu"), (FIRST + DAY, "gres/gpu"),
    ]  # fmt: skip
    assert found["data"][0] == ClusterUsageRecord(
        start=FIRST, end=FIRST + DAY, tres="cpu", count=64, allocated=7 * 24, idle=5 * 24, down=3 * 24,
        planned_down=2 * 24, planned=13 * 24, overcommitted=11 * 24, reported=30 * 24,
    ).model_dump()  # fmt: skip
    meta = found["meta"]
    assert (meta["step"], meta["since"], meta["until"], meta["next"]) == ("day", FIRST, FIRST + 2 * DAY, None)
    assert meta["rolled_up_until"] == begin(STARTS[-1], "day") + DAY
    [total] = answer(client, f"step=total&since={FIRST + 23 * HOUR + 1}&until={FIRST + 49 * HOUR + 1800}")["data"]
    # 23:00 of the first day until 02:00 of the third one: the ends are rounded to whole hours.
    assert (total["start"], total["end"]) == (FIRST + 23 * HOUR, FIRST + 50 * HOUR)
    assert (total["allocated"], total["reported"], total["count"]) == (7 * 27, 30 * 27, 64)
    hours = everything(client, f"step=hour&since={FIRST}&until={FIRST + DAY}&tres=all&limit=7")
    assert [(record["start"], record["tres"]) for record in hours] == [
        (start, tres) for start in STARTS[:24] for tres in TRES.values()
    ]
    assert answer(client, "")["data"] == [] or answer(client, "")["meta"]["step"] == "day"


def test_workload_keys(client: FlaskClient) -> None:
    window = f"step=total&since={FIRST}&until={FIRST + 6 * DAY}"
    found = answer(client, f"group_by=wckey&{window}")["data"]
    assert [GroupUsageRecord.model_validate(record).model_dump() for record in found] == found
    hours = len([start for start in STARTS if start < FIRST + 6 * DAY])
    assert [(record["wckey"], record["allocated"]) for record in found] == [("", 3001 * hours), ("sim", 3002 * hours)]
    by_user = answer(client, f"group_by=user,wckey&wckey=sim&{window}")["data"]
    assert [(record["user"], record["wckey"], record["allocated"]) for record in by_user] == [
        ("alice", "sim", 1001 * hours), ("bob", "sim", 2001 * hours),
    ]  # fmt: skip


def test_workload_keys_are_bounded(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_rows, "_MOST_WCKEYS", 2)
    window = f"step=total&since={FIRST}&until={FIRST + DAY}"
    found = fault(client, f"/utilization?group_by=wckey&{window}")
    assert found["detail"] == "There are more than 2 workload keys. Choose some with `wckey` or `user`."
    assert len(answer(client, f"group_by=wckey&user=bob&{window}")["data"]) == 2
    assert answer(client, f"group_by=wckey&user=Bob&{window}")["data"] == []


def test_lists_of_ids_stay_short(tmp_path: Path) -> None:
    # MariaDB reads all steps of each id if a list has 1,000 values (`in_predicate_conversion_threshold`).
    database(tmp_path / "acct.sqlite")
    engine = create_engine(f"sqlite:///{tmp_path / 'acct.sqlite'}")
    statements: list[str] = []
    with engine.connect() as connection:
        event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
        piece = Piece("day", FIRST, FIRST + 9 * DAY)
        for ids in ([list(range(3000))], [[number] for number in range(3000)]):
            rows = usage_rows.group_rows(
                connection, usage_table("demo", "assoc", "day"), usage_rows.Wanted(ids, [1]), piece, total=False
            )
            assert sum(seconds for row in rows for _, seconds in row.steps) == sum(
                hour[-1] for hour in HOURS if hour[2] == 1
            )
    engine.dispose()
    lists = [text.count("?") for statement in statements for text in re.findall(r"IN \(([^)]*)\)", statement)]
    assert sum(lists) > 6000
    assert max(lists) < 1000


def test_the_server_cuts_no_text(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    step = f"{2**64 - 1},{2**64 - 1}"
    assert len(",".join([step] * usage_rows.MOST_STEPS)) <= MOST_TEXT
    monkeypatch.setattr("slurm_rest_api.acctapi.utilization.MOST_STEPS", 7)
    lengths: list[int] = []
    read = usage_rows.group_rows

    def recording(*arguments: Any, **options: Any) -> Any:
        for row in read(*arguments, **options):
            lengths.append(len(row.steps))
            yield row

    monkeypatch.setattr("slurm_rest_api.acctapi.utilization.group_rows", recording)
    found = everything(client, f"group_by=account,user&step=hour&since={FIRST}&until={FIRST + 3 * DAY}&limit=1000")
    expected = plain(("account", "user"), "hour", FIRST, FIRST + 3 * DAY)
    assert {
        (record["start"], record["account"], record["user"], None, record["tres"]): record["allocated"]
        for record in found
    } == {key: value for key, value in expected.items() if key[-1] == "cpu"}
    assert 1 < max(lengths) <= 7


@pytest.mark.parametrize(
    ("query", "parameter", "text"),
    [
        ("group_by=node", "group_by", "Expected account, user, qos or wckey"),
        ("group_by=account,wckey", "group_by", "only user can be combined with wckey"),
        ("group_by=account&wckey=sim", "wckey", "by user alone"),
        ("user=alice", "user", "`user` needs `group_by`"),
        ("tres=gpu", "tres", "There is no TRES 'gpu'. Expected all, or names such as cpu, gres/gpu"),
        ("step=week", "step", "hour"),
        ("cursor=WzFd", "cursor", ""),
        ("fields=idle&group_by=user", "fields", "idle"),
    ],
)
def test_faults(client: FlaskClient, query: str, parameter: str, text: str) -> None:
    found = fault(client, f"/utilization?{query}")
    assert found["source"]["parameter"] == parameter
    assert text in found["detail"]


def test_formats_and_conditions(client: FlaskClient) -> None:
    query = f"group_by=account&account=physics&step=total&since={FIRST}&until={FIRST + DAY}"
    text = client.get(f"/utilization.csv?{query}&fields=account,tres").text
    assert text == "account,tres\r\nphysics,cpu\r\n"
    etag = client.get(f"/utilization?{query}").headers["ETag"]
    assert client.get(f"/utilization?{query}", headers={"If-None-Match": etag}).status_code == 304
    assert answer(client, f"{query}&times=iso")["meta"]["since"].startswith("2026-03-27T00:00:00")


def test_releases_without_some_tables(tmp_path: Path) -> None:
    database(tmp_path / "old.sqlite", planned="resv_secs", qos=False)
    client = make_client(settings_for(tmp_path / "old.sqlite", tmp_path / "run", tables_usage="demo"))
    window = f"step=day&since={FIRST}&until={FIRST + DAY}"
    assert answer(client, window)["data"][0]["planned"] == 13 * 24
    assert "Slurm has them since 24.11" in fault(client, f"/utilization?group_by=qos&{window}", 503)["detail"]
    off = make_client(settings_for(tmp_path / "old.sqlite", tmp_path / "run2"))
    assert "`database.tables_usage` is not set" in fault(off, "/utilization", 404)["detail"]


@pytest.mark.parametrize(
    ("private", "user", "query", "expected"),
    [
        (["usage"], "bob", "group_by=account", ["physics:bob"]),
        (["usage"], "bob", "group_by=account,user", ["physics bob"]),
        (["usage"], "carol", "group_by=account,user", ["chem alice", "lab carol"]),
        (["usage"], "carol", "group_by=account", ["chem", "lab"]),
        (["users"], "bob", "group_by=user", ["bob"]),
        (["users"], "bob", "group_by=account", ["physics:bob"]),
        (["users"], "carol", "group_by=account", ["chem", "lab"]),
        (["users"], "carol", "group_by=account,user", ["chem alice", "lab carol"]),
        (["users"], "dora", "group_by=qos", []),
        (["users"], "bob", "group_by=wckey&user=bob,alice", ["", "sim"]),
        (["users"], "carol", "group_by=wckey", []),
        (["accounts"], "bob", "group_by=account", ["physics"]),
        (["accounts"], "bob", "group_by=qos&account=chem", []),
        (["accounts"], "bob", "group_by=user", ["alice", "bob"]),
        (["usage"], "bob", "group_by=user,wckey", ["bob", "bob sim"]),
    ],
)
def test_rights(
    tmp_path_factory: pytest.TempPathFactory, private: list[str], user: str, query: str, expected: list[str]
) -> None:
    client = _private_client(tmp_path_factory, tuple(private))
    window = f"step=total&since={FIRST}&until={FIRST + 6 * DAY}"
    response = client.get(f"/utilization?{query}&{window}", environ_overrides={"REMOTE_USER": user})
    assert response.status_code == 200, response.text
    found = response.get_json()["data"]
    names = [" ".join(filter(None, (r["account"], r["user"], r["wckey"]))) for r in found]
    assert names == [name.partition(":")[0] for name in expected]
    if expected == ["physics:bob"]:
        own = plain(("account",), "total", FIRST, FIRST + 6 * DAY, user="bob")
        assert found[0]["allocated"] == own[FIRST, "physics", None, None, "cpu"]


_CLIENTS: dict[tuple[str, ...], FlaskClient] = {}


def _private_client(factory: pytest.TempPathFactory, private: tuple[str, ...]) -> FlaskClient:
    if private not in _CLIENTS:
        folder = factory.mktemp("private")
        database(folder / "acct.sqlite")
        engine = create_engine(f"sqlite:///{folder / 'acct.sqlite'}")
        with engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO acct_coord_table (acct, user, deleted) VALUES ('chem', 'carol', 0)")
        engine.dispose()
        base = settings_for(folder / "acct.sqlite", folder / "run", tables_usage="demo").model_dump()
        auth = {"mode": "proxy", "private_data": list(private)}
        _CLIENTS[private] = make_client(Settings.model_validate({**base, "auth": auth}))
    return _CLIENTS[private]

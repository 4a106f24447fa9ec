"""Sums of /history: for any filters they equal sums over the records of /history in plain Python."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.acctapi.sums_contract import GROUP_NAMES, SUM_FIELDS, HistorySumRecord
from slurm_rest_api.acctapi.utc_offsets import periods
from slurm_rest_api.acctapi.wait_histogram import percentiles
from slurm_rest_api.slurm.sentinels import INFINITE
from tests.acctapi.rows import STEP_TABLE, Row, fault, job_row, settings_for, write_database
from tests.acctapi.test_history import MIB, step, write_steps
from tests.conftest import make_client
from tests.property_tests import examples

Record = Mapping[str, Any]

_DAY: Final = 86400
# Key of a record by the name of a group.
_FIELDS: Final = {"user": "user_name", "state": "state_name"}
_TRES: Final = {"cpu": "cpu", "gpu": "gres/gpu", "mem": "mem"}
_STATES: Final = (3, 3, 3, 4, 5, 6, 7, 11, 1024, 8192)


def rows() -> list[Row]:
    """Returns records of all kinds, of 40 days: running, pending, suspended, without an association or a start."""
    made = []
    for number in range(1, 241):
        submit = 10 * _DAY + number * 14_000
        wait = (number * number * 37) % 90_000 if number % 7 else 0
        start, end = submit + 2 + wait, submit + 2 + wait + number % 11 * 500
        row = {
            "time_submit": submit, "time_eligible": submit + 2, "time_start": start, "time_end": end,
            "time_suspended": number % 5 * 100, "state": _STATES[number % 10],
            "id_assoc": (2, 3, 10, 0, 77)[number % 5],
            "id_user": (1001, 1002, 0)[number % 3], "account": ("physics", "Physics", None)[number % 3],
            "partition": ("main", "gpu", "secret", "Main")[number % 4], "id_qos": number % 3,
            "job_name": ("align", "Align", "align ", "älign")[number % 4 - number % 2],
            "tres_alloc": ("1=4,2=2000,4=1", "1=16,2=64000,4=2,1001=3,1002=9", "", "2=500,1=2")[number % 4],
            "nodelist": ("rack001", "rack[001-003]", "None assigned")[number % 3],
        }  # fmt: skip
        if number % 13 == 0:
            row |= {"state": 0, "time_start": 0, "time_end": 0, "tres_alloc": "", "partition": "gpu,main,secret,gpu"}
        elif number % 17 == 0:
            row |= {"state": (1, 2)[number % 2], "time_end": 0, "time_suspended": submit + 90_000}
        elif number % 19 == 0:
            row |= {"time_start": 0, "state": 4}
        elif number % 23 == 0:
            row |= {"time_eligible": (0, 4294967295)[number % 2], "id_job": number - 1}
        made.append(job_row(number, **row))
    return made


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    folder = tmp_path_factory.mktemp("sums")
    file = folder / "acct.sqlite"
    write_database(file, rows())
    steps = (
        step(number, (number * 90, 1500), (number, 0), tres_usage_in_tot=f"1=9,2={number % 9 * 20 * MIB}")
        for number in range(1, 241)
        for _ in range(number % 3)
    )
    write_steps(file, [*steps, step(4, (INFINITE, 0), (1, 0), tres_usage_in_tot="")])
    return make_client(settings_for(file, folder / "run", table_step=STEP_TABLE, history_max_limit=1000))


def data(client: FlaskClient, query: str) -> list[dict[str, Any]]:
    response = client.get(f"/history?{query}")
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.get_json()["data"]
    return found


def names(record: Record, group: str, moment: str) -> list[str | None]:
    """Returns the groups that a record belongs to."""
    if group == "day":
        # The tests run in UTC.
        days = record[moment] // _DAY
        return [f"1970-{'01' if days < 31 else '02'}-{days + 1 if days < 31 else days - 30:02}"]
    value = record[_FIELDS.get(group, group)]
    return list(dict.fromkeys(value.split(","))) if group == "partition" and value else [value]


def expected(records: Iterable[Record], groups: list[str], moment: str) -> dict[tuple[str | None, ...], dict[str, Any]]:
    """Returns the sums of each group, except those of running jobs, which change."""
    parts: defaultdict[tuple[str | None, ...], list[Record]] = defaultdict(list)
    for record in records:
        for first in names(record, groups[0], moment):
            for rest in names(record, groups[1], moment) if len(groups) > 1 else [None]:
                parts[(first, rest)[: len(groups)]].append(record)
    return {group: _sums(part) for group, part in parts.items()}


def _sums(records: list[Record]) -> dict[str, Any]:
    waits = sorted(
        max(0, record["time_start"] - record["time_eligible"])
        for record in records
        if record["time_start"] and record["time_eligible"] and record["state_name"] != "PENDING"
    )
    with_cpu = [record for record in records if record["time_end"] and record["cpu_time"]]
    with_memory = [record for record in records if record["time_end"] and record["max_rss"]]
    held = sum(record["elapsed"] * max(1, record["tres_alloc"].get("cpu", 0)) for record in with_cpu)
    memory = sum(record["elapsed"] * record["tres_alloc"].get("mem", 0) for record in with_memory)
    used = sum(r["max_rss"] * r["elapsed"] for r in with_memory if r["tres_alloc"].get("mem"))
    by_state = [record["state_name"] for record in records]
    return {
        "jobs": len(records),
        "states": {state: by_state.count(state) for state in sorted(set(by_state))},
        "elapsed": sum(record["elapsed"] for record in records),
        **{f"{key}_hours": _hours(records, name) for key, name in _TRES.items()},
        "wait_jobs": len(waits),
        "wait_mean": round(sum(waits) / len(waits), 1) if waits else None,
        "wait_median": waits[math.ceil(len(waits) / 2) - 1] if waits else None,
        "wait_p90": waits[math.ceil(0.9 * len(waits)) - 1] if waits else None,
        "cpu_efficiency": sum(record["cpu_time"] for record in with_cpu) / held if held else None,
        "mem_efficiency": used / memory if memory else None,
    }  # fmt: skip


def _hours(records: list[Record], tres: str) -> float:
    return float(sum(record["elapsed"] * record["tres_alloc"].get(tres, 0) for record in records)) / 3600


_QUERIES: Final = st.fixed_dictionaries(
    {},
    optional={
        "user": st.sampled_from(["alice", "bob", "root", "1001"]),
        "account": st.sampled_from(["physics", "root", "physics,root"]),
        "associd": st.sampled_from(["0", "2,77", "10"]),
        "partition": st.sampled_from(["main", "gpu", "secret"]),
        "qos": st.sampled_from(["normal", "urgent", "none"]),
        "state": st.sampled_from(["COMPLETED", "FAILED,CA", "CD,TO,RS,RQ"]),
        "jobname": st.sampled_from(["align", "Align"]),
        "node": st.sampled_from(["rack001", "rack[002-003]"]),
        "submitafter": st.integers(10 * _DAY, 45 * _DAY),
        "submitbefore": st.integers(10 * _DAY, 50 * _DAY),
        "startafter": st.integers(10 * _DAY, 45 * _DAY),
        "startbefore": st.integers(10 * _DAY, 50 * _DAY),
        "endafter": st.integers(10 * _DAY, 45 * _DAY),
        "endbefore": st.integers(10 * _DAY, 50 * _DAY),
    },
)


@examples(40)
@given(query=_QUERIES, groups=st.lists(st.sampled_from(GROUP_NAMES), min_size=1, max_size=2, unique=True))
def test_sums_equal_those_over_the_records(client: FlaskClient, query: dict[str, Any], groups: list[str]) -> None:
    # What runs and waits changes with time. It has a test of its own.
    query = {"jobid>": 0, "state": "CD,CA,F,TO,NF,OOM,RQ,RS", **query}
    text = "&".join(f"{name}={value}" for name, value in query.items()).replace("jobid>=", "jobid>")
    moment = next((f"time_{word}" for word in ("end", "start") if {f"{word}after", f"{word}before"} & query.keys()),
                  "time_submit")  # fmt: skip
    wanted = expected(data(client, f"{text}&limit=1000&times=epoch"), groups, moment)
    found = data(client, f"{text}&group_by={','.join(groups)}&fields={','.join((*groups, *SUM_FIELDS))}")
    assert {tuple(record[group] for group in groups) for record in found} == set(wanted)
    for record in found:
        sums = wanted[tuple(record[group] for group in groups)]
        assert HistorySumRecord.model_validate(record).model_dump(exclude_unset=True) == record
        for name in SUM_FIELDS:
            close = 0.05 if name in ("wait_median", "wait_p90") else 1e-4
            is_number = isinstance(sums[name], (int, float))
            assert record[name] == (pytest.approx(sums[name], rel=close, abs=1e-4) if is_number else sums[name]), name


def test_jobs_that_run_and_wait_are_summed_until_now(client: FlaskClient) -> None:
    wanted = expected(data(client, "state=PD,R,S&limit=1000&times=epoch"), ["partition", "state"], "time_submit")
    found = {(r["partition"], r["state"]): r for r in data(client, "state=PD,R,S&group_by=partition,state")}
    assert set(found) == set(wanted)
    assert {("gpu", "PENDING"), ("main", "PENDING"), ("main", "RUNNING")} <= set(found)
    for group, record in found.items():
        # A second may pass between the requests.
        assert record["elapsed"] == pytest.approx(wanted[group]["elapsed"], abs=20 * record["jobs"])
        assert (record["jobs"], record["wait_jobs"]) == (wanted[group]["jobs"], wanted[group]["wait_jobs"])
        # Only `fields` asks for these.
        assert {"cpu_efficiency", "mem_efficiency"}.isdisjoint(record)


def test_order_pages_fields_and_formats(client: FlaskClient) -> None:
    query = "endafter=864000&group_by=user,state"
    whole = data(client, query)
    assert [record["cpu_hours"] for record in whole] == sorted((r["cpu_hours"] for r in whole), reverse=True)
    path, found = f"/history?{query}&limit=3&sort=-jobs,user,state", []
    while path:
        answer = client.get(path).get_json()
        found += [(record["jobs"], record["user"], record["state"]) for record in answer["data"]]
        path = answer["meta"]["next"]
    assert found == sorted(((r["jobs"], r["user"], r["state"]) for r in whole), key=lambda r: (-r[0], *r[1:]))
    days = data(client, "endafter=864000&group_by=day&fields=day,jobs")
    assert days == sorted(days, key=lambda record: record["day"])
    assert {len(record) for record in days} == {2}
    lines = client.get("/history.csv?endafter=864000&group_by=account&fields=account,jobs&sort=account").text.split()
    assert lines[0] == "account,jobs"
    # Collations of slurmdbd's tables take these for equal. The accounts of records without an association.
    assert [line.split(",")[0] for line in lines[1:]] == ["", "Physics", "physics"]
    assert data(client, "submitafter=now&group_by=user") == []
    etag = client.get(f"/history?{query}&state=CD").headers["ETag"]
    assert client.get(f"/history?{query}&state=CD", headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("group_by=user", "`group_by` needs a time window"),
        ("group_by=user&endbefore=now", "Add one of `submitafter`, `startafter`, `endafter`, `user`"),
        ("group_by=user&state=CD,R", "`state=PENDING,RUNNING`"),
        ("group_by=user,user&user=alice", "Expected one or two of user, account"),
        ("group_by=user,qos,day&user=alice", "Expected one or two of user, account"),
        ("group_by=node&user=alice", "There is no group 'node'"),
        ("group_by=user&user=alice&sort=-states", "Invalid `sort`: '-states'"),
        ("group_by=user&user=alice&fields=account", "Unknown field in `fields`: 'account'"),
        ("group_by=user&user=alice&cursor=WzFd&offset=1", "`offset` cannot be combined"),
        ("group_by=user&user=alice&cursor=WzEsMl0", "Invalid `cursor`"),
        ("group_by=user&node=rack001&user=alice&duplicates=false", "`duplicates=false` cannot be combined with `node`"),
        ("sort=jobs", "`sort` needs `group_by`"),
    ],
)
def test_refused(client: FlaskClient, query: str, detail: str) -> None:
    assert detail in fault(client, f"/history?{query}")["detail"]


def test_only_the_latest_attempts_count_without_duplicates(client: FlaskClient) -> None:
    for query in ("user=alice,bob", "jobid>20&jobid<60", "submitafter=900000&submitbefore=3000000"):
        records = data(client, f"{query}&duplicates=false&limit=1000&times=epoch&state=CD,CA,F")
        wanted = expected(records, ["account"], "time_end")
        found = data(client, f"{query}&duplicates=false&group_by=account&state=CD,CA,F")
        assert {(record["account"],): record["jobs"] for record in found} == {
            group: sums["jobs"] for group, sums in wanted.items()
        }


def test_too_many_groups_are_refused(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("sum_totals", "sums_sql"):
        monkeypatch.setattr(f"slurm_rest_api.acctapi.{module}.MOST_GROUPS", 5)
    assert "more than 5 groups" in fault(client, "/history?group_by=day&submitafter=0")["detail"]
    assert len(data(client, "group_by=qos&submitafter=0")) == 3


def test_days_follow_the_time_zone_with_its_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        found = periods(1_790_000_000, 1_795_000_000)
        # 2026-10-25, 03:00 summer time, is 01:00 UTC.
        assert [(period.end, period.offset) for period in found] == [(None, 3600), (1_792_890_000, 7200)]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_percentiles_are_within_5_percent_of_any_wait() -> None:
    for wait in (*range(5000), *range(5000, 5_000_000, 4999)):
        # The bucket that SQL computes.
        [found] = percentiles({math.floor(math.log(wait + 1) * 16 / math.log(2) + 1e-9): 1}, [0.5])
        assert found is not None
        assert abs(found - wait) <= 0.05 * wait, wait

"""Sums of past days that a worker keeps: equal to sums over the records after any change."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pymysql
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine, delete, event, insert, update
from sqlalchemy.exc import OperationalError

from slurm_rest_api.acctapi.factory import open_accounting
from slurm_rest_api.acctapi.parameters import HistoryParameters
from slurm_rest_api.acctapi.sums_contract import GROUP_NAMES
from slurm_rest_api.acctapi.tables import assoc_table, job_table
from slurm_rest_api.auth.data_scope import EVERYTHING, DataScope
from tests.acctapi.rows import ASSOC_TABLE, JOB_TABLE, Row, job_row, settings_for, write_database
from tests.acctapi.test_history_sums import data, expected, rows
from tests.conftest import make_client
from tests.property_tests import examples
from tests.waiting import wait_for

_DAY: Final = 86400
_JOB: Final = job_table(JOB_TABLE)
_FIELDS: Final = "jobs", "states", "elapsed", "cpu_hours", "gpu_hours", "mem_hours", "wait_jobs", "wait_mean"
_CHANGES: Final = itertools.count(10 * _DAY)
"""Times at which slurmdbd changes a record: each later than those before."""


class Site:
    """A database, and a client of a service that keeps what it read of it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "acct.sqlite"
        write_database(self.file, [{**row, "mod_time": next(_CHANGES)} for row in rows()])
        self.client = make_client(settings_for(self.file, folder / "run", history_max_limit=1000))
        self._engine = create_engine(f"sqlite:///{self.file}")
        # A write to disk for each change would take longer than the test.
        event.listen(self._engine, "connect", lambda raw, _record: raw.execute("PRAGMA synchronous = OFF"))

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Yields a connection that may write."""
        with self._engine.begin() as connection:
            yield connection

    def put(self, changes: Mapping[int, Row | None]) -> None:
        """Replaces records by key, or removes them."""
        with self.connection() as connection:
            connection.execute(delete(_JOB).where(_JOB.c.job_db_inx.in_(list(changes))))
            added = [{**row, "mod_time": next(_CHANGES)} for row in changes.values() if row is not None]
            if added:
                connection.execute(insert(_JOB), added)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("days"))


@contextmanager
def counted() -> Iterator[list[tuple[str, Any]]]:
    """Yields the statements about jobs that the service executes meanwhile, with their parameters."""
    found: list[tuple[str, Any]] = []

    def before(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if JOB_TABLE in statement:
            found.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", before)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", before)


_ORIGINAL: Final = {row["job_db_inx"]: row for row in rows()}
# The keys of records are in the order of their submissions, so these do not change. Seconds of waiting and of running
# change the other times. A job that has not ended runs for no seconds.
_VALUES: Final[Mapping[str, Any]] = {
    "tres_alloc": st.sampled_from(["", "1=3,2=70", "1=5,1001=2"]),
    "state": st.sampled_from([1, 2, 3, 5]),
    "id_assoc": st.sampled_from([0, 2, 3, 77, 78]),
    "account": st.sampled_from(["physics", "chemistry", None]),
    "partition": st.sampled_from(["main", "secret", "gpu"]),
    "waited": st.integers(0, 10 * _DAY),
    "ran": st.one_of(st.just(0), st.integers(1, 20 * _DAY)),
}
_CHANGE: Final = st.tuples(
    st.integers(1, 240), st.one_of(st.none(), st.just({}), st.fixed_dictionaries({}, optional=dict(_VALUES)))
)
_QUESTION: Final = st.tuples(
    st.sampled_from(["submit", "start", "end"]),
    st.integers(10 * _DAY, 20 * _DAY),
    st.one_of(st.none(), st.integers(30 * _DAY, 50 * _DAY)),
    st.sampled_from(["", "&partition=main", "&state=CD,F", "&jobname=align"]),
    st.lists(st.sampled_from(GROUP_NAMES), min_size=1, max_size=2, unique=True),
)


def _changed(key: int, change: Mapping[str, Any] | None) -> Row | None:
    """Returns a record with a change, None for one that slurmdbd purges."""
    if change is None:
        return None
    row = {**_ORIGINAL[key], **change}
    seconds = row["time_end"] - row["time_start"] if row["time_end"] else 0
    waited, ran = row.pop("waited", None), row.pop("ran", seconds)
    if waited is not None:
        row["time_start"] = row["time_submit"] + waited
    row["time_end"] = row["time_start"] + ran if ran and row["time_start"] else 0
    return row


@examples(30)
@given(steps=st.lists(st.tuples(st.lists(_CHANGE, max_size=3), _QUESTION, st.booleans()), min_size=2, max_size=5))
def test_kept_sums_equal_those_over_the_records(site: Site, steps: list[Any]) -> None:
    site.put(_ORIGINAL)
    question = None
    for changes, another, is_new in steps:
        site.put({key: _changed(key, change) for key, change in changes})
        # The same question finds what it kept.
        question = another if is_new or question is None else question
        word, after, before, more, groups = question
        window = f"{word}after={after}" + (f"&{word}before={before}" if before else "") + more
        records = data(site.client, f"{window}&limit=1000&times=epoch")
        wanted = expected(records, groups, f"time_{word}")
        fields = ",".join((*groups, *_FIELDS, "wait_median", "wait_p90"))
        found = data(site.client, f"{window}&group_by={','.join(groups)}&fields={fields}")
        assert {tuple(record[group] for group in groups) for record in found} == set(wanted)
        running = {tuple(r[g] for g in groups) for r in found if {"RUNNING", "SUSPENDED"} & r["states"].keys()}
        for record in found:
            sums = wanted[tuple(record[group] for group in groups)]
            # Those of running jobs grow while the test runs.
            steady = ("jobs", "states", "wait_jobs") if tuple(record[g] for g in groups) in running else _FIELDS
            for name in (*steady, "wait_median", "wait_p90"):
                close = 0.05 if name in ("wait_median", "wait_p90") else 1e-4
                is_number = isinstance(sums[name], (int, float))
                wish = pytest.approx(sums[name], rel=close, abs=1e-4) if is_number else sums[name]
                assert record[name] == wish, (name, record)


@pytest.mark.parametrize(
    ("word", "versions", "others"),
    [
        # The primary key, and the index of ends for records that were inserted before it.
        ("end", 2, 0),
        # The primary key, and the tasks of earlier arrays. Jobs that have not ended are read each time.
        ("submit", 2, 1),
        ("start", 3, 1),
    ],
)
def test_a_repeated_question_reads_only_the_version_of_past_days(
    tmp_path: Path, word: str, versions: int, others: int
) -> None:
    site = Site(tmp_path)
    path = f"/history?group_by=account,state&{word}after={12 * _DAY}&{word}before={40 * _DAY}"
    first = site.client.get(path).get_json()
    with counted() as statements:
        again = site.client.get(path).get_json()
    assert [record["jobs"] for record in again["data"]] == [record["jobs"] for record in first["data"]]
    assert len([text for text, _ in statements if "sum(demo_job_table.mod_time)" in text]) == versions
    assert len([text for text, _ in statements if "group_concat" in text]) == others == len(statements) - versions
    # A change of one day reads the sums of that day, and neither those of the day before nor of the day after.
    changed = next(
        row
        for row in rows()
        if 15 * _DAY < row[f"time_{word}"] < row["time_end"] + 1 < 35 * _DAY
        and row["partition"] != "secret"
        and row["state"] == 3
    )
    day = changed[f"time_{word}"] // _DAY * _DAY
    site.put({changed["job_db_inx"]: {**changed, "state": 5}})
    with counted() as statements:
        after = site.client.get(path).get_json()["data"]
    sums = [parameters for text, parameters in statements if "group_concat" in text][: -others or None]
    assert sums
    for parameters in sums:
        assert {value for value in parameters if value in range(12 * _DAY, 41 * _DAY, _DAY)} == {day, day + _DAY}
    failed, before = (
        sum(record["jobs"] for record in data if record["state"] == "FAILED") for data in (after, first["data"])
    )
    assert failed == before + 1


@pytest.mark.parametrize("word", ["submit", "start", "end"])
def test_a_repeated_question_reads_less_than_two_hours_of_records(tmp_path: Path, word: str) -> None:
    site = Site(tmp_path)
    after, before = 12 * _DAY + 7 * 3600 + 5, 40 * _DAY + 9 * 3600 + 7
    path = f"/history?group_by=state&fields=state,jobs&{word}after={after}&{word}before={before}"
    first = site.client.get(path).get_json()["data"]
    with counted() as statements:
        assert site.client.get(path).get_json()["data"] == first
    read = [
        {value for value in values if isinstance(value, int) and 12 * _DAY <= value < 42 * _DAY}
        for text, values in statements
        if "group_concat" in text
    ]
    whole = {after - 5 + 3600, before - 7}
    assert {frozenset(bounds) for bounds in read} <= {
        frozenset(bounds) for bounds in ({after, after - 5 + 3600}, {before - 7, before}, whole)
    }
    # Only jobs that have not ended are read of the hours that are kept, by the index of ends.
    assert len([bounds for bounds in read if bounds == whole]) == (word != "end")


def test_a_question_that_was_ended_goes_on_with_the_days_that_it_lacks(tmp_path: Path) -> None:
    site = Site(tmp_path)
    path = f"/history?group_by=state&endafter={12 * _DAY}&endbefore={40 * _DAY}"
    reads = itertools.count(1)

    def end_the_third(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "group_concat" in statement and next(reads) == 3:
            raise OperationalError(
                statement, parameters, pymysql.err.OperationalError(1969, "max_statement_time exceeded")
            )

    event.listen(Engine, "before_cursor_execute", end_the_third)
    try:
        assert site.client.get(path).status_code == 504
    finally:
        event.remove(Engine, "before_cursor_execute", end_the_third)
    with counted() as statements:
        ours = site.client.get(path).get_json()["data"]
    read = {value for text, values in statements if "group_concat" in text for value in values}
    assert 12 * _DAY not in read
    assert {20 * _DAY, 40 * _DAY} <= read
    fresh = make_client(settings_for(site.file, tmp_path / "fresh", history_max_limit=1000))
    assert ours == fresh.get(path).get_json()["data"]


def test_days_that_take_too_long_are_read_fewer_at_once(site: Site, tmp_path: Path) -> None:
    site.put(_ORIGINAL)
    path = f"/history?group_by=state&endafter={12 * _DAY}&endbefore={40 * _DAY}"
    wanted = _fresh(site, tmp_path / "one").get(path).get_json()["data"]

    def end_long_ones(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        days = [value for value in parameters if value in range(12 * _DAY, 41 * _DAY, _DAY)]
        if "group_concat" in statement and max(days) - min(days) > 2 * _DAY:
            raise OperationalError(
                statement, parameters, pymysql.err.OperationalError(1969, "max_statement_time exceeded")
            )

    client = _fresh(site, tmp_path / "two")
    event.listen(Engine, "before_cursor_execute", end_long_ones)
    try:
        answers = [client.get(path) for _ in range(3)]
    finally:
        event.remove(Engine, "before_cursor_execute", end_long_ones)
    assert [answer.status_code for answer in answers] == [504, 504, 200]
    assert answers[-1].get_json()["data"] == wanted


def test_a_restricted_user_has_neither_the_sums_of_others_nor_gives_them_theirs(tmp_path: Path) -> None:
    file = tmp_path / "acct.sqlite"
    write_database(file, [job_row(number, time_end=20 * _DAY + number, id_assoc=2 + number % 2, mod_time=20 * _DAY)
                          for number in range(1, 21)])  # fmt: skip
    accounting = open_accounting(settings_for(file, tmp_path / "run"))
    assert accounting is not None
    query = HistoryParameters.model_validate(
        {"group_by": ["user"], "endafter": f"{10 * _DAY}", "endbefore": f"{30 * _DAY}"}
    )

    def jobs(scope: DataScope) -> dict[str, int]:
        found = accounting.sums.page(query, ("user", "jobs"), 0, scope)
        return {record["user"]: record["jobs"] for record in found.items}

    restricted = DataScope(frozenset(("jobs",)), "alice")
    for _ in range(2):
        assert jobs(restricted) == {"alice": 10}
        assert jobs(EVERYTHING) == {"alice": 10, "bob": 10}
    accounting.database.close()


def test_a_renamed_account_has_its_new_name(tmp_path: Path) -> None:
    site = Site(tmp_path)
    client = make_client(settings_for(site.file, tmp_path / "two", names_cache_seconds=1, history_max_limit=1000))
    path = f"group_by=account&fields=account,jobs&endafter={12 * _DAY}&endbefore={40 * _DAY}"
    before = {record["account"]: record["jobs"] for record in data(client, path)}
    assoc = assoc_table(ASSOC_TABLE)
    with site.connection() as connection:
        connection.execute(update(assoc).where(assoc.c.acct == "physics").values(acct="optics"))
    renamed = wait_for(
        "the new name", lambda: [record for record in data(client, path) if record["account"] == "optics"]
    )
    fresh = make_client(settings_for(site.file, tmp_path / "fresh", history_max_limit=1000))
    assert data(client, path) == data(fresh, path)
    assert 0 < renamed[0]["jobs"] <= before["physics"]


def test_two_workers_have_the_same_sums_after_each_change(tmp_path: Path) -> None:
    site = Site(tmp_path)
    workers = [site.client, make_client(settings_for(site.file, tmp_path / "two", history_max_limit=1000))]
    path = f"group_by=account,day&endafter={12 * _DAY}&endbefore={40 * _DAY}"
    seen = [data(workers[0], path)]
    for changes in ({60: {"ran": 900}}, {61: None}, {61: {}, 62: {"state": 5, "ran": _DAY}}):
        site.put({key: _changed(key, change) for key, change in changes.items()})
        # Each time a worker has what it read before another change than the other one.
        workers.reverse()
        found = [data(worker, path) for worker in (*workers, _fresh(site, tmp_path / f"new{len(seen)}"))]
        assert found[0] == found[1] == found[2] != seen[-1]
        seen.append(found[0])


def _fresh(site: Site, folder: Path) -> FlaskClient:
    return make_client(settings_for(site.file, folder, history_max_limit=1000))


# The clocks change by an hour at 01:00 UTC on October 26, and by half an hour on October 4 at 15:30 UTC.
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"])
def test_kept_days_of_utc_give_local_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        first, last = 1_758_931_200, 1_761_955_200  # 2025-09-27 and 2025-11-01 in UTC.
        ends = range(first, last, 1747)
        write_database(
            tmp_path / "acct.sqlite",
            [job_row(number, time_submit=end - 110, mod_time=end) for number, end in enumerate(ends, 1)],
        )
        client = make_client(settings_for(tmp_path / "acct.sqlite", tmp_path / "run", history_max_limit=1000))
        days = Counter(datetime.fromtimestamp(end).date().isoformat() for end in ends)  # noqa: DTZ006 - local days
        path = f"group_by=day&fields=day,jobs&endafter={first}&endbefore={last}"
        for _ in range(2):
            with counted() as statements:
                assert {record["day"]: record["jobs"] for record in data(client, path)} == days
        # All of the second answer is from memory.
        assert not [text for text, _ in statements if "group_concat" in text]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_records_without_an_association_are_read_once(site: Site, tmp_path: Path) -> None:
    site.put(_ORIGINAL)
    assert {0, 77} <= {row["id_assoc"] for row in rows()}
    client = _fresh(site, tmp_path)
    reads = []
    for group in ("state", "account"):
        with counted() as statements:
            assert data(client, f"group_by={group}&endafter={12 * _DAY}&endbefore={40 * _DAY}")
        reads.append(len([text for text, _ in statements if "group_concat" in text]))
    assert reads[0] == reads[1] > 0


def test_days_of_many_groups_are_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(tmp_path)
    path = f"group_by=qos,state&endafter={12 * _DAY}&endbefore={40 * _DAY}"
    groups = len(wanted := data(site.client, path))
    for module in ("sum_totals", "sums_sql"):
        monkeypatch.setattr(f"slurm_rest_api.acctapi.{module}.MOST_GROUPS", groups)
    client = _fresh(site, tmp_path / "two")
    with counted() as statements:
        assert data(client, path) == wanted
    assert len([text for text, _ in statements if "group_concat" in text]) > 2 * 28 // 8
    with counted() as statements:
        assert data(client, path) == wanted
    assert not [text for text, _ in statements if "group_concat" in text]


def test_a_question_whose_sums_are_too_large_is_answered_from_the_records(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.put(_ORIGINAL)
    path = f"group_by=qos,state&endafter={12 * _DAY}&endbefore={40 * _DAY}"
    wanted = data(_fresh(site, tmp_path / "one"), path)
    monkeypatch.setattr("slurm_rest_api.acctapi.history_sums._KEPT_BYTES", 20_000)
    client = _fresh(site, tmp_path / "two")
    for _ in range(2):
        with counted() as statements:
            assert data(client, path) == wanted
    assert not [text for text, _ in statements if "mod_time" in text]

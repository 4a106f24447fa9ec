"""Key ranges contain every matching record, for counted keys and SLUIDs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

from slurm_rest_api.acctapi.filters import Filters
from slurm_rest_api.acctapi.key_ranges import KeyRangeFinder
from slurm_rest_api.acctapi.tables import job_table
from tests.acctapi.rows import JOB_TABLE, Row, job_row

HOUR = 3600
START = 1_700_000_000
JOB = job_table(JOB_TABLE)


def sluid(seconds: float, sequence: int = 0, field: int = 5) -> int:
    """Returns a key as slurmctld assigns it since 24.11, 37 seconds ahead. It is small enough for SQLite."""
    return (field << 52) | (int((seconds + 37) * 1000) << 10) | sequence


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as connection:
        JOB.create(connection)
        yield connection
    engine.dispose()


def fill(connection: Connection, rows: list[Row]) -> None:
    connection.execute(JOB.delete())
    if rows:
        connection.execute(JOB.insert(), rows)


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """Generates records in insertion order: plain jobs and array tasks, counted keys, then optionally SLUIDs."""
    count = draw(st.integers(0, 40))
    upgrade = draw(st.integers(0, 40))
    made = START
    rows = []
    for number in range(1, count + 1):
        made += draw(st.sampled_from([0, 1, 50, 3 * HOUR, 40 * HOUR]))
        key = number * 3 if number <= upgrade else sluid(made, number)
        if draw(st.booleans()):
            rows.append(job_row(key, id_job=number, time_submit=made))
        else:
            waited = draw(st.sampled_from([0, HOUR, 100 * HOUR]))
            task = {"id_array_job": 1, "id_array_task": number, "time_start": made, "time_end": made + 5}
            rows.append({**job_row(key, id_job=number, time_submit=made - waited), **task})
    return rows


@given(histories(), st.integers(-10, 300))
def test_key_range_contains_every_match(connection: Connection, rows: list[Row], hours: int) -> None:
    moment = START + hours * HOUR + 17
    fill(connection, rows)
    filters = Filters(submit_after=moment, start_before=moment, submit_before=moment)
    bounds = KeyRangeFinder().key_range(connection, JOB, filters)
    for row in rows:
        key = row["job_db_inx"]
        if row["time_submit"] >= moment and bounds.lower is not None:
            assert key >= bounds.lower
        if row["time_start"] < moment and bounds.upper is not None:
            assert key < bounds.upper
        is_task = row["id_array_job"] != 0
        if row["time_submit"] < moment and not is_task and bounds.submitted_below is not None:
            assert key < bounds.submitted_below


@pytest.mark.parametrize("new_keys", [False, True])
def test_key_range_is_narrow(connection: Connection, *, new_keys: bool) -> None:
    keys = [sluid(START + n * HOUR) if new_keys else n + 1 for n in range(1000)]
    fill(connection, [job_row(key, id_job=n, time_submit=START + n * HOUR) for n, key in enumerate(keys)])
    moment = START + 500 * HOUR + 60
    bounds = KeyRangeFinder().key_range(connection, JOB, Filters(submit_after=moment, start_before=moment))
    assert bounds.lower is not None
    assert bounds.upper is not None
    assert sum(key < bounds.lower for key in keys) in (499, 500)
    assert sum(key >= bounds.upper for key in keys) in (497, 498, 499)


def test_without_times_the_key_range_is_unbounded(connection: Connection) -> None:
    bounds = KeyRangeFinder().key_range(connection, JOB, Filters(end_after=START))
    assert (bounds.lower, bounds.upper, bounds.submitted_below) == (None, None, None)


def test_key_ranges_are_cached(connection: Connection) -> None:
    now = 0.0
    known = KeyRangeFinder(lambda: now)
    fill(connection, [job_row(n, time_submit=START + n * HOUR) for n in range(1, 100)])
    filters = Filters(submit_after=START + 50 * HOUR)
    before = known.key_range(connection, JOB, filters).lower
    fill(connection, [job_row(n, time_submit=START + n * HOUR) for n in range(40, 100)])
    assert known.key_range(connection, JOB, filters).lower == before
    now = 601.0
    assert known.key_range(connection, JOB, filters).lower is not None

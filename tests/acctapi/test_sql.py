"""SQL of filters: the index that each filter forces, and values as bound parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from sqlalchemy.dialects import mysql

from slurm_rest_api.acctapi.filters import AssociationFilter, Filters, JobFilter
from slurm_rest_api.acctapi.sql import MAX_SCANS, CursorKey, KeyRange, Page, page_keys
from slurm_rest_api.acctapi.tables import job_table
from slurm_rest_api.web.operator_params import Comparison

JOB = job_table("my-cluster_job_table")
DAY = 86400
NOW = 1_800_000_000


def compiled(filters: Filters, keys: KeyRange | None = None, page: Page | None = None) -> str:
    statement = page_keys(JOB, filters, keys or KeyRange(), page or Page(10))
    return str(statement.compile(dialect=mysql.dialect(), compile_kwargs={"render_postcompile": True}))


def indexes(filters: Filters, keys: KeyRange | None = None) -> Sequence[str]:
    return re.findall(r"FORCE INDEX \((\w+)\)", compiled(filters, keys))


@pytest.mark.parametrize(
    ("filters", "keys", "expected"),
    [
        (Filters(), KeyRange(), ["PRIMARY"]),
        (Filters(partitions=frozenset({"main"})), KeyRange(), ["PRIMARY"]),
        (Filters(job_names=frozenset({"x"})), KeyRange(), ["PRIMARY"]),
        (Filters(states=frozenset({1})), KeyRange(), ["rollup2"]),
        (Filters(states=frozenset({0, 1}), associations=AssociationFilter(frozenset({7}))), KeyRange(), ["rollup2"]),
        (Filters(states=frozenset({1, 3})), KeyRange(), ["PRIMARY"]),
        (Filters(associations=AssociationFilter(frozenset({7, 9}))), KeyRange(), ["association"] * 2),
        (
            Filters(associations=AssociationFilter(frozenset({7}), frozenset({0}), uids=frozenset({5}))),
            KeyRange(),
            ["association", "sacct_def"],
        ),
        (
            Filters(associations=AssociationFilter(frozenset({7}), frozenset({0}), accounts=frozenset({"a"}))),
            KeyRange(),
            ["association"] * 2,
        ),
        (Filters(associations=AssociationFilter(frozenset(range(MAX_SCANS + 1)))), KeyRange(), ["PRIMARY"]),
        (Filters(uids=frozenset({5})), KeyRange(), ["sacct_def"]),
        (Filters(qos=frozenset({1, 2})), KeyRange(), ["qos"] * 2),
        (Filters(jobs=JobFilter(frozenset({5}), frozenset())), KeyRange(), ["id_job"]),
        (Filters(jobs=JobFilter(frozenset(), frozenset({9}))), KeyRange(), ["PRIMARY"]),
        (Filters(jobs=JobFilter(frozenset({5}), frozenset({9}))), KeyRange(), ["id_job", "PRIMARY"]),
        (Filters(jobs=JobFilter(comparisons=(Comparison("<", 5), Comparison(">", 1)))), KeyRange(), ["id_job"]),
        (
            Filters(jobs=JobFilter(comparisons=(Comparison("<", 5),)), associations=AssociationFilter(frozenset({7}))),
            KeyRange(),
            ["association"],
        ),
        (
            Filters(jobs=JobFilter(frozenset({5}), frozenset()), associations=AssociationFilter(frozenset({7}))),
            KeyRange(),
            ["id_job"],
        ),
        # Few records can match and the window is short, so it is read as a whole.
        (Filters(job_names=frozenset({"x"}), end_after=NOW - DAY, now=NOW), KeyRange(), ["rollup2"]),
        (Filters(states=frozenset({11}), end_after=NOW - DAY, now=NOW), KeyRange(), ["rollup2"]),
        (Filters(job_names=frozenset({"x"}), start_after=NOW - DAY, now=NOW), KeyRange(), ["rollup2"] * 2),
        (Filters(job_names=frozenset({"x"}), end_after=1, end_before=DAY, now=NOW), KeyRange(), ["rollup2"]),
        # A window of two days is always read as a whole.
        (Filters(end_after=NOW - 2 * DAY, now=NOW), KeyRange(), ["rollup2"]),
        (Filters(end_after=DAY, end_before=2 * DAY, nodes=frozenset({"a1"}), now=NOW), KeyRange(), ["rollup2"]),
        # Many records match, or the window is long, or the primary key has a bound.
        (Filters(end_after=NOW - 3 * DAY, now=NOW), KeyRange(), ["PRIMARY"]),
        (Filters(job_names=frozenset({"x"}), end_after=NOW - 100 * DAY, now=NOW), KeyRange(), ["PRIMARY"]),
        (Filters(job_names=frozenset({"x"}), end_after=NOW - DAY, now=NOW), KeyRange(lower=5), ["PRIMARY"]),
        (Filters(submit_before=5), KeyRange(submitted_below=9), ["PRIMARY", "array_job", "array_job"]),
    ],
)
def test_each_filter_forces_its_index(filters: Filters, keys: KeyRange, expected: list[str]) -> None:
    assert list(indexes(filters, keys)) == expected


def test_forced_indexes_exist_in_every_release() -> None:
    # Forcing a missing index is error 1176.
    everywhere = {"PRIMARY", "rollup2", "sacct_def", "association", "qos", "id_job", "array_job"}
    every_filter = Filters(
        associations=AssociationFilter(frozenset({1}), frozenset({0}), frozenset({5}), frozenset({"a"})),
        states=frozenset({3}),
        partitions=frozenset({"p"}),
        job_names=frozenset({"n"}),
    )
    assert set(indexes(every_filter, KeyRange(1, 9, 5))) <= everywhere


def test_key_range_and_cursor_bound_the_key() -> None:
    text = compiled(Filters(), KeyRange(lower=5, upper=9), Page(10, CursorKey(8, 3, 4)))
    assert text.count("job_db_inx >= %s") == 1
    assert text.count("job_db_inx < %s") == 2


def test_empty_association_filter_matches_nothing() -> None:
    assert "WHERE false" in compiled(Filters(associations=AssociationFilter(frozenset())))
    assert "WHERE false" in compiled(Filters(qos=frozenset()))
    assert "WHERE false" in compiled(Filters(jobs=JobFilter(frozenset(), frozenset())))


def test_lists_of_job_ids_are_short() -> None:
    # A list of 1,000 values becomes a join in MariaDB (in_predicate_conversion_threshold).
    text = compiled(Filters(jobs=JobFilter(frozenset(range(1000)), frozenset())))
    assert max(found.count("%s") for found in re.findall(r"IN \(([^)]*)\)", text)) < 1000


def test_active_states_select_jobs_without_end() -> None:
    assert "time_end = %s" in compiled(Filters(states=frozenset({0, 1, 2})))
    assert "time_end = %s" not in compiled(Filters(states=frozenset({1, 3})))


@pytest.mark.parametrize("text", ["x'; DROP TABLE t; --", "%s", '" OR 1=1', "\\"])
def test_texts_are_bound_parameters(text: str) -> None:
    filters = Filters(
        partitions=frozenset({text}),
        job_names=frozenset({text}),
        nodes=frozenset({text}),
        hidden=frozenset({text}),
        associations=AssociationFilter(frozenset({1}), frozenset({0}), accounts=frozenset({text})),
        duplicates=False,
    )
    statement = compiled(filters)
    assert "DROP" not in statement
    assert "1=1" not in statement
    assert statement.count("\\") == 0


def test_offset_applies_to_the_whole_union() -> None:
    text = compiled(Filters(associations=AssociationFilter(frozenset({1, 2}))), page=Page(10, offset=30))
    assert text.count("LIMIT") == 3
    statement = page_keys(
        JOB, Filters(associations=AssociationFilter(frozenset({1, 2}))), KeyRange(), Page(10, offset=30)
    )
    bound = statement.compile(dialect=mysql.dialect()).params
    assert sorted(value for name, value in bound.items() if name.startswith("param")) == [10, 30, 40, 40]


def test_names_of_tables_are_quoted() -> None:
    statement = page_keys(job_table("dotted.one_job_table"), Filters(duplicates=False), KeyRange(), Page(1))
    text = str(statement.compile(dialect=mysql.dialect()))
    assert text.count("dotted.one_job_table") == text.count("`dotted.one_job_table`") > 0

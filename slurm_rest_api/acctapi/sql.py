"""Filters to SQL: which index finds the keys of a page, and the rows of given keys. Pure.

Every statement names the index that it was made for. Left to itself the optimizer of MariaDB and MySQL bets on `LIMIT`
and reads the whole table backwards whenever few rows match; the names used here exist in every Slurm from 15.08 on.
Where no index can serve, the primary key is walked from the newest record down, and the server's time limit ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, Table, and_, desc, false, func, or_, select, union_all
from sqlalchemy.sql.selectable import CompoundSelect

from slurm_rest_api.acctapi import states
from slurm_rest_api.acctapi.filters import (
    AssociationFilter,
    Condition,
    Filters,
    association_condition,
    conditions,
    newest_attempt,
)

MOST_BRANCHES: Final = 100
"""An owner with more associations than this is found by walking the newest records."""

SHORT_WINDOW_SECONDS: Final = 32 * 86400
"""A time window up to this length is read as a whole when few of its records can match."""

WHOLE_WINDOW_SECONDS: Final = 2 * 86400
"""One up to this length is always read as a whole: its last page would walk on to the table's oldest record."""

# States of so few records that reading a time window is cheaper than waiting for one of them to pass by.
_RARE: Final = frozenset((7, 8, 9, 10, 11, states.REQUEUED, states.RESIZED, states.REVOKED))

Keys = Select[Any] | CompoundSelect[Any]


@dataclass(frozen=True)
class KeyRange:
    """Primary keys that can match: from `lower` up to but not including `upper`; None is no bound.

    `submitted_below` bounds the rows that were made when their job was submitted, for `submit_before`; tasks of an
    array get their rows later, when they start, and keep the time at which the array was submitted.
    """

    lower: int | None = None
    upper: int | None = None
    submitted_below: int | None = None


class CursorKey(NamedTuple):
    """The last record of the page before."""

    key: int
    id_job: int
    time_submit: int


@dataclass(frozen=True)
class Page:
    """What part of the answer is asked for; the columns `extra` come along with the keys."""

    limit: int
    after: CursorKey | None = None
    offset: int = 0
    extra: tuple[str, ...] = ()


class _Branch(NamedTuple):
    """A part of the answer: the index that finds it, and the conditions that make it this part."""

    by: str
    conditions: list[Condition]


def page_keys(job: Table, filters: Filters, keys: KeyRange, page: Page) -> Keys:
    """The keys (with id_job, time_submit and `page.extra`) of one page, the newest record first.

    Answers to `jobid` comparisons are in the order of job ids and submit times, which an index has.
    """
    branches = _by_job_id(job, filters) if filters.job_ids else list(_by_key(job, filters, keys, page.after))
    # Both orders are unique, and an index has them; a third column would make the server sort.
    order = ("id_job", "time_submit") if filters.job_ids else ("job_db_inx",)
    depth = page.offset + page.limit
    parts = [_part(job, filters, page, branch).order_by(*map(desc, order)) for branch in branches]
    if not parts:
        return _columns(job, page).where(false())
    if len(parts) == 1:
        return _cut(parts[0], page)
    union = union_all(*(select(part.limit(depth).subquery()) for part in parts)).order_by(*map(desc, order))
    return _cut(union, page)


def job_rows(job: Table, keys: Sequence[int]) -> Select[Any]:
    """The whole rows of `keys`, in no particular order."""
    return select(job).where(job.c.job_db_inx.in_(keys))


def later_attempts(job: Table, filters: Filters, ids: Sequence[int]) -> Select[Any]:
    """Id, submit time and hostlist of every matching attempt at the jobs `ids`, for what SQL cannot decide."""
    wanted = [*conditions(job, filters), job.c.state != states.REVOKED, job.c.id_job.in_(ids)]
    if filters.associations is not None:
        wanted.append(association_condition(job, filters.associations))
    return select(job.c.id_job, job.c.time_submit, job.c.nodelist).where(*wanted)


def _columns(job: Table, page: Page) -> Select[Any]:
    return select(job.c.job_db_inx, job.c.id_job, job.c.time_submit, *(job.c[name] for name in page.extra))


def _cut(keys: Keys, page: Page) -> Keys:
    limited = keys.limit(page.limit)
    return limited.offset(page.offset) if page.offset else limited


def _part(job: Table, filters: Filters, page: Page, branch: _Branch) -> Select[Any]:
    found = [*branch.conditions, *conditions(job, filters)]
    if page.after is not None:
        found += _behind(job, page.after, by_job_id=bool(filters.job_ids))
    # With nodes to look for, later attempts count only if they had one: `later_attempts` finds out.
    if not filters.duplicates and filters.nodes is None:
        found.append(newest_attempt(job, filters))
    return _columns(job, page).where(*found).with_hint(job, f"FORCE INDEX ({branch.by})", "mysql")


def _behind(job: Table, cursor_key: CursorKey, *, by_job_id: bool) -> list[Condition]:
    if not by_job_id:
        return [job.c.job_db_inx < cursor_key.key]
    earlier = and_(job.c.id_job == cursor_key.id_job, job.c.time_submit < cursor_key.time_submit)
    return [job.c.id_job <= cursor_key.id_job, or_(job.c.id_job < cursor_key.id_job, earlier)]


def _by_job_id(job: Table, filters: Filters) -> list[_Branch]:
    if filters.associations is None:
        return [_Branch("id_job", [])]
    signs = "".join(comparison.operator[0] for comparison in filters.job_ids)
    closed = "=" in signs or ("<" in signs and ">" in signs)
    if not closed and _are_few(filters.associations):
        return _of_owners(job, filters.associations, [])
    return [_Branch("id_job", [association_condition(job, filters.associations)])]


def _by_key(job: Table, filters: Filters, keys: KeyRange, after: CursorKey | None) -> Iterator[_Branch]:
    within = _within(job, keys)
    associations = [] if filters.associations is None else [association_condition(job, filters.associations)]
    if filters.states is not None and filters.states <= states.ACTIVE:
        yield _Branch("rollup2", [*associations, *within])
    elif filters.associations is not None and _are_few(filters.associations):
        yield from _of_owners(job, filters.associations, within)
    elif filters.uid is not None:
        yield _Branch("sacct_def", [*associations, *within])
    elif filters.qos is not None and len(filters.qos) <= MOST_BRANCHES:
        yield from (_Branch("qos", [job.c.id_qos == qos, *associations, *within]) for qos in sorted(filters.qos))
    elif (ended := _ended_since(filters, keys)) is not None:
        yield _Branch("rollup2", [job.c.time_end >= ended, *associations, *within])
        if filters.end_after is None:
            yield _Branch("rollup2", [job.c.time_end == 0, *associations, *within])
    elif keys.submitted_below is None:
        yield _Branch("PRIMARY", [*associations, *within])
    else:
        yield _Branch("PRIMARY", [job.c.job_db_inx < keys.submitted_below, *associations, *within])
        if after is None or after.key > keys.submitted_below:
            yield _Branch("array_job", [*_late_tasks(job, keys.submitted_below), *associations, *within])


def _within(job: Table, keys: KeyRange) -> list[Condition]:
    found = [] if keys.lower is None else [job.c.job_db_inx >= keys.lower]
    return found if keys.upper is None else [*found, job.c.job_db_inx < keys.upper]


def _are_few(associations: AssociationFilter) -> bool:
    return len(associations.association_ids) <= MOST_BRANCHES


def _of_owners(job: Table, associations: AssociationFilter, within: list[Condition]) -> list[_Branch]:
    """One branch an association: its index has the order of the keys, so each reads no more rows than a page has."""
    branches = [
        _Branch("association", [job.c.id_assoc == number, *within]) for number in sorted(associations.association_ids)
    ]
    if associations.orphan_association_ids:
        index = "association" if associations.uid is None else "sacct_def"
        branches.append(_Branch(index, [associations._orphan_condition(job), *within]))
    return branches


def _ended_since(filters: Filters, keys: KeyRange) -> int | None:
    """The begin of a short window of `time_end` in which everything lies that can match."""
    few = filters.job_name is not None or (filters.states is not None and filters.states <= _RARE)
    longest = SHORT_WINDOW_SECONDS if few else WHOLE_WINDOW_SECONDS
    since = filters.start_after if filters.end_after is None else filters.end_after
    # A lower bound of the key is better: the primary key has the rows themselves.
    if since is None or keys.lower is not None:
        return None
    until = filters.now if filters.end_after is None or filters.end_before is None else filters.end_before
    return since if until - since <= longest else None


def _late_tasks(job: Table, submitted_below: int) -> list[Condition]:
    """Tasks of arrays that were submitted below a key but got their own rows above it."""
    row = job.alias("row_of_array")
    first, last = func.min(row.c.job_db_inx), func.max(row.c.job_db_inx)
    # The index ends with the key, so the server leaps from array to array (EXPLAIN: "Using index for group-by").
    arrays = (
        select(row.c.id_array_job)
        .where(row.c.id_array_job > 0)
        .group_by(row.c.id_array_job)
        .having(and_(first < submitted_below, last >= submitted_below))
        .with_hint(row, "FORCE INDEX (array_job)", "mysql")
        .subquery("late_arrays")
    )
    return [job.c.job_db_inx >= submitted_below, job.c.id_array_job == arrays.c.id_array_job]

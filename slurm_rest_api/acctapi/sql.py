"""Translates filters to SQL: chooses the index that finds the keys of a page, then reads rows by key.

Every statement forces the index that it was written for (`_INDEX_CHOICES`). On its own, the optimizer of MariaDB and
MySQL relies on `LIMIT`, and reads the whole table backwards whenever few rows match. The named indexes exist in every
Slurm since 15.08. Without a suitable index, the primary key is read from the newest record down, and the server's time
limit ends the search.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import FromClause, Select, Table, and_, desc, false, func, not_, or_, select, union_all
from sqlalchemy.sql.selectable import CompoundSelect

from slurm_rest_api.acctapi import states
from slurm_rest_api.acctapi.filters import (
    AssociationFilter,
    Condition,
    Filters,
    association_condition,
    conditions,
    group_columns,
    newest_attempt,
    one_of_many,
)

MAX_SCANS: Final = 100
"""Most index scans in one statement. A filter with more associations or QOS reads the newest records instead."""

SHORT_WINDOW_SECONDS: Final = 32 * 86400
"""Longest time window that is read as a whole when few of its records can match."""

WHOLE_WINDOW_SECONDS: Final = 2 * 86400
"""Longest time window that is always read as a whole: its last page would otherwise read on to the oldest record."""

_NEWEST_OF_USERS: Final = 2000
"""Newest records of numeric users among which a page is looked for first."""

# So few records have these states that reading a time window is cheaper than reading records until one matches.
_RARE: Final = frozenset((7, 8, 9, 10, 11, states.REQUEUED, states.RESIZED, states.REVOKED))

Keys = Select[Any] | CompoundSelect[Any]
_Limited = TypeVar("_Limited", Select[Any], CompoundSelect[Any])


@dataclass(frozen=True)
class KeyRange:
    """Primary keys that can match: from `lower` up to but not including `upper`. None is no bound.

    `submitted_below` bounds the rows that were inserted when their job was submitted, for `submit_before`. Array tasks
    get their rows later, when they start, and keep the time at which the array was submitted. `begun` divides the rows
    of a window of starts or ends: most of them were inserted within the window, at this key or above it.
    """

    lower: int | None = None
    upper: int | None = None
    submitted_below: int | None = None
    begun: int | None = None


class CursorKey(NamedTuple):
    """Sort keys of the last record of the previous page."""

    key: int
    id_job: int
    time_submit: int


@dataclass(frozen=True)
class Page:
    """Part of the result to read. `extra` names columns to read along with the keys."""

    limit: int
    after: CursorKey | None = None
    offset: int = 0
    extra: tuple[str, ...] = ()


class IndexScan(NamedTuple):
    """One scan of an index, and the conditions that select its part of the result."""

    index_name: str
    conditions: list[Condition]


@dataclass(frozen=True)
class _Query:
    """Everything that the choice of an index depends on."""

    job: Table
    filters: Filters
    keys: KeyRange
    after: CursorKey | None

    def scan(self, index: str, *conditions: Condition) -> IndexScan:
        """Returns a scan of `index` within the key range, for the requested associations."""
        associations = self.filters.associations
        owners = [] if associations is None else [association_condition(self.job, associations)]
        return IndexScan(index, [*conditions, *owners, *self.in_key_range()])

    def in_key_range(self) -> list[Condition]:
        """Returns the conditions on the primary key. Job ids need none: their index is narrow enough."""
        return [] if self.filters.jobs is not None else in_key_range(self.job, self.keys)


def page_keys(job: Table, filters: Filters, keys: KeyRange, page: Page) -> Keys:
    """Selects the keys (with id_job, time_submit and `page.extra`) of one page, newest record first.

    With job ids the order is that of job ids and submit times, which an index has.
    """
    scans = _index_scans(_Query(job, filters, keys, page.after))
    # Both orders are unique, and an index has them. A third column would make the server sort.
    order = ("job_db_inx",) if filters.jobs is None else ("id_job", "time_submit")
    depth = page.offset + page.limit
    parts = [_scan_statement(job, filters, page, scan).order_by(*map(desc, order)) for scan in scans]
    if not parts:
        return _columns(job, page).where(false())
    if len(parts) == 1:
        return _limited(parts[0], page)
    union = union_all(*(select(part.limit(depth).subquery()) for part in parts)).order_by(*map(desc, order))
    return _limited(union, page)


def newest_of_users(job: Table, filters: Filters, keys: KeyRange, page: Page) -> Select[Any] | None:
    """Selects the keys of a page among the newest records of numeric users. None if another index serves them.

    A page that is not full is not all: `page_keys` finds the rest. The index of users has the keys, but not in their
    order. Sorting what the index has reads no records, while `page_keys` reads all records of the users.
    """
    query = _Query(job, filters, keys, page.after)
    if _index_choice(query) is not _user_scan or page.offset + page.limit > _NEWEST_OF_USERS:
        return None
    entry = job.alias("entry")
    of_users = [entry.c.id_user.in_(sorted(filters.uids or ())), *in_key_range(entry, keys)]
    if page.after is not None:
        of_users.append(entry.c.job_db_inx < page.after.key)
    newest = select(entry.c.job_db_inx).where(*of_users).order_by(entry.c.job_db_inx.desc()).limit(_NEWEST_OF_USERS)
    found = newest.with_hint(entry, "FORCE INDEX (sacct_def)", "mysql").subquery("newest")
    # The server reads the newest keys first, and their records by the primary key.
    statement = _scan_statement(job, filters, page, IndexScan("PRIMARY", []))
    statement = statement.select_from(found.join(job, found.c.job_db_inx == job.c.job_db_inx))
    ordered = statement.order_by(found.c.job_db_inx.desc())
    return _limited(ordered, page).prefix_with("STRAIGHT_JOIN", dialect="mysql")


def job_id_scans(job: Table, filters: Filters, keys: KeyRange) -> list[IndexScan]:
    """Returns the scans that find the jobs of `filters.jobs`."""
    return _job_id_scans(_Query(job, filters, keys, None))


def later_attempts(job: Table, filters: Filters, ids: Sequence[int]) -> Select[Any]:
    """Selects id, submit time, hostlist and name of every matching attempt at the jobs `ids`."""
    wanted = [*conditions(job, filters), job.c.state != states.REVOKED, job.c.id_job.in_(ids)]
    if filters.associations is not None:
        wanted.append(association_condition(job, filters.associations))
    return select(job.c.id_job, job.c.time_submit, job.c.nodelist, job.c.job_name).where(*wanted)


def _columns(job: Table, page: Page) -> Select[Any]:
    return select(job.c.job_db_inx, job.c.id_job, job.c.time_submit, *(job.c[name] for name in page.extra))


def _limited(keys: _Limited, page: Page) -> _Limited:
    limited = keys.limit(page.limit)
    return limited.offset(page.offset) if page.offset else limited


def _scan_statement(job: Table, filters: Filters, page: Page, scan: IndexScan) -> Select[Any]:
    found = [*scan.conditions, *conditions(job, filters)]
    if page.after is not None:
        found += _after_cursor(job, page.after, by_job_id=filters.jobs is not None)
    # Only matching attempts count. If SQL cannot decide that: see `later_attempts`.
    if not filters.duplicates and filters.is_exact:
        found.append(newest_attempt(job, filters))
    return _columns(job, page).where(*found).with_hint(job, f"FORCE INDEX ({scan.index_name})", "mysql")


def _after_cursor(job: Table, after: CursorKey, *, by_job_id: bool) -> list[Condition]:
    if not by_job_id:
        return [job.c.job_db_inx < after.key]
    earlier = and_(job.c.id_job == after.id_job, job.c.time_submit < after.time_submit)
    return [job.c.id_job <= after.id_job, or_(job.c.id_job < after.id_job, earlier)]


def in_key_range(job: FromClause, keys: KeyRange) -> list[Condition]:
    """Returns the conditions on the primary key. There are none for `keys.submitted_below`."""
    found = [] if keys.lower is None else [job.c.job_db_inx >= keys.lower]
    return found if keys.upper is None else [*found, job.c.job_db_inx < keys.upper]


# Conditions of the index choices.


def _open_job_id_range_of_few_associations(query: _Query) -> bool:
    """Returns True if job ids have one bound only: the index of the associations reads less."""
    jobs = query.filters.jobs
    if jobs is None or not jobs.is_range:
        return False
    return len({comparison.operator[0] for comparison in jobs.comparisons}) == 1 and _few_associations(query)


def _job_ids(query: _Query) -> bool:
    return query.filters.jobs is not None


def _only_active_states(query: _Query) -> bool:
    return query.filters.states is not None and query.filters.states <= states.ACTIVE


def _few_associations(query: _Query) -> bool:
    return query.filters.associations is not None and _is_small(query.filters.associations)


def _is_small(associations: AssociationFilter) -> bool:
    return len(associations.association_ids) <= MAX_SCANS


def _numeric_user(query: _Query) -> bool:
    return query.filters.uids is not None


def _few_qos(query: _Query) -> bool:
    return query.filters.qos is not None and len(query.filters.qos) <= MAX_SCANS


def _short_time_window(query: _Query) -> bool:
    return _window_start(query) is not None


def _any_query(_query: _Query) -> bool:
    return True


# Scans of the index choices.


def _association_scans(query: _Query) -> list[IndexScan]:
    """Scans once per association: the index has the order of the keys, so each scan reads at most a page."""
    job, associations, in_range = query.job, query.filters.associations, query.in_key_range()
    assert associations is not None
    ids = sorted(associations.association_ids)
    scans = [IndexScan("association", [job.c.id_assoc == number, *in_range]) for number in ids]
    if associations.orphan_association_ids:
        index = "association" if associations.uids is None else "sacct_def"
        scans.append(IndexScan(index, [associations.orphan_condition(job), *in_range]))
    return scans


def _job_id_scans(query: _Query) -> list[IndexScan]:
    """Scans the job ids, and apart from them the other records of arrays and those found by task or component."""
    jobs, job = query.filters.jobs, query.job
    assert jobs is not None
    if jobs.is_range:
        return [query.scan("id_job")]
    scans = [query.scan("id_job", one_of_many(job.c.id_job, jobs.ids))] if jobs.ids else []
    if jobs.groups:
        # A record that two scans find would be in the page twice.
        other = not_(one_of_many(job.c.id_job, jobs.ids or ()))
        scans += [
            query.scan(key, one_of_many(column, jobs.groups), other) for key, column in group_columns(job).items()
        ]
    return [*scans, query.scan("PRIMARY", one_of_many(job.c.job_db_inx, jobs.keys))] if jobs.keys else scans


def _active_scan(query: _Query) -> list[IndexScan]:
    return [query.scan("rollup2")]


def _user_scan(query: _Query) -> list[IndexScan]:
    return [query.scan("sacct_def")]


def _qos_scans(query: _Query) -> list[IndexScan]:
    return [query.scan("qos", query.job.c.id_qos == qos) for qos in sorted(query.filters.qos or ())]


def _window_scans(query: _Query) -> list[IndexScan]:
    """Scans jobs that ended in the window, and running jobs unless `endafter` excludes them."""
    since = _window_start(query)
    assert since is not None
    return [query.scan(index, *found) for index, found in window_scans(query.job, query.filters, query.keys, since)]


def window_scans(job: Table, filters: Filters, keys: KeyRange, since: int) -> list[IndexScan]:
    """Returns the scans for jobs that ended at `since` or later, or that run, unless `endafter` excludes them.

    The primary key has the rows themselves, so it reads those that were inserted within the window. The index of ends
    finds the others by the key that it ends with.
    """
    found = [job.c.time_end >= since]
    if filters.end_after is None:
        found.append(job.c.time_end == 0)
    if keys.begun is None:
        return [IndexScan("rollup2", [condition]) for condition in found]
    earlier = job.c.job_db_inx < keys.begun
    return [
        IndexScan("PRIMARY", [job.c.job_db_inx >= keys.begun, or_(*found)]),
        *(IndexScan("rollup2", [condition, earlier]) for condition in found),
    ]


def _primary_key_scans(query: _Query) -> list[IndexScan]:
    """Scans the newest records, and separately array tasks that started after `submitbefore`."""
    below = query.keys.submitted_below
    if below is None:
        return [query.scan("PRIMARY")]
    scans = [query.scan("PRIMARY", query.job.c.job_db_inx < below)]
    if query.after is None or query.after.key > below:
        scans.append(query.scan("array_job", *late_tasks(query.job, below)))
    return scans


_Choice = tuple[Callable[[_Query], bool], Callable[[_Query], list[IndexScan]]]
_INDEX_CHOICES: Final[tuple[_Choice, ...]] = (
    # The first condition that holds decides.                      # Index of slurmdbd's job table
    (_open_job_id_range_of_few_associations, _association_scans),  # association, sacct_def for orphans
    (_job_ids,                               _job_id_scans),       # id_job, array_job, het_job, PRIMARY for tasks
    (_only_active_states,                    _active_scan),        # rollup2
    (_few_associations,                      _association_scans),  # association, sacct_def for orphans
    (_numeric_user,                          _user_scan),          # sacct_def
    (_few_qos,                               _qos_scans),          # qos
    (_short_time_window,                     _window_scans),       # PRIMARY and rollup2
    (_any_query,                             _primary_key_scans),  # PRIMARY, array_job for tasks that started late
)  # fmt: skip


def _index_choice(query: _Query) -> Callable[[_Query], list[IndexScan]]:
    return next(scans for applies, scans in _INDEX_CHOICES if applies(query))


def _index_scans(query: _Query) -> list[IndexScan]:
    return _index_choice(query)(query)


def _window_start(query: _Query) -> int | None:
    """Returns the start of a short window of `time_end` that contains every match. None if there is no such window."""
    filters = query.filters
    few = filters.job_names is not None or (filters.states is not None and filters.states <= _RARE)
    longest = SHORT_WINDOW_SECONDS if few else WHOLE_WINDOW_SECONDS
    since = filters.start_after if filters.end_after is None else filters.end_after
    # A lower bound of the key is better: the primary key has the rows themselves.
    if since is None or query.keys.lower is not None:
        return None
    until = filters.now if filters.end_after is None or filters.end_before is None else filters.end_before
    return since if until - since <= longest else None


def late_tasks(job: Table, submitted_below: int) -> list[Condition]:
    """Returns the condition for array tasks above a key, whose array was submitted below it."""
    row = job.alias("row_of_array")
    first, last = func.min(row.c.job_db_inx), func.max(row.c.job_db_inx)
    # The index ends with the key, so the server reads one entry per array (EXPLAIN: "Using index for group-by").
    arrays = (
        select(row.c.id_array_job)
        .where(row.c.id_array_job > 0)
        .group_by(row.c.id_array_job)
        .having(and_(first < submitted_below, last >= submitted_below))
        .with_hint(row, "FORCE INDEX (array_job)", "mysql")
        .subquery("late_arrays")
    )
    return [job.c.job_db_inx >= submitted_below, job.c.id_array_job == arrays.c.id_array_job]

"""Writes the statements that sum job records in the database, for `group_by` of /history.

The inner statement counts records by group and state, or by group and bucket of their wait. The outer one has a row for
each group, with these counts as one text. The statement names the indexes that can find the records, and the server
takes the one that reads least: unlike a page, a sum has no `LIMIT` that misleads the server's choice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Label,
    LargeBinary,
    Select,
    String,
    Table,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    type_coerce,
)

from slurm_rest_api.acctapi import states
from slurm_rest_api.acctapi.filters import (
    Filters,
    association_condition,
    conditions,
    newest_attempt,
)
from slurm_rest_api.acctapi.sql import IndexScan, KeyRange, in_key_range, job_id_scans, late_tasks, window_scans
from slurm_rest_api.acctapi.step_usage import step_memory, tres_count
from slurm_rest_api.acctapi.utc_offsets import Period
from slurm_rest_api.acctapi.wait_histogram import NOT_WAITED, has_waited, wait_bucket, wait_seconds
from slurm_rest_api.slurm.sentinels import INFINITE, NO_VAL

MOST_GROUPS: Final = 20_000
"""Most groups that a statement returns."""

_CPU, _MEMORY = 1, 2
"""Numbers of the TRES `cpu` and `mem` in every database."""

_DAY: Final = 86400
_LATE: Final = "array_job"
"""Index that finds array tasks whose array was submitted before the window of keys."""

# More than any count of seconds, and less than Slurm's sentinels in any encoding.
_LARGEST: Final = 1 << 60


@dataclass(frozen=True)
class SumQuery:
    """The records and columns to sum.

    `keys` are the columns of the groups. `sums` are names of `SUMS`. `gpus` are the numbers of the TRES that count
    GPUs. `is_server`: the database is MariaDB or MySQL, and not an SQLite file. `ended_before` selects the jobs that
    ended before this epoch second, and `others` all but these.
    """

    job: Table
    filters: Filters
    range: KeyRange
    keys: Sequence[ColumnElement[Any]]
    sums: frozenset[str] = frozenset()
    gpus: frozenset[int] = frozenset()
    is_server: bool = True
    ended_before: int | None = None
    others: bool = False


SUMS: Final = ("elapsed", "cpu", "gpu", "mem", "wait")
"""Sums of a statement: seconds, and TRES seconds. All statements count records by state."""


def sum_statements(query: SumQuery, *, waits: bool) -> Iterator[Select[Any]]:
    """Yields the statements whose rows, added up by group, are the sums.

    A row has the keys, the sums in the order of `SUMS`, and the counts as members of a JSON object:
    `"state:bucket":count,…`. `bucket` is that of the wait, without `waits` any of them, and `NOT_WAITED` for records
    without a wait.
    """
    job = query.job
    bucket = wait_bucket(job) if waits else case((has_waited(job), 0), else_=NOT_WAITED)
    sums = [
        (func.sum(_summed(query, name)) if name in query.sums else literal(0)).label(f"sum_of_{name}") for name in SUMS
    ]
    yield from _counted(query, {"of_state": job.c.state, "bucket": bucket}, sums)


def _summed(query: SumQuery, name: str) -> ColumnElement[int]:
    """Returns the SQL for what one record adds to a sum of `SUMS`."""
    if name == "wait":
        return wait_seconds(query.job)
    elapsed = elapsed_seconds(query.job, query.filters.now)
    if name == "elapsed":
        return elapsed
    return elapsed * _allocated(query, {"cpu": (_CPU,), "mem": (_MEMORY,), "gpu": query.gpus}[name])


def _counted(
    query: SumQuery, parts: dict[str, ColumnElement[Any]], sums: Sequence[Label[Any]]
) -> Iterator[Select[Any]]:
    """Yields the statements that count records by group and `parts`. A row has the counts of a group as one text."""
    keys = [key.label(f"key_{number}") for number, key in enumerate(query.keys)]
    by = [column.label(name) for name, column in parts.items()]
    for scan in _scans(query):
        counted = _from_scan(select(*keys, *by, func.count().label("records"), *sums), query, scan)
        names: list[ColumnElement[Any]] = [literal_column(name) for name in (*(key.name for key in keys), *parts)]
        # MariaDB sorts groups unless there is an order.
        inner = counted.group_by(*names).order_by(null()).subquery("counted")
        groups = [inner.c[key.name] for key in keys]
        totals = [func.sum(inner.c[column.name]) for column in sums]
        names_of_count = [cast(inner.c[name], String()) for name in parts]
        text = literal('"', String()) + names_of_count[0]
        for name in names_of_count[1:]:
            text = text + ":" + name
        text = text + '":' + cast(inner.c.records, String())
        yield select(*groups, *totals, func.group_concat(text)).group_by(*groups).limit(MOST_GROUPS + 1)


def version_statements(query: SumQuery, *, latest: bool) -> Iterator[Select[Any]]:
    """Yields the statements whose rows, added up, show if a record was added, removed or changed.

    A row has the keys, the number of records, with `latest` the largest of their `mod_time`, and the sum of these
    times. slurmdbd sets it at each change of an ended record (src/plugins/accounting_storage/mysql/as_mysql_job.c).
    """
    changed = query.job.c.mod_time
    figures = [func.count(), *([func.max(changed)] if latest else []), func.sum(changed)]
    keys = [key.label(f"key_{number}") for number, key in enumerate(query.keys)]
    for scan in _scans(query):
        found = _from_scan(select(*keys, *figures), query, scan)
        yield found.group_by(*(literal_column(key.name) for key in keys)).order_by(null()) if keys else found


def efficiency_statements(query: SumQuery, step: Table) -> Iterator[Select[Any]]:
    """Yields the statements that sum what ended jobs used of what they held.

    A row has the keys, CPU seconds used and held, and MiB seconds used and held, of the jobs where the usage is known.
    """
    job = query.job
    elapsed = elapsed_seconds(job, query.filters.now)
    cpus, memory = _allocated(query, (_CPU,)), _allocated(query, (_MEMORY,))
    times = (step.c.user_sec, step.c.sys_sec, step.c.user_usec, step.c.sys_usec)
    unknown = or_(*(or_(column.in_((NO_VAL, INFINITE)), column >= _LARGEST) for column in times))
    used = func.sum(step.c.user_sec + step.c.sys_sec) + func.sum(step.c.user_usec + step.c.sys_usec) / 1e6
    bytes_used = step_memory(step)
    keys = [key.label(f"key_{number}") for number, key in enumerate(query.keys)]
    columns = (
        case((func.max(case((unknown, 1), else_=0)) == 0, used)).label("cpu_used"),
        (elapsed * case((cpus > 1, cpus), else_=1)).label("cpu_held"),
        func.max(case((bytes_used < _LARGEST, bytes_used))).label("bytes_used"),
        elapsed.label("seconds"),
        memory.label("memory"),
    )
    ended = (job.c.time_end > 0, job.c.time_end < NO_VAL)
    for scan in _scans(query):
        joined = select(*keys, *columns).select_from(job.join(step, step.c.job_db_inx == job.c.job_db_inx))
        found = _from_scan(joined, query, scan).where(step.c.deleted == 0, *ended)
        if scan.index_name != _LATE:
            # The server reads the records first, and their steps by the primary key. Late tasks join their arrays, too.
            found = found.prefix_with("STRAIGHT_JOIN", dialect="mysql")
        inner = found.group_by(job.c.job_db_inx).subquery("used")
        groups = [inner.c[key.name] for key in keys]
        mebibytes = cast(inner.c.bytes_used, Float()) / (1 << 20)
        totals = (
            func.sum(case((inner.c.cpu_used > 0, inner.c.cpu_used))),
            func.sum(case((inner.c.cpu_used > 0, inner.c.cpu_held))),
            func.sum(case((and_(inner.c.bytes_used > 0, inner.c.memory > 0), mebibytes * inner.c.seconds))),
            func.sum(case((inner.c.bytes_used > 0, inner.c.memory * inner.c.seconds))),
        )
        yield select(*groups, *totals).group_by(*groups).limit(MOST_GROUPS + 1)


@lru_cache(maxsize=8)
def elapsed_seconds(job: Table, now: int) -> ColumnElement[int]:
    """Returns the SQL for the seconds that a job ran, as `encodings.elapsed` and `encodings.suspended`.

    The columns are unsigned, so it subtracts only what is less.
    """
    start, stored = job.c.time_start, job.c.time_suspended
    end = case((and_(job.c.time_end > 0, job.c.time_end < NO_VAL), job.c.time_end), else_=now)
    is_suspended = job.c.state == states.SUSPENDED
    suspended = case(
        (stored >= NO_VAL, 0),
        (and_(is_suspended, stored < now), literal(now) - stored),
        (is_suspended, 0),
        else_=stored,
    )
    ran = and_(start > 0, start < NO_VAL, end > start + suspended)
    # Most records, in half the time: the server computes an expression as often as a statement has it.
    ended = and_(
        stored == 0, start > 0, job.c.time_end > start, job.c.time_end < NO_VAL, job.c.state != states.SUSPENDED
    )
    return case((ended, job.c.time_end - start), (ran, end - start - suspended), else_=0)


def day_number(moment: ColumnElement[int], periods: Sequence[Period]) -> ColumnElement[int]:
    """Returns the SQL for the days from 1970-01-01 to `moment`, in the time zone with these periods, newest first."""
    offsets = [(moment >= earlier.end, period.offset) for period, earlier in pairwise(periods)]
    oldest = literal(periods[-1].offset)
    signed = cast(moment, BigInteger())
    return func.floor((signed + (case(*offsets, else_=oldest) if offsets else oldest)) / _DAY)


def as_bytes(column: ColumnElement[Any]) -> ColumnElement[bytes]:
    """Returns the SQL for the bytes of a text: a collation may take different texts for equal."""
    return cast(column, LargeBinary)


def _allocated(query: SumQuery, numbers: Collection[int]) -> ColumnElement[int]:
    """Returns the SQL for the allocated count of these TRES, added up."""
    total: ColumnElement[int] = literal(0)
    for number in sorted(numbers):
        total = total + _count(query, number)
    return total


def _count(query: SumQuery, number: int) -> ColumnElement[int]:
    text = query.job.c.tres_alloc
    if not query.is_server:
        return func.coalesce(tres_count(text, number), 0)
    # Half the time of `tres_count`, because MariaDB and MySQL report a warning for each text that CAST cuts.
    found = func.substring_index(literal(f",{number}=0,", String()) + type_coerce(text, String()), f",{number}=", -1)
    return func.substring_index(found, ",", 1, type_=BigInteger()) + 0


def _scans(query: SumQuery) -> list[IndexScan]:
    """Returns the scans that together read each record once."""
    job, filters, keys = query.job, query.filters, query.range
    if filters.jobs is not None:
        return job_id_scans(job, filters, keys)
    owners = [] if filters.associations is None else [association_condition(job, filters.associations)]
    within = [*owners, *in_key_range(job, keys)]
    if query.others:
        # Few records, which no window of keys finds.
        return [IndexScan("rollup2", [or_(job.c.time_end >= (query.ended_before or 0), job.c.time_end == 0), *within])]
    names, since = _indexes(query)
    if names == ["rollup2"] and since is not None and keys.submitted_below is None:
        return [IndexScan(index, [*found, *within]) for index, found in window_scans(job, filters, keys, since)]
    if since is not None and filters.end_after is None:
        # What started in a window has ended after its begin, or not at all.
        within.append(or_(job.c.time_end >= since, job.c.time_end == 0))
    index_names = ", ".join(names)
    if keys.submitted_below is None:
        return [IndexScan(index_names, within)]
    below = job.c.job_db_inx < keys.submitted_below
    late = late_tasks(job, keys.submitted_below)
    return [IndexScan(index_names, [*within, below]), IndexScan(_LATE, [*within, *late])]


def _indexes(query: SumQuery) -> tuple[list[str], int | None]:
    """Returns the indexes that can find the records, and the begin of a window of starts or ends."""
    filters = query.filters
    if filters.states is not None and filters.states <= states.ACTIVE:
        return ["rollup2"], None
    names = []
    if filters.associations is not None:
        names.append("association")
    if filters.uids is not None:
        names += ["sacct_def", "sacct_def2"]
    if filters.qos is not None:
        names.append("qos")
    since = filters.start_after if filters.end_after is None else filters.end_after
    if since is not None:
        names.append("rollup2")
    if query.range.lower is not None or not names:
        names.append("PRIMARY")
    return names, since


def _from_scan(columns: Select[Any], query: SumQuery, scan: IndexScan) -> Select[Any]:
    wanted = [*scan.conditions, *conditions(query.job, query.filters)]
    if query.ended_before is not None and not query.others:
        wanted += [query.job.c.time_end > 0, query.job.c.time_end < query.ended_before]
    if not query.filters.duplicates:
        wanted.append(newest_attempt(query.job, query.filters))
    return columns.where(*wanted).with_hint(query.job, f"FORCE INDEX ({scan.index_name})", "mysql")

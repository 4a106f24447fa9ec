"""Finds the records of array tasks and of components of heterogeneous jobs, which have job ids of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Select, Table, and_, or_, select, tuple_

from slurm_rest_api.acctapi import encodings
from slurm_rest_api.acctapi.filters import JobFilter, one_of_many
from slurm_rest_api.web.job_ids import JobIdFilter

Pair = tuple[int, int]


def find_jobs(connection: Connection, job: Table, wanted: JobIdFilter, *, with_parts: bool = False) -> JobFilter:
    """Returns the filter for `wanted`, with array tasks and components resolved to primary keys.

    With `with_parts`, an id is also that of an array or a heterogeneous job, and its parts match.
    """
    if not wanted.ids:
        return JobFilter(comparisons=wanted.comparisons)
    ids = frozenset(wanted.jobs())
    rows = [
        *_tasks(connection, job, _possible(wanted.tasks())),
        *_components(connection, job, _possible(wanted.components())),
    ]
    keys = frozenset(row.job_db_inx for row in rows if row.id_job not in ids)
    groups = frozenset(number for number in ids if with_parts and encodings.known(number) is not None)
    return JobFilter(ids, keys, wanted.comparisons, groups)


def _possible(pairs: list[Pair]) -> list[Pair]:
    """Leaves out the ids that mean "no array" and "no heterogeneous job" in the records of all other jobs."""
    return [pair for pair in pairs if encodings.known(pair[0]) is not None]


def _tasks(connection: Connection, job: Table, tasks: list[Pair]) -> Iterator[Any]:
    """Yields the records of array tasks. A pending task has none of its own: it is in the record of its array."""
    if not tasks:
        return
    array, task, pending = job.c.id_array_job, job.c.id_array_task, job.c.array_task_str
    arrays: dict[int, list[int]] = {}
    for found in tasks:
        arrays.setdefault(found[0], []).append(found[1])
    own = one_of_many(tuple_(array, task), tasks)
    query = select(job.c.job_db_inx, job.c.id_job, array, task, pending)
    query = query.where(one_of_many(array, arrays), or_(own, and_(pending.is_not(None), pending != "")))
    for row in connection.execute(query.with_hint(job, "FORCE INDEX (array_job)", "mysql")):
        numbers = arrays[row.id_array_job]
        if row.id_array_task in numbers or encodings.mask_has_any_task(row.array_task_str, numbers):
            yield row


def _components(connection: Connection, job: Table, components: list[Pair]) -> Iterator[Any]:
    """Yields the records of components. Slurm has heterogeneous jobs since 17.11."""
    if not components:
        return
    query: Select[Any] = select(job.c.job_db_inx, job.c.id_job)
    if "het_job_id" in job.c:
        leader, offset = job.c.het_job_id, job.c.het_job_offset
        query = query.with_hint(job, "FORCE INDEX (het_job)", "mysql")
    elif "pack_job_id" in job.c:
        # The first release with this column lacks its index, which therefore is not forced.
        leader, offset = job.c.pack_job_id, job.c.pack_job_offset
    else:
        return
    leaders = {found[0] for found in components}
    yield from connection.execute(
        query.where(one_of_many(leader, leaders), one_of_many(tuple_(leader, offset), components))
    )

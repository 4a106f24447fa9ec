"""Reads whole rows of the job table by their keys, with all numbers of a row as one text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, Integer, Select, Table, bindparam, select

from slurm_rest_api.acctapi.joined_numbers import joined_numbers, numbers_of

Row = dict[str, Any]

_NOT_PUBLISHED: Final = frozenset(("mod_time",))


def read_job_rows(connection: Connection, job: Table, keys: Sequence[int]) -> dict[int, Row]:
    """Returns the rows of `keys` by key. Rows that were purged are left out."""
    names, statement = _statement(job)
    rows = (
        dict(zip(names, (*numbers_of(row[0]), *row[1:]), strict=True))
        for row in connection.execute(statement, {"keys": keys}).all()
    )
    return {row["job_db_inx"]: row for row in rows}


@lru_cache(maxsize=8)
def _statement(job: Table) -> tuple[list[str], Select[Any]]:
    """Returns the names of the columns and the statement for `keys`. Building it costs as much as reading ten rows."""
    columns = [column for column in job.c if column.name not in _NOT_PUBLISHED]
    numbers = [column for column in columns if isinstance(column.type, Integer)]
    others = [column for column in columns if not isinstance(column.type, Integer)]
    wanted = job.c.job_db_inx.in_(bindparam("keys", expanding=True))
    statement = select(joined_numbers(*numbers).label("numbers"), *others).where(wanted)
    return [column.name for column in (*numbers, *others)], statement

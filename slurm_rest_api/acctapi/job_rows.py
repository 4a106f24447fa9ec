"""Reads whole rows of the job table by their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Table, bindparam, select

from slurm_rest_api.acctapi.joined_rows import JoinedRows, Row
from slurm_rest_api.acctapi.step_usage import used_by_steps

_NOT_PUBLISHED: Final = frozenset(("mod_time",))

# The only column that may have more than 64 KiB, so that a row's other texts fit into a packet of the server.
_ALONE: Final = "submit_line"

USED: Final = "used_by_steps"
"""Name of the value that `step_usage.usage_of` reads."""


def read_job_rows(
    connection: Connection,
    job: Table,
    keys: Sequence[int],
    step: Table | None = None,
    tres: Mapping[int, str] | None = None,
) -> dict[int, Row]:
    """Returns the rows of `keys` by key, with one statement. Rows that were purged are left out.

    With a table of steps, rows also have what the steps used. `tres` then has the names of the TRES by number.
    """
    numbers_by_name = {name: number for number, name in (tres or {}).items()}
    gpus = numbers_by_name.get("gres/gpumem"), numbers_by_name.get("gres/gpuutil")
    joined, names, statement = _statement(job, step, *gpus)
    found: dict[int, Row] = {}
    for numbers, texts, *others in connection.execute(statement, {"keys": keys}).all():
        row = joined.row(numbers, texts)
        row.update(zip(names, others, strict=True))
        found[row["job_db_inx"]] = row
    return found


@lru_cache(maxsize=8)
def _statement(
    job: Table, step: Table | None, gpu_memory: int | None, gpu_percent: int | None
) -> tuple[JoinedRows, list[str], Select[Any]]:
    """Returns the joined rows, the names of the other values, and the statement for `keys`.

    Building it costs as much as reading ten rows.
    """
    joined = JoinedRows(column for column in job.c if column.name not in _NOT_PUBLISHED and column.name != _ALONE)
    others: dict[str, ColumnElement[Any]] = {column.name: column for column in job.c if column.name == _ALONE}
    if step is not None:
        others[USED] = used_by_steps(job, step, gpu_memory, gpu_percent).label(USED)
    wanted = job.c.job_db_inx.in_(bindparam("keys", expanding=True))
    return joined, list(others), select(*joined.columns, *others.values()).where(wanted)

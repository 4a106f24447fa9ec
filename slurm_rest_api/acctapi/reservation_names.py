"""Reads the names of the reservations that jobs used.

Source: `<cluster>_resv_table`, which has a row for each change of a reservation, and `_cluster_get_jobs()` of
src/plugins/accounting_storage/mysql/as_mysql_jobacct_process.c, which joins it to jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Select, Table, select

Row = Mapping[Any, Any]

_MOST_ROWS: Final = 20_000
"""Most rows of reservations that are read for one batch of records."""


def reservation_names(connection: Connection, table: Table | None, jobs: Iterable[Row]) -> dict[int, str]:
    """Returns the names of the reservations of job rows by the key of the job, with one statement.

    Jobs without a reservation are left out. Without a table of reservations the result is empty.
    """
    reserved = [job for job in jobs if job.get("id_resv")]
    if table is None or not reserved:
        return {}
    rows: dict[int, list[Row]] = {}
    for row in connection.execute(reservation_rows(table, {job["id_resv"] for job in reserved})).mappings():
        rows.setdefault(row["id_resv"], []).append(row)
    found = {job["job_db_inx"]: _name(job, rows.get(job["id_resv"], ())) for job in reserved}
    return {key: name for key, name in found.items() if name is not None}


def reservation_rows(table: Table, ids: Iterable[int]) -> Select[Any]:
    """Selects the rows of reservations, the newest first."""
    chosen = select(table).where(table.c.id_resv.in_(sorted(ids))).with_hint(table, "FORCE INDEX (PRIMARY)", "mysql")
    return chosen.order_by(table.c.id_resv.desc(), table.c.time_start.desc()).limit(_MOST_ROWS)


def _name(job: Row, rows: Iterable[Row]) -> str | None:
    """Returns the name in the row that holds when the job started. A job that waits may have a later one."""
    at = job["time_start"] or job["time_submit"]
    for row in rows:
        holds = row["time_start"] < at and (row["time_end"] >= at or not row["time_end"])
        if holds or (not job["time_start"] and row["time_start"] > at):
            return row["resv_name"] or None
    return None

"""Reads which columns the tables of this database have: they differ between Slurm releases."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, Table, bindparam, text

from slurm_rest_api.acctapi.db_errors import RETRY_SECONDS
from slurm_rest_api.acctapi.tables import (
    ACCT_COLUMNS,
    ASSOC_COLUMNS,
    COORD_COLUMNS,
    EVENT_COLUMNS,
    JOB_COLUMNS,
    QOS_COLUMNS,
    QOS_TABLE,
    REQUIRED_ASSOC_COLUMNS,
    REQUIRED_JOB_COLUMNS,
    REQUIRED_QOS_COLUMNS,
    REQUIRED_STEP_COLUMNS,
    RESV_COLUMNS,
    STEP_COLUMNS,
    acct_table,
    assoc_table,
    coord_table,
    event_table,
    job_table,
    qos_table,
    resv_table,
    step_table,
    tres_table,
)
from slurm_rest_api.acctapi.usage_tables import UsageTables, probe_usage
from slurm_rest_api.errors import DatabaseUnusable

# SQLAlchemy's inspector needs SHOW CREATE TABLE, which an account with rights on columns only may not use.
_MYSQL_COLUMNS = text(
    "SELECT column_name AS name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = :name"
).bindparams(bindparam("name"))
_MYSQL_INDEX = text(
    "SELECT index_name AS name FROM information_schema.statistics WHERE table_schema = DATABASE()"
    " AND table_name = :name AND seq_in_index = 1 AND column_name = :column ORDER BY index_name"
).bindparams(bindparam("name"), bindparam("column"))
_SQLITE_COLUMNS = text("SELECT name FROM pragma_table_info(:name)").bindparams(bindparam("name"))


@dataclass(frozen=True)
class Schema:
    """Tables with the columns that this database has.

    `step`, `acct`, `coordinators`, `event` and `resv` are None unless their settings are set and the service may read
    them. `unreadable` has those of the settings `table_step` and `table_resv` that are set to a table that it may not.
    """

    job: Table
    assoc: Table
    qos: Table
    tres: Table
    coord: Table
    step: Table | None = None
    acct: Table | None = None
    coordinators: Table | None = None
    event: Table | None = None
    resv: Table | None = None
    unreadable: frozenset[str] = frozenset()
    event_time_index: str | None = None
    """An index of the events by their start. Releases until 21.08 have none."""
    event_end_index: str | None = None
    """An index of the events by their end. Releases until 23.02 have none."""

    usage: UsageTables | None = None


@dataclass(frozen=True)
class TableNames:
    """Names of the cluster's tables. Tables that are not read are None."""

    job: str
    assoc: str
    step: str | None = None
    acct: str | None = None
    coord: str | None = None
    event: str | None = None
    usage: str | None = None
    """The name of the cluster that begins the names of the tables of usage."""
    resv: str | None = None


def probe(connection: Connection, names: TableNames) -> Schema:
    """Reads the columns of the tables `names`.

    Raises:
        DatabaseUnusable: a table that every route needs does not exist, may not be read, or is not one of slurmdbd's.
    """
    step = None if names.step is None else _steps(connection, names.step)
    resv = resv_table(names.resv) if names.resv and _has(connection, names.resv, RESV_COLUMNS) else None
    of_history = {"table_step": (names.step, step), "table_resv": (names.resv, resv)}
    return Schema(
        job=job_table(names.job, _columns(connection, names.job, JOB_COLUMNS, REQUIRED_JOB_COLUMNS)),
        assoc=assoc_table(names.assoc, _columns(connection, names.assoc, ASSOC_COLUMNS, REQUIRED_ASSOC_COLUMNS)),
        qos=qos_table(_columns(connection, QOS_TABLE, QOS_COLUMNS, REQUIRED_QOS_COLUMNS)),
        tres=tres_table(),
        # Not probed: only `auth.private_data` needs it, and most accounts have no right to it.
        coord=coord_table(),
        step=step,
        acct=acct_table(names.acct) if names.acct and _has(connection, names.acct, ACCT_COLUMNS) else None,
        coordinators=coord_table(names.coord) if names.coord and _has(connection, names.coord, COORD_COLUMNS) else None,
        event=event_table(names.event) if names.event and _has(connection, names.event, EVENT_COLUMNS) else None,
        resv=resv,
        unreadable=frozenset(setting for setting, (name, table) in of_history.items() if name and table is None),
        event_time_index=_index(connection, names.event, "time_start"),
        event_end_index=_index(connection, names.event, "time_end"),
        usage=None if names.usage is None else probe_usage(names.usage, partial(_present, connection)),
    )


def readable(table: Table | None, route: str, setting: str) -> Table:
    """Returns an optional table that `route` needs.

    Raises:
        DatabaseUnusable: it is None, because it does not exist or the service may not read it.
    """
    if table is None:
        raise DatabaseUnusable(
            f"{route} cannot read the table that `database.{setting}` names. `slurm-rest-api check` reports the cause.",
            retry_after=RETRY_SECONDS,
        )
    return table


def require_set(schema: Schema, route: str, *settings: str) -> None:
    """Checks that the service may read the tables of `table_step` and `table_resv`, where these `settings` are set.

    Raises:
        DatabaseUnusable: one does not exist, or the service may not read it. `route` needs it.
    """
    for setting in settings:
        if setting in schema.unreadable:
            readable(None, route, setting)


def _steps(connection: Connection, name: str) -> Table | None:
    found = _present(connection, name)
    return step_table(name, found & STEP_COLUMNS) if found >= REQUIRED_STEP_COLUMNS else None


def _index(connection: Connection, table: str | None, column: str) -> str | None:
    """Returns the first index that begins with `column`."""
    if table is None or connection.dialect.name == "sqlite":
        return None
    return connection.execute(_MYSQL_INDEX, {"name": table, "column": column}).scalars().first()


def _has(connection: Connection, table: str, required: frozenset[str]) -> bool:
    """Returns True if the service may read these columns. A failure concerns only the route that needs the table."""
    return required <= _present(connection, table)


def _columns(connection: Connection, table: str, known: frozenset[str], required: frozenset[str]) -> frozenset[str]:
    found = _present(connection, table)
    if not found:
        raise DatabaseUnusable(
            f"The accounting database has no table {table} that the service may read. Check `database.table_job`,"
            " `database.table_assoc` and the other tables there, and the rights of the account: `slurm-rest-api check`"
            " reports the cause.",
            retry_after=RETRY_SECONDS,
        )
    if missing := required - found:
        raise DatabaseUnusable(
            f"The table {table} lacks columns of slurmdbd's tables, or the service may not read them:"
            f" {', '.join(sorted(missing))}. `slurm-rest-api check` reports the cause.",
            retry_after=RETRY_SECONDS,
        )
    return found & known


def _present(connection: Connection, table: str) -> frozenset[str]:
    query = _SQLITE_COLUMNS if connection.dialect.name == "sqlite" else _MYSQL_COLUMNS
    # MySQL 8 may return the names in upper case.
    return frozenset(str(name).lower() for name in connection.execute(query, {"name": table}).scalars())

"""Which columns this database's tables have: slurmdbd adds and drops some with every release."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Table, bindparam, text

from slurm_rest_api.acctapi.db_errors import RETRY_SECONDS
from slurm_rest_api.acctapi.tables import (
    ASSOC_COLUMNS,
    JOB_COLUMNS,
    REQUIRED_ASSOC_COLUMNS,
    REQUIRED_JOB_COLUMNS,
    STEP_COLUMNS,
    assoc_table,
    coord_table,
    job_table,
    qos_table,
    step_table,
    tres_table,
)
from slurm_rest_api.errors import DatabaseUnusable

# SHOW CREATE TABLE, which SQLAlchemy's inspector needs, is denied to accounts with rights on columns alone.
_MYSQL_COLUMNS = text(
    "SELECT column_name AS name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = :name"
).bindparams(bindparam("name"))
_SQLITE_COLUMNS = text("SELECT name FROM pragma_table_info(:name)").bindparams(bindparam("name"))


@dataclass(frozen=True)
class Schema:
    """The tables as this database has them."""

    job: Table
    assoc: Table
    qos: Table
    tres: Table
    coord: Table
    step: Table | None = None
    """None where what steps used is not read."""


@dataclass(frozen=True)
class TableNames:
    """What the tables of the cluster are called; `step` is None where it is not read."""

    job: str
    assoc: str
    step: str | None = None


def probe(connection: Connection, names: TableNames) -> Schema:
    """Find out which columns the tables called `names` have.

    Raises:
        DatabaseUnusable: a table is not there, may not be read, or is not one of slurmdbd's.
    """
    return Schema(
        job=job_table(names.job, _present(connection, names.job, JOB_COLUMNS, REQUIRED_JOB_COLUMNS)),
        assoc=assoc_table(names.assoc, _present(connection, names.assoc, ASSOC_COLUMNS, REQUIRED_ASSOC_COLUMNS)),
        qos=qos_table(),
        tres=tres_table(),
        # Read only where something is private; most services need no right to it.
        coord=coord_table(),
        step=None if names.step is None else _steps(connection, names.step),
    )


def _steps(connection: Connection, name: str) -> Table:
    _present(connection, name, STEP_COLUMNS, STEP_COLUMNS)
    return step_table(name)


def _present(connection: Connection, table: str, known: frozenset[str], required: frozenset[str]) -> frozenset[str]:
    query = _SQLITE_COLUMNS if connection.dialect.name == "sqlite" else _MYSQL_COLUMNS
    # MySQL 8 answers with names in capitals or not, as the server likes.
    present = frozenset(str(name).lower() for name in connection.execute(query, {"name": table}).scalars())
    if not present:
        raise DatabaseUnusable(
            f"The accounting database has no table {table} that the service may read. Check database.table_job,"
            " database.table_assoc and database.table_step, and the rights of the account: `slurm-rest-api check` says"
            " which is wrong.",
            retry_after=RETRY_SECONDS,
        )
    if lacking := required - present:
        raise DatabaseUnusable(
            f"The table {table} lacks columns that slurmdbd's tables have, or the service may not read them:"
            f" {', '.join(sorted(lacking))}.",
            retry_after=RETRY_SECONDS,
        )
    return present & known

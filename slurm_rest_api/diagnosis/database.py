"""Whether the accounting database can be read, and whether its account may do more than that."""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import replace
from typing import Any, Final

import pymysql
from pymysql.constants import CR, ER

from slurm_rest_api.acctapi.database import open_database
from slurm_rest_api.acctapi.tables import COORD_TABLE, QOS_TABLE, TRES_TABLE
from slurm_rest_api.config import DatabaseSettings
from slurm_rest_api.diagnosis.finding import Finding
from slurm_rest_api.diagnosis.grants import surplus
from slurm_rest_api.errors import ApiError

_NAME: Final = "database"
_SETTINGS: Final = ("table_assoc", "table_job", "table_step")
_FIXED: Final = (QOS_TABLE, TRES_TABLE)
"""Tables that have the same name everywhere."""

_SOCKET_ONLY: Final = 1698
"""ER_ACCESS_DENIED_NO_PASSWORD_ERROR: MariaDB's answer where an account logs in through its socket only."""


def check_database(database: DatabaseSettings, *, coordinators: bool = False) -> list[Finding]:
    """Connect once, read at most one row of each table, and ask for the account's rights. Changes nothing.

    `coordinators`: who coordinates accounts is asked for, so that the table which tells it is looked at too.
    """
    if database.db_sqlite_file is not None:
        return [_sqlite(database)]
    try:
        with closing(_connect(database)) as connection, connection.cursor() as cursor:
            where = f"{database.db_user} at {database.db_host}:{database.db_port}"
            cursor.execute("SELECT VERSION()")
            findings = [Finding(_NAME, "ok", f"Connected as {where}, server {cursor.fetchall()[0][0]}.")]
            findings += [_table(cursor, database, name) for name in (*_SETTINGS, *_FIXED) if _is_read(database, name)]
            if coordinators:
                findings.append(_coordinators(_table(cursor, database, COORD_TABLE)))
            return [*findings, _rights(cursor, database)]
    except pymysql.MySQLError as error:
        return [_failure(error, database)]
    except RuntimeError as error:
        # PyMySQL's way to say that an authentication method needs the package cryptography.
        return [Finding(_NAME, "problem", f"The account cannot log in: {error}.", "pip install cryptography")]


def _sqlite(database: DatabaseSettings) -> Finding:
    try:
        open_database(database).run(lambda _connection, _schema: None)
    except ApiError as error:
        return Finding(_NAME, "problem", f"database.db_sqlite_file: {error.detail}", "Check the file and its rights.")
    return Finding(_NAME, "ok", f"{database.db_sqlite_file} has slurmdbd's tables.")


def _connect(database: DatabaseSettings) -> pymysql.Connection[Any]:
    return pymysql.connect(
        host=database.db_host,
        port=database.db_port,
        user=database.db_user,
        password=database.db_pass.get_secret_value(),
        database=database.db_name,
        connect_timeout=database.db_connect_timeout,
        read_timeout=database.db_connect_timeout,
        # An open transaction would block slurmdbd's ALTER TABLE, and everybody behind it.
        autocommit=True,
        ssl=None if database.db_ssl_ca is None else {"ca": str(database.db_ssl_ca)},
    )


def _table(cursor: Any, database: DatabaseSettings, name: str) -> Finding:
    """Whether a table can be read, whose name is a setting's value or fixed."""
    table = getattr(database, name) if name in _SETTINGS else name
    where = f"database.{name}" if name in _SETTINGS else name
    try:
        # The name was checked when the configuration was read: it holds no quote.
        cursor.execute(f"SELECT 1 FROM `{table}` LIMIT 1")  # noqa: S608
        cursor.fetchall()
    except pymysql.MySQLError as error:
        code, text = _code_and_text(error)
        if code == ER.NO_SUCH_TABLE:
            told = f"{where}: there is no table {table} in {database.db_name}."
            remedy = _like(cursor, name) if name in _SETTINGS else "Is database.db_name the database of slurmdbd?"
            return Finding(_NAME, "problem", told, remedy)
        if code in (ER.TABLEACCESS_DENIED_ERROR, ER.COLUMNACCESS_DENIED_ERROR):
            told = f"{where}: {database.db_user} may not read {table}, or there is no such table."
            return Finding(_NAME, "problem", told, _grant(database, table))
        return Finding(_NAME, "problem", f"{where}: reading {table} failed: {text} (error {code}).")
    return Finding(_NAME, "ok", f"{table} can be read.")


def _coordinators(finding: Finding) -> Finding:
    """Without that table the service runs, and shows less."""
    if finding.verdict == "ok":
        return finding
    told = f"{finding.sentence} Coordinators of accounts then see no more than other users."
    return replace(finding, verdict="warning", sentence=told)


def _is_read(database: DatabaseSettings, name: str) -> bool:
    return name != "table_step" or database.table_step is not None


def _like(cursor: Any, setting: str) -> str:
    ending = f"_{setting.removeprefix('table_')}_table"
    cursor.execute("SHOW TABLES")
    names = sorted(row[0] for row in cursor.fetchall() if row[0].endswith(ending))
    if not names:
        return f"Its name is <ClusterName>{ending}, with ClusterName of slurm.conf in small letters."
    return f"Set it to the one of your cluster; the account sees {', '.join(names)}."


def _rights(cursor: Any, database: DatabaseSettings) -> Finding:
    cursor.execute("SHOW GRANTS")
    found = surplus([row[0] for row in cursor.fetchall()], database.db_name)
    if not found:
        return Finding(_NAME, "ok", "The account has no more rights than it needs.")
    return Finding(
        _NAME,
        "warning",
        f"The account may do more than read single tables: {', '.join(found)}.",
        "Use an account of its own that has SELECT on the tables named above alone: others hold users' scripts and"
        " environments, and whoever may write can damage the accounting.",
    )


def _failure(error: pymysql.MySQLError, database: DatabaseSettings) -> Finding:
    code, text = _code_and_text(error)
    where = f"{database.db_host}:{database.db_port}"
    if code == CR.CR_SERVER_LOST and isinstance(error.__context__, TimeoutError):
        # Connected, but no greeting: PyMySQL calls that a query, and keeps the time-out as the context alone.
        return Finding(_NAME, "problem", *_no_connection(error.__context__, where, database))
    if code == CR.CR_CONN_HOST_ERROR:
        return Finding(_NAME, "problem", *_no_connection(getattr(error, "original_exception", None), where, database))
    if code in (ER.ACCESS_DENIED_ERROR, _SOCKET_ONLY):
        told = (
            f"{where} refuses the account {database.db_user}: wrong password, or no account of that name for this host."
        )
        return Finding(_NAME, "problem", told, "Check database.db_user and its password.")
    if code == ER.DBACCESS_DENIED_ERROR:
        told = f"{database.db_user} has no right in the database {database.db_name}, or there is none of that name."
        return Finding(_NAME, "problem", told, _grant(database, database.table_job))
    if code == ER.BAD_DB_ERROR:
        told = f"{where} has no database {database.db_name}."
        return Finding(_NAME, "problem", told, "Set database.db_name to StorageLoc of slurmdbd.conf.")
    if code in (ER.HOST_NOT_PRIVILEGED, ER.HOST_IS_BLOCKED):
        told = f"{where} accepts no connections from this host ({text})."
        return Finding(_NAME, "problem", told, "Make the account for this host, or have the server unblock it.")
    return Finding(_NAME, "problem", f"{where}: {text} (error {code}).")


def _no_connection(cause: object, where: str, database: DatabaseSettings) -> tuple[str, str]:
    if isinstance(cause, socket.gaierror):
        return f"The host {database.db_host} is unknown ({cause.strerror}).", "Check database.db_host."
    if isinstance(cause, TimeoutError):
        told = f"{where} did not answer within {database.db_connect_timeout} s."
        return told, "Check database.db_host and db_port, and the firewall between."
    if isinstance(cause, ConnectionRefusedError):
        return f"Nothing listens on {where}.", "Check database.db_host and db_port, and bind-address of the server."
    return f"{where} cannot be reached: {cause}.", "Check database.db_host and db_port."


def _grant(database: DatabaseSettings, table: str) -> str:
    return f"GRANT SELECT ON `{database.db_name}`.`{table}` TO '{database.db_user}'@'<this host>';"


def _code_and_text(error: pymysql.MySQLError) -> tuple[int, str]:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    return code, str(error.args[1]) if len(error.args) > 1 else str(error)

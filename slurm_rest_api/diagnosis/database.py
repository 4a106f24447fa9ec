"""Checks that the accounting database can be read, and that its account has no surplus rights."""

from __future__ import annotations

import re
import socket
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from typing import Any, Final

import pymysql
from pymysql.constants import CR, ER

from slurm_rest_api.acctapi.database import MOST_TEXT, open_database
from slurm_rest_api.acctapi.tables import (
    ACCT_COLUMNS,
    ACCT_TABLE,
    COORD_COLUMNS,
    COORD_TABLE,
    EVENT_COLUMNS,
    QOS_TABLE,
    REQUIRED_ASSOC_COLUMNS,
    REQUIRED_JOB_COLUMNS,
    REQUIRED_QOS_COLUMNS,
    REQUIRED_QOS_LIMIT_COLUMNS,
    REQUIRED_STEP_COLUMNS,
    REQUIRED_STEP_RECORD_COLUMNS,
    RESV_COLUMNS,
    TRES_TABLE,
    tres_table,
)
from slurm_rest_api.acctapi.usage_tables import Kind, usage_table_names
from slurm_rest_api.config import DatabaseSettings
from slurm_rest_api.diagnosis.finding import Finding
from slurm_rest_api.errors import ApiError

_NAME: Final = "database"
_SETTINGS: Final = {
    "table_assoc": REQUIRED_ASSOC_COLUMNS,
    "table_job": REQUIRED_JOB_COLUMNS,
    "table_step": REQUIRED_STEP_COLUMNS | REQUIRED_STEP_RECORD_COLUMNS,
    "table_acct": ACCT_COLUMNS,
    "table_coord": COORD_COLUMNS,
    "table_event": EVENT_COLUMNS,
    "table_resv": RESV_COLUMNS,
}
"""Settings of tables, and the columns that the service reads of each in every release."""

_OPTIONAL: Final = {
    "table_step": "/history/{id}/steps and what jobs used in /history",
    "table_acct": "/accounts",
    "table_coord": "/accounts",
    "table_event": "/events",
    "table_resv": "reservation of /history",
}
"""Settings of tables that are not read unless they are set, and the part that needs each."""

_PARTS_OF_USAGE: Final[dict[Kind, str]] = {
    "cluster": "/utilization",
    "assoc": "`group_by` of /utilization",
    "qos": "`group_by=qos` of /utilization",
    "wckey": "`group_by=wckey` of /utilization",
}

_FIXED: Final = {QOS_TABLE: REQUIRED_QOS_COLUMNS, TRES_TABLE: frozenset(tres_table().c.keys())}
"""Tables whose names do not depend on the cluster, with the same columns."""

_COLUMNS_READ: Final = {**_SETTINGS, **_FIXED, COORD_TABLE: COORD_COLUMNS}

_SOCKET_ONLY: Final = 1698
"""ER_ACCESS_DENIED_NO_PASSWORD_ERROR: MariaDB's error for accounts that can log in only through its socket."""

_GRANT: Final = re.compile(r"GRANT (?P<rights>.+?) ON (?:TABLE )?(?P<scope>\S+) TO ", re.IGNORECASE)
_COLUMNS: Final = re.compile(r"\([^)]*\)")
_NEEDED: Final = {"SELECT", "USAGE"}
_WITH_GRANT: Final = "WITH GRANT OPTION"


def check_database(database: DatabaseSettings, *, coordinators: bool = False) -> list[Finding]:
    """Connects once, reads at most one row of each table and the grants of the account. Changes nothing.

    With `coordinators` it checks the table of coordinators, too, which only `auth.private_data` needs.
    """
    if database.db_sqlite_file is not None:
        return [_sqlite(database)]
    try:
        with closing(_connect(database)) as connection, connection.cursor() as cursor:
            where = f"{database.db_user} at {database.db_host}:{database.db_port}"
            cursor.execute("SELECT VERSION(), @@max_allowed_packet")
            version, packet = cursor.fetchall()[0]
            findings = [Finding(_NAME, "ok", f"Connected as {where}, server {version}.")]
            findings += _packets(packet)
            findings += [_table(cursor, database, name) for name in (*_SETTINGS, *_FIXED) if _is_read(database, name)]
            findings += _limits_of_qos(cursor, database)
            findings += _usage(cursor, database)
            if coordinators:
                findings.append(_coordinators(_table(cursor, database, COORD_TABLE)))
            return [*findings, _rights(cursor, database)]
    except pymysql.MySQLError as error:
        return [_failure(error, database)]
    except RuntimeError as error:
        # PyMySQL raises it if an authentication method needs the package cryptography.
        return [Finding(_NAME, "problem", f"The account cannot log in: {error}.", "Run `pip install cryptography`.")]


def _sqlite(database: DatabaseSettings) -> Finding:
    try:
        open_database(database).run(lambda _connection, _schema: None)
    except ApiError as error:
        return Finding(_NAME, "problem", f"`database.db_sqlite_file`: {error.detail}", "Check the file and its mode.")
    return Finding(_NAME, "ok", f"{database.db_sqlite_file} has slurmdbd's tables.")


def _packets(found: int) -> list[Finding]:
    """Checks the length of texts that the server returns."""
    if found >= MOST_TEXT:
        return []
    message = f"`max_allowed_packet` of the server is too small: {found} bytes."
    return [Finding(_NAME, "problem", message, f"Set it to at least {MOST_TEXT} in the server's configuration.")]


def _connect(database: DatabaseSettings) -> pymysql.Connection[Any]:
    return pymysql.connect(
        host=database.db_host,
        port=database.db_port,
        user=database.db_user,
        password=database.db_pass.get_secret_value(),
        database=database.db_name,
        connect_timeout=database.db_connect_timeout,
        read_timeout=database.db_connect_timeout,
        # An open transaction would block slurmdbd's ALTER TABLE, and all later queries.
        autocommit=True,
        ssl=None if database.db_ssl_ca is None else {"ca": str(database.db_ssl_ca)},
    )


def _table(cursor: Any, database: DatabaseSettings, name: str) -> Finding:
    """Checks that a table can be read. `name` is a setting or the table itself."""
    table = getattr(database, name) if name in _SETTINGS else name
    where = f"`database.{name}`" if name in _SETTINGS else name
    if name in _OPTIONAL:
        where = f"{where}, for {_OPTIONAL[name]}"
    columns = ", ".join(f"`{column}`" for column in sorted(_COLUMNS_READ.get(name, ()))) or "1"
    try:
        # The configuration was validated: the name holds no quote.
        cursor.execute(f"SELECT {columns} FROM `{table}` LIMIT 1")  # noqa: S608
        cursor.fetchall()
    except pymysql.MySQLError as error:
        code, text = _code_and_text(error)
        if code == ER.NO_SUCH_TABLE:
            message = f"{where}: the database {database.db_name} has no table {table}."
            remedy = _similar(cursor, name) if name in _SETTINGS else "Set `database.db_name` to slurmdbd's database."
            return Finding(_NAME, "problem", message, remedy)
        if code == ER.COLUMNACCESS_DENIED_ERROR:
            message = f"{where}: {database.db_user} may not read all columns of {table} that it needs ({text})."
            return Finding(_NAME, "problem", message, _grant(database, table))
        if code == ER.TABLEACCESS_DENIED_ERROR:
            message = f"{where}: {database.db_user} may not read {table}, or the table does not exist."
            return Finding(_NAME, "problem", message, _grant(database, table))
        return Finding(_NAME, "problem", f"{where}: reading {table} failed: {text} (error {code}).")
    return Finding(_NAME, "ok", f"{table} is readable.")


def _limits_of_qos(cursor: Any, database: DatabaseSettings) -> list[Finding]:
    """Returns a warning if the account may read only some columns of the QOS, which is enough for /users."""
    columns = ", ".join(f"`{name}`" for name in sorted(REQUIRED_QOS_LIMIT_COLUMNS))
    try:
        cursor.execute(f"SELECT {columns} FROM `{QOS_TABLE}` LIMIT 0")  # noqa: S608 - the names are constants
    except pymysql.MySQLError as error:
        code, text = _code_and_text(error)
        if code != ER.COLUMNACCESS_DENIED_ERROR:
            # The finding of the table itself has the cause.
            return []
        message = f"/qos lacks rights: {database.db_user} may not read the limits in {QOS_TABLE} ({text})."
        return [Finding(_NAME, "warning", message, _grant(database, QOS_TABLE))]
    return []


def _usage(cursor: Any, database: DatabaseSettings) -> list[Finding]:
    """Checks the tables of usage, if they are read. One finding for each kind of usage, and its rights."""
    if database.tables_usage is None:
        return []
    names: defaultdict[Kind, list[str]] = defaultdict(list)
    for kind, table in usage_table_names(database.tables_usage):
        names[kind].append(table)
    return [_usage_of(cursor, database, kind, tables) for kind, tables in names.items()]


def _usage_of(cursor: Any, database: DatabaseSettings, kind: Kind, tables: list[str]) -> Finding:
    found = [(table, finding) for table in tables if (finding := _table(cursor, database, table)).verdict != "ok"]
    part = _PARTS_OF_USAGE[kind]
    if not found:
        return Finding(_NAME, "ok", f"{', '.join(tables)} are readable, for {part}.")
    message = f"`database.tables_usage`, for {part}: {database.db_user} may not read {', '.join(t for t, _ in found)}, "
    message += "or they do not exist."
    if kind in ("qos", "wckey"):
        # Slurm before 24.11 has no usage of QOS, and not every cluster has workload keys.
        since = " Slurm has these since 24.11." if kind == "qos" else ""
        return Finding(_NAME, "warning", f"{message}{since}", " ".join(_grant(database, table) for table, _ in found))
    return Finding(_NAME, "problem", message, " ".join(_grant(database, table) for table, _ in found))


def _coordinators(finding: Finding) -> Finding:
    """Turns a problem into a warning, because the service works without the table of coordinators."""
    if finding.verdict == "ok":
        return finding
    message = f"{finding.sentence} Until then coordinators of accounts see no more than other users."
    return replace(finding, verdict="warning", sentence=message)


def _is_read(database: DatabaseSettings, name: str) -> bool:
    return name not in _OPTIONAL or getattr(database, name) is not None


def _similar(cursor: Any, setting: str) -> str:
    ending = f"_{setting.removeprefix('table_')}_table"
    if (fixed := {"table_acct": ACCT_TABLE, "table_coord": COORD_TABLE}.get(setting)) is not None:
        return f"Set it to {fixed}."
    cursor.execute("SHOW TABLES")
    names = sorted(row[0] for row in cursor.fetchall() if row[0].endswith(ending))
    if not names:
        return f"The name is <ClusterName>{ending}, with ClusterName of slurm.conf in lower case."
    return f"Set it to the table of your cluster. The account can see {', '.join(names)}."


def _rights(cursor: Any, database: DatabaseSettings) -> Finding:
    cursor.execute("SHOW GRANTS")
    found = surplus_rights([row[0] for row in cursor.fetchall()], database.db_name)
    if not found:
        return Finding(_NAME, "ok", "The account has no more rights than it needs.")
    return Finding(
        _NAME,
        "warning",
        f"The database account has more than SELECT on the required tables: {', '.join(found)}.",
        "Use a separate account with SELECT on the tables above. Other tables hold users' scripts and environments,"
        " and an account with write access can damage the accounting.",
    )


def surplus_rights(grants: Iterable[str], database: str) -> list[str]:
    """Returns the rights beyond SELECT on single tables of `database`, from the rows of SHOW GRANTS.

    Each is a text such as `INSERT on slurm.*`, with rights and names only: the rows hold the hash of the password.
    """
    found: list[str] = []
    for grant in grants:
        match = _GRANT.match(grant)
        # A row without ON grants a role. The rights of the role have rows of their own.
        if match is None:
            continue
        scope = match["scope"].replace("`", "").replace("\\", "")
        rights = [right.strip().upper() for right in _COLUMNS.sub("", match["rights"]).split(",")]
        if grant.upper().rstrip().endswith(_WITH_GRANT):
            rights.append("GRANT OPTION")
        too_wide = scope == "*.*" or scope.endswith(".*") or not scope.startswith(f"{database}.")
        found += [f"{right} on {scope}" for right in rights if right not in _NEEDED or (right == "SELECT" and too_wide)]
    return found


def _failure(error: pymysql.MySQLError, database: DatabaseSettings) -> Finding:
    code, text = _code_and_text(error)
    where = f"{database.db_host}:{database.db_port}"
    if code == CR.CR_SERVER_LOST and isinstance(error.__context__, TimeoutError):
        # Connected, but no greeting: PyMySQL reports a failed query, with the timeout only as context.
        return Finding(_NAME, "problem", *_no_connection(error.__context__, where, database))
    if code == CR.CR_CONN_HOST_ERROR:
        return Finding(_NAME, "problem", *_no_connection(getattr(error, "original_exception", None), where, database))
    if code in (ER.ACCESS_DENIED_ERROR, _SOCKET_ONLY):
        message = f"{where} refused the account {database.db_user}: wrong password, or no such account for this host."
        return Finding(_NAME, "problem", message, "Check `database.db_user` and its password.")
    if code == ER.DBACCESS_DENIED_ERROR:
        message = f"{database.db_user} has no rights in the database {database.db_name}, or it does not exist."
        return Finding(_NAME, "problem", message, _grant(database, database.table_job))
    if code == ER.BAD_DB_ERROR:
        message = f"{where} has no database {database.db_name}."
        return Finding(_NAME, "problem", message, "Set `database.db_name` to StorageLoc of slurmdbd.conf.")
    if code in (ER.HOST_NOT_PRIVILEGED, ER.HOST_IS_BLOCKED):
        message = f"{where} refuses connections from this host ({text})."
        remedy = "Create the account for this host, or unblock the host on the server."
        return Finding(_NAME, "problem", message, remedy)
    return Finding(_NAME, "problem", f"{where}: {text} (error {code}).")


def _no_connection(cause: object, where: str, database: DatabaseSettings) -> tuple[str, str]:
    if isinstance(cause, socket.gaierror):
        return f"Unknown host {database.db_host}: {cause.strerror}.", "Check `database.db_host`."
    if isinstance(cause, TimeoutError):
        message = f"{where} did not answer within {database.db_connect_timeout} s (`database.db_connect_timeout`)."
        return message, "Check `database.db_host`, `database.db_port` and the firewall."
    if isinstance(cause, ConnectionRefusedError):
        return (
            f"Nothing listens on {where}.",
            "Check `database.db_host`, `database.db_port` and bind-address of the server.",
        )
    return f"{where} cannot be reached: {cause}.", "Check `database.db_host` and `database.db_port`."


def _grant(database: DatabaseSettings, table: str) -> str:
    return f"GRANT SELECT ON `{database.db_name}`.`{table}` TO '{database.db_user}'@'<this host>';"


def _code_and_text(error: pymysql.MySQLError) -> tuple[int, str]:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    return code, str(error.args[1]) if len(error.args) > 1 else str(error)

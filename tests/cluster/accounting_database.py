"""A database of slurmdbd's tables of one's own on the cluster's MariaDB, and an account with the documented rights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pymysql
import pytest
from sqlalchemy.engine import Connection

from slurm_rest_api.acctapi.usage_tables import usage_table_names
from slurm_rest_api.config import Settings
from tests.acctapi.slurmdbd_associations import ASSOC_ROWS, QOS_ROWS, TRES_ROWS
from tests.acctapi.slurmdbd_ddl import OF_A_CLUSTER, columns, create_table, tables
from tests.testbed.cluster import Cluster, DatabaseFacts
from tests.testbed.slurmnodes import CLUSTER as CLUSTER_NAME
from tests.testbed.slurmnodes import HIDDEN_PARTITION

CLUSTER: Final = "proof"
JOB_TABLE: Final = f"{CLUSTER}_job_table"
ASSOC_TABLE: Final = f"{CLUSTER}_assoc_table"
STEP_TABLE: Final = f"{CLUSTER}_step_table"
RESV_TABLE: Final = f"{CLUSTER}_resv_table"
EVENT_TABLE: Final = f"{CLUSTER}_event_table"
READER: Final = "proof_reader"
PASSWORD: Final = "read-only"
READABLE: Final = (JOB_TABLE, ASSOC_TABLE, "qos_table", "tres_table")
"""The tables that docs/accounting.md says to grant, without the optional ones."""
OPTIONAL: Final = {
    "table_step": STEP_TABLE,
    "table_acct": "acct_table",
    "table_coord": "acct_coord_table",
    "table_event": EVENT_TABLE,
    "table_resv": RESV_TABLE,
    "tables_usage": CLUSTER,
}
"""Settings with which the service reads the optional tables."""

Row = Mapping[str, Any]


class AccountingDatabase:
    """The tables of one Slurm release in a database called `name`; made empty, with the associations in it."""

    def __init__(self, facts: DatabaseFacts, release: str, charset: str = "utf8mb4") -> None:
        self.release = release
        self.charset = charset
        self.name = f"proof_{release.replace('.', '_')}"
        self._facts = facts
        self._held: list[pymysql.Connection[Any]] = []
        self._admin = self._connect(facts.user, facts.password)
        self._make()

    def close(self) -> None:
        """Remove the database and its account."""
        self.sql(f"DROP DATABASE `{self.name}`")
        self.sql(f"DROP USER IF EXISTS '{READER}'@'%'")
        self._admin.close()

    def sql(self, statement: str, arguments: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement as the server's root."""
        with self._admin.cursor() as cursor:
            cursor.execute(statement, arguments)
            return list(cursor.fetchall())

    def insert(self, table: str, rows: Iterable[Row]) -> None:
        """Write rows, of each the columns that the release has; texts as the bytes of their UTF-8."""
        kind = table.removeprefix(f"{CLUSTER}_")
        known = columns(kind if kind in OF_A_CLUSTER else table, self.release)
        for row in rows:
            present = {name: _stored(value) for name, value in row.items() if name in known}
            names = ", ".join(f"`{name}`" for name in present)
            marks = ", ".join(["%s"] * len(present))
            self.sql(f"INSERT INTO `{table}` ({names}) VALUES ({marks})", list(present.values()))

    def clear_jobs(self) -> None:
        """Remove all job records."""
        self.sql(f"TRUNCATE `{JOB_TABLE}`")

    def grant(self, readable: Iterable[str] = READABLE) -> None:
        """Give the account the right to read these tables, and no other."""
        self.sql(f"CREATE OR REPLACE USER '{READER}'@'%%' IDENTIFIED BY %s", [PASSWORD])
        for table in readable:
            self.sql(f"GRANT SELECT ON `{self.name}`.`{table}` TO '{READER}'@'%'")

    def grant_all(self) -> None:
        """Give the account the right to read all tables of the release that the service can read."""
        usage = (table for _, table in usage_table_names(CLUSTER))
        present = {table for [table] in self.sql("SHOW TABLES")}
        self.grant(table for table in (*READABLE, *OPTIONAL.values(), *usage) if table in present)

    def settings(self, runtime: Path, **database: Any) -> Settings:
        """Settings of a service that reads this database as the account; the partition `secret` is hidden."""
        return Settings.model_validate({
            "system": {"use_acct_db": True, "runtime_dir": runtime},
            "database": {
                "db_host": self._facts.host, "db_port": self._facts.port, "db_user": READER, "db_pass": PASSWORD,
                "db_name": self.name, "table_job": JOB_TABLE, "table_assoc": ASSOC_TABLE, **database,
            },
            "filter": {"partitions": ["secret"]},
        })  # fmt: skip

    def connections(self) -> int:
        """Returns the number of connections that the account holds."""
        [[count]] = self.sql("SELECT COUNT(*) FROM information_schema.processlist WHERE user = %s", [READER])
        return int(count)

    def hold_one_connection(self) -> None:
        """Log in as the account, and stay so until `release_connections`."""
        self._held.append(self._connect(READER, PASSWORD))

    def release_connections(self) -> None:
        """Log out what `hold_one_connection` has logged in."""
        while self._held:
            self._held.pop().close()

    def reconnect(self) -> None:
        """Log in again, after the server was away."""
        self._admin = self._connect(self._facts.user, self._facts.password)
        self._admin.select_db(self.name)

    def _connect(self, user: str, password: str) -> pymysql.Connection[Any]:
        return pymysql.connect(
            host=self._facts.host, port=self._facts.port, user=user, password=password, autocommit=True
        )

    def _make(self) -> None:
        self.sql(f"DROP DATABASE IF EXISTS `{self.name}`")
        self.sql(f"CREATE DATABASE `{self.name}` CHARACTER SET {self.charset}")
        self._admin.select_db(self.name)
        for table in tables(self.release):
            name = f"{CLUSTER}_{table}" if table in OF_A_CLUSTER else table
            self.sql(create_table(table, self.release, name))
        self.grant()
        self.insert(ASSOC_TABLE, ({"shares": 1, **row} for row in ASSOC_ROWS))
        self.insert("qos_table", QOS_ROWS)
        self.insert("tres_table", TRES_ROWS)


@contextmanager
def accounting_database(
    facts: DatabaseFacts, release: str = "26.05", charset: str = "utf8mb4"
) -> Iterator[AccountingDatabase]:
    """A database that is gone afterwards."""
    database = AccountingDatabase(facts, release, charset)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def recorded(database: AccountingDatabase) -> Iterator[list[str]]:
    """The statements that the server gets from the account meanwhile."""
    statements: list[str] = []
    database.sql("SET GLOBAL log_output = 'TABLE'")
    database.sql("TRUNCATE mysql.general_log")
    database.sql("SET GLOBAL general_log = ON")
    try:
        yield statements
    finally:
        database.sql("SET GLOBAL general_log = OFF")
        rows = database.sql(
            "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log"
            " WHERE user_host LIKE %s AND command_type IN ('Query', 'Prepare', 'Execute') ORDER BY event_time",
            [f"{READER}%"],
        )
        statements += [text for (text,) in rows]


def executed_statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Returns a list that gets each statement that services of this process execute, with its values."""
    statements: list[str] = []
    execute = Connection.execute

    def recording(self: Connection, statement: Any, *arguments: Any, **options: Any) -> Any:
        text = str(statement.compile(self.engine, compile_kwargs={"literal_binds": True}))
        statements.append(text.replace("%%", "%"))
        return execute(self, statement, *arguments, **options)

    monkeypatch.setattr(Connection, "execute", recording)
    return statements


@contextmanager
def real_accounting(cluster: Cluster, runtime: Path) -> Iterator[Settings]:
    """Settings of a service that reads the tables of the cluster's own slurmdbd, as an account that may just do so."""
    facts, name, user = cluster.database, CLUSTER_NAME, f"'{READER}_real'@'%'"
    job, assoc, step = f"{name}_job_table", f"{name}_assoc_table", f"{name}_step_table"
    event, resv = f"{name}_event_table", f"{name}_resv_table"
    readable = (job, assoc, step, "qos_table", "tres_table", "acct_coord_table", "acct_table", event, resv)
    tables_in = f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{facts.name}'"
    present = {table for [table] in cluster.sql(tables_in)}
    # Sums by QOS came with 24.11.
    usage = [table for _, table in usage_table_names(name) if table in present]
    grants = [f"GRANT SELECT ON {facts.name}.{table} TO {user};" for table in (*readable, *usage)]
    cluster.sql(f"CREATE OR REPLACE USER {user} IDENTIFIED BY '{PASSWORD}'; {' '.join(grants)}")
    try:
        yield Settings.model_validate({
            "system": {"use_acct_db": True, "runtime_dir": runtime},
            "database": {
                "db_host": facts.host, "db_port": facts.port, "db_user": f"{READER}_real", "db_pass": PASSWORD,
                "db_name": facts.name, "table_job": job, "table_assoc": assoc, "table_step": step,
                "table_acct": "acct_table", "table_coord": "acct_coord_table",
                "table_event": event, "table_resv": resv,
                "tables_usage": name,
                "names_cache_seconds": 1,
            },
            "filter": {"partitions": [HIDDEN_PARTITION]},
        })  # fmt: skip
    finally:
        cluster.sql(f"DROP USER {user}")


def _stored(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value

"""The connection to slurmdbd's database: read-only sessions with a time limit, and its errors in words.

Sessions are in autocommit mode, because an open transaction that has read a table blocks slurmdbd's ALTER TABLE, and
everybody behind it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy import exc as sqlalchemy_errors

from slurm_rest_api.acctapi import db_errors
from slurm_rest_api.acctapi.column_probe import Schema, TableNames, probe
from slurm_rest_api.acctapi.pool_observer import NullPoolObserver, PoolObserver
from slurm_rest_api.config import DatabaseSettings
from slurm_rest_api.errors import ApiError, QueryTooSlow

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Work = Callable[[Connection, Schema], Result]

# A change of slurmdbd's tables is seen at the latest when a connection is replaced.
_RECYCLE_SECONDS: Final = 600
_POOL_WAIT_SECONDS: Final = 5
_LOCK_WAIT_SECONDS: Final = 5


class Database:
    """slurmdbd's tables, whichever Slurm release made them."""

    def __init__(self, engine: Engine, tables: TableNames) -> None:
        self._engine = engine
        self._tables = tables
        self._schema: Schema | None = None
        self._last_error: str | None = None
        self._observer: PoolObserver = NullPoolObserver()
        # A new connection may lead to an upgraded database.
        event.listen(engine, "connect", self._forget_schema)

    def run(self, work: Work[Result]) -> Result:
        """What `work` makes of a connection and the schema; called a second time when the schema turns out to be old.

        Raises:
            ApiError: the database cannot be reached or used, or a statement took too long.
        """
        try:
            result = self._try(work)
        except ApiError as error:
            self._report(error, error)
            raise
        except sqlalchemy_errors.SQLAlchemyError as error:
            answer = db_errors.to_api_error(error)
            self._report(answer, error)
            raise answer from error
        if self._last_error is not None:
            logger.info("The accounting database answers again.")
            self._last_error = None
        return result

    def observe(self, observer: PoolObserver) -> None:
        """Have `observer` hear of every connection that is used and of every failure."""
        self._observer = observer

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _try(self, work: Work[Result]) -> Result:
        with self._connection() as connection:
            try:
                return work(connection, self._current_schema(connection))
            except sqlalchemy_errors.DBAPIError as error:
                if db_errors.error_code(error) not in db_errors.SCHEMA_CHANGED:
                    raise
            logger.info("The tables of the accounting database have changed; looking at them again.")
            self._schema = None
            return work(connection, self._current_schema(connection))

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        requested_at = time.monotonic()
        with self._engine.connect() as connection:
            self._observer.checked_out(time.monotonic() - requested_at)
            try:
                yield connection
            finally:
                self._observer.checked_in()

    def _current_schema(self, connection: Connection) -> Schema:
        schema = self._schema
        if schema is None:
            schema = self._schema = probe(connection, self._tables)
        return schema

    def _forget_schema(self, *_: Any) -> None:
        self._schema = None

    def _report(self, answer: ApiError, cause: Exception) -> None:
        self._observer.failed(db_errors.error_kind(answer, cause))
        if isinstance(answer, QueryTooSlow):
            logger.warning("A query of the accounting database passed its time limit.")
        elif answer.detail != self._last_error:
            self._last_error = answer.detail
            reason = cause.orig if isinstance(cause, sqlalchemy_errors.DBAPIError) else cause
            logger.error("%s The cause: %s", answer.detail, reason)


def open_database(settings: DatabaseSettings) -> Database:
    """The database that `settings` name. Nothing is connected to before the first `run()`."""
    engine = _sqlite(settings) if settings.db_sqlite_file is not None else _server(settings)
    return Database(engine, TableNames(settings.table_job, settings.table_assoc, settings.table_step))


def _server(settings: DatabaseSettings) -> Engine:
    url = URL.create(
        "mysql+pymysql",
        username=settings.db_user,
        password=settings.db_pass.get_secret_value(),
        host=settings.db_host,
        port=settings.db_port,
        database=settings.db_name,
        query={"charset": "utf8mb4"},
    )
    arguments: dict[str, Any] = {
        "connect_timeout": settings.db_connect_timeout,
        # Past the server's own limit only a server that hangs, or is gone without a word, is still silent.
        "read_timeout": settings.db_statement_seconds + 5,
    }
    if settings.db_ssl_ca is not None:
        arguments["ssl"] = {"ca": str(settings.db_ssl_ca)}
    engine = create_engine(
        url,
        connect_args=arguments,
        isolation_level="AUTOCOMMIT",
        pool_size=settings.db_pool_size,
        max_overflow=0,
        pool_timeout=_POOL_WAIT_SECONDS,
        pool_pre_ping=True,
        pool_recycle=_RECYCLE_SECONDS,
        hide_parameters=True,
    )

    def restrain(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            for statement in _session_settings(connection.get_server_info(), settings.db_statement_seconds):
                cursor.execute(statement)

    event.listen(engine, "connect", restrain)
    return engine


def _session_settings(server: str, seconds: int) -> list[str]:
    """What every session begins with; each family of servers has its own name and unit for the time limit."""
    limit = (
        f"max_statement_time = {seconds}" if "mariadb" in server.lower() else f"max_execution_time = {seconds * 1000}"
    )
    return [
        f"SET SESSION {limit}",
        f"SET SESSION lock_wait_timeout = {_LOCK_WAIT_SECONDS}",
        "SET SESSION TRANSACTION READ ONLY",
    ]


def _sqlite(settings: DatabaseSettings) -> Engine:
    return create_engine(
        f"sqlite:///file:{settings.db_sqlite_file}?mode=ro&uri=true",
        connect_args={"check_same_thread": False},
        isolation_level="AUTOCOMMIT",
        pool_size=settings.db_pool_size,
        max_overflow=0,
        pool_timeout=_POOL_WAIT_SECONDS,
        hide_parameters=True,
    )

"""Connects to slurmdbd's database: read-only sessions with a time limit, and errors as `ApiError`.

Every use of the database by every route goes through `Database`, and so through its circuit (`databases.circuit`).
Sessions are in autocommit mode: an open transaction that has read a table blocks slurmdbd's ALTER TABLE, which then
blocks all other sessions.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, text
from sqlalchemy import exc as sqlalchemy_errors

from slurm_rest_api.acctapi import db_errors
from slurm_rest_api.acctapi.column_probe import Schema, TableNames, probe
from slurm_rest_api.config import DatabaseSettings
from slurm_rest_api.databases import mysql
from slurm_rest_api.databases.circuit import Circuit, Lease, Refused
from slurm_rest_api.errors import ApiError, DatabaseBusy, DatabaseUnusable, QueryTooSlow

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Work = Callable[[Connection, Schema], Result]

# At the latest after this time a changed table is noticed, because its connection is replaced.
_RECYCLE_SECONDS: Final = 600
# The circuit admits no more requests than there are connections, so none waits.
_POOL_WAIT_SECONDS: Final = 0
_LOCK_WAIT_SECONDS: Final = 5
MOST_TEXT: Final = 1 << 20
"""Most bytes of the text that GROUP_CONCAT returns for a group. A longer one is cut.

The texts of a row that are read as one value have less: the largest job table has 15 of 65,535 bytes each.
"""

_PACKET: Final = text("SELECT @@max_allowed_packet")


class PoolObserver(Protocol):
    """Receives events of the connection pool, in the thread where they happen."""

    def checked_out(self, waited_seconds: float) -> None:
        """Called when a thread has got a connection after `waited_seconds`."""

    def checked_in(self) -> None:
        """Called when the thread has returned its connection."""

    def failed(self, kind: db_errors.ErrorKind) -> None:
        """Called when a request could not be answered."""


class NullPoolObserver:
    """Ignores all events."""

    def checked_out(self, waited_seconds: float) -> None:
        """Does nothing."""

    def checked_in(self) -> None:
        """Does nothing."""

    def failed(self, kind: db_errors.ErrorKind) -> None:
        """Does nothing."""


class Database:
    """slurmdbd's tables, of any supported Slurm release. `circuit` admits requests to it."""

    def __init__(self, engine: Engine, tables: TableNames, circuit: Circuit) -> None:
        self.circuit = circuit
        self._engine = engine
        self._tables = tables
        self._schema: Schema | None = None
        # Messages by the failing function: a table that only one route needs may fail while others answer.
        self._failures: dict[str, str] = {}
        self._observer: PoolObserver = NullPoolObserver()
        # A new connection may lead to an upgraded database.
        event.listen(engine, "connect", self._forget_schema)

    def run(self, work: Work[Result]) -> Result:
        """Calls `work` with a connection and the schema, and returns its result. Calls it again if the schema changed.

        Raises:
            ApiError: the database cannot be reached or used, a statement took too long, or too many requests use it.
        """
        with closing(self.session()) as session:
            return session.run(work)

    def session(self) -> Session:
        """Returns a session for a request that uses the database more than once. The caller closes it."""
        return Session(self, self.circuit.lease())

    def check(self) -> None:
        """Connects, and reads the columns of the tables. Does neither while as many requests use it as may.

        Raises:
            ApiError: the database cannot be reached or used.
        """
        with suppress(DatabaseBusy):
            self.run(lambda _connection, _schema: None)

    def observe(self, observer: PoolObserver) -> None:
        """Reports every use of a connection and every failure to `observer`."""
        self._observer = observer

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    def run_with(self, lease: Lease, work: Work[Result]) -> Result:
        """Does the same as `run` with the lease of a session."""
        try:
            with lease:
                result = self._try(lease, work)
        except Refused as refused:
            self._observer.failed(db_errors.refusal_kind(refused.reason))
            raise db_errors.refusal(refused.reason, refused.retry_after) from refused
        except ApiError as error:
            if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                # The request is at fault, and the database has answered.
                self._note_answer(work.__qualname__)
            else:
                self._report(work.__qualname__, error, error)
            raise
        except sqlalchemy_errors.SQLAlchemyError as error:
            api_error = db_errors.to_api_error(error)
            self._report(work.__qualname__, api_error, error)
            raise api_error from error
        self._note_answer(work.__qualname__)
        return result

    def _try(self, lease: Lease, work: Work[Result]) -> Result:
        try:
            with self._connection() as connection:
                is_known = self._schema is not None
                try:
                    return work(connection, self._current_schema(connection))
                except DatabaseUnusable:
                    # The account may have been granted the table since the schema was read.
                    if not is_known:
                        raise
                except sqlalchemy_errors.DBAPIError as error:
                    if db_errors.error_code(error) not in db_errors.SCHEMA_CHANGED:
                        raise
                    logger.info("The tables of the accounting database have changed. Reading their columns again.")
                self._schema = None
                return work(connection, self._current_schema(connection))
        except sqlalchemy_errors.SQLAlchemyError as error:
            if db_errors.is_unreachable(error):
                lease.fail(db_errors.cause_of(error))
            raise

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
            _require_packets(connection)
            schema = self._schema = probe(connection, self._tables)
        return schema

    def _forget_schema(self, *_: Any) -> None:
        self._schema = None

    def _note_answer(self, function: str) -> None:
        detail = self._failures.pop(function, None)
        if detail is not None and detail not in self._failures.values():
            logger.info("The accounting database answers again.")

    def _report(self, function: str, error: ApiError, cause: Exception) -> None:
        self._observer.failed(db_errors.error_kind(error, cause))
        if isinstance(error, QueryTooSlow):
            logger.warning("A query of the accounting database exceeded its time limit.")
        elif db_errors.is_unreachable(cause):
            # The circuit logs it.
            return
        else:
            is_logged = error.detail in self._failures.values()
            self._failures[function] = error.detail
            if not is_logged and cause is error:
                logger.error("%s", error.detail)
            elif not is_logged:
                logger.error("%s The cause: %s", error.detail, db_errors.cause_of(cause))


class Session:
    """Uses of the database by one request. It holds no connection between two calls of `run`."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self._lease = lease

    def run(self, work: Work[Result]) -> Result:
        """Does the same as `Database.run`. After the first call others succeed, unless the client reads too slowly."""
        return self._database.run_with(self._lease, work)

    def close(self) -> None:
        """Lets another request use the database. Can be called more than once."""
        self._lease.close()


def open_database(settings: DatabaseSettings, limit: int | None = None) -> Database:
    """Creates the database of `settings`. The first `run()` connects.

    At most `limit` requests use it at a time, and at most `db_pool_size`.
    """
    limit = min(settings.db_pool_size, limit or settings.db_pool_size)
    connect = _sqlite if settings.db_sqlite_file is not None else _server
    tables = TableNames(
        settings.table_job,
        settings.table_assoc,
        step=settings.table_step,
        acct=settings.table_acct,
        coord=settings.table_coord,
        event=settings.table_event,
        usage=settings.tables_usage,
        resv=settings.table_resv,
    )
    pool = {"pool_size": limit, "max_overflow": 0, "pool_timeout": _POOL_WAIT_SECONDS}
    # A try to reach the database waits no longer than the login takes, and needs no free connection of the pool.
    trial = connect(settings, settings.db_connect_timeout, {"poolclass": NullPool})
    circuit = Circuit("accounting database", limit, lambda: _answers(trial))
    return Database(connect(settings, settings.db_statement_seconds + 5, pool), tables, circuit)


def _answers(engine: Engine) -> bool:
    """Connects once. Returns True if the database answers, be it with an error."""
    try:
        with engine.connect():
            return True
    except sqlalchemy_errors.SQLAlchemyError as error:
        return not db_errors.is_unreachable(error)


def _server(settings: DatabaseSettings, read_seconds: int, pool: Mapping[str, Any]) -> Engine:
    """Creates the engine of a server. `read_seconds` is the longest wait for an answer.

    The server ends a statement at its own limit. Only a hanging or unreachable server takes longer.
    """
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
        "read_timeout": read_seconds,
    }
    if settings.db_ssl_ca is not None:
        arguments["ssl"] = {"ca": str(settings.db_ssl_ca)}
    engine = create_engine(
        url,
        connect_args=arguments,
        isolation_level="AUTOCOMMIT",
        # There is nothing to roll back, and a database that hangs would make the end of a request wait again.
        skip_autocommit_rollback=True,
        pool_pre_ping=True,
        pool_recycle=_RECYCLE_SECONDS,
        hide_parameters=True,
        **pool,
    )

    def restrain(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            for statement in _session_settings(connection.get_server_info(), settings.db_statement_seconds):
                cursor.execute(statement)

    event.listen(engine, "do_connect", mysql.connect)
    event.listen(engine, "connect", restrain)
    return engine


def _session_settings(server: str, seconds: int) -> list[str]:
    """Returns the first statements of every session. MariaDB and MySQL name the time limit differently."""
    limit = (
        f"max_statement_time = {seconds}" if "mariadb" in server.lower() else f"max_execution_time = {seconds * 1000}"
    )
    variables = (
        limit,
        f"lock_wait_timeout = {_LOCK_WAIT_SECONDS}",
        # Sums and usage return the numbers of a group as one text. MySQL cuts it after 1,024 letters.
        f"group_concat_max_len = {MOST_TEXT}",
        # Limits against statements without a condition. Those of the service have their own limits.
        f"sql_select_limit = {2**64 - 1}",
        "sql_big_selects = 1",
    )
    return [f"SET SESSION {', SESSION '.join(variables)}", "SET SESSION TRANSACTION READ ONLY"]


def _require_packets(connection: Connection) -> None:
    """Checks that the server returns texts as long as those that the service reads.

    MariaDB and MySQL return NULL for a longer one, or cut it.

    Raises:
        DatabaseUnusable: `max_allowed_packet` is too small.
    """
    if connection.dialect.name == "sqlite":
        return
    found = connection.execute(_PACKET).scalar_one()
    if found < MOST_TEXT:
        raise DatabaseUnusable(
            f"`max_allowed_packet` of the accounting database is too small: {found} bytes. Set it to at least"
            f" {MOST_TEXT} in the configuration of the database server.",
            retry_after=db_errors.RETRY_SECONDS,
        )


def _sqlite(settings: DatabaseSettings, read_seconds: int, pool: Mapping[str, Any]) -> Engine:
    engine = create_engine(
        f"sqlite:///file:{settings.db_sqlite_file}?mode=ro&uri=true",
        connect_args={"check_same_thread": False, "timeout": read_seconds},
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        **pool,
    )

    def add_functions(connection: Any, _record: Any) -> None:
        """Adds the functions of MariaDB that SQLite has only if it was built with them."""
        connection.create_function("ln", 1, math.log, deterministic=True)
        connection.create_function("floor", 1, math.floor, deterministic=True)

    event.listen(engine, "connect", add_functions)
    return engine

"""Runs the statements of a view of the store, each for a limited time, and closes them with the view."""

from __future__ import annotations

import math
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from slurm_rest_api.errors import ClientDisconnected, StoreTooSlow

Result = TypeVar("Result")
Row = tuple[Any, ...]

_BATCH: Final = 200
_DISCONNECT_CHECK_SECONDS: Final = 0.1


def _never() -> bool:
    return False


class StatementLimit:
    """Decides when SQLite interrupts the running statement of one connection.

    `seconds` is the limit of each statement. Only the time inside SQLite counts, not that of a slow client. Between
    `start()` and `stop()` it may interrupt a statement. Others, such as BEGIN on a connection that was idle, run on.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.has_client_gone: Callable[[], bool] = _never
        self._deadline = math.inf
        self._next_check = math.inf
        self._is_gone = False

    def start(self, seconds: float) -> float:
        """Sets the limit of the next call of SQLite. Returns the time of a monotonic clock."""
        now = time.monotonic()
        self._deadline = now + seconds
        self._next_check = now + _DISCONNECT_CHECK_SECONDS
        self._is_gone = False
        return now

    def stop(self) -> None:
        """Ends the limit of the last call of SQLite."""
        self._deadline = self._next_check = math.inf

    def is_exceeded(self) -> bool:
        """Returns True if the running statement has used its time, or if its client has disconnected."""
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + _DISCONNECT_CHECK_SECONDS
            self._is_gone = self.has_client_gone()
        return self._is_gone or now >= self._deadline

    def error(self) -> ClientDisconnected | StoreTooSlow:
        """Returns the error of the statement that was interrupted last."""
        if self._is_gone:
            return ClientDisconnected("The client disconnected before its response was ready.")
        return StoreTooSlow(self.seconds)


class Statements:
    """Executes the statements of one view. `close()` ends all that are still open.

    Raises:
        StoreTooSlow: a statement used the time of its limit, at its start or while its rows are read.
        ClientDisconnected: the client has gone, so that no one reads the rows.
    """

    def __init__(self, connection: sqlite3.Connection, limit: StatementLimit) -> None:
        self._connection = connection
        self._limit = limit
        self._open: weakref.WeakSet[sqlite3.Cursor] = weakref.WeakSet()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        """Executes one statement. SQLite computes its rows while they are read."""
        cursor = self._connection.cursor()
        self._open.add(cursor)
        rows = Rows(cursor, self._limit)
        rows.run(lambda: cursor.execute(sql, values))
        return rows

    def close(self) -> None:
        """Ends the statements whose rows were not all read. Their rows cannot be read any more."""
        for cursor in list(self._open):
            cursor.close()


class Rows:
    """The rows of one statement, which are computed while they are read."""

    def __init__(self, cursor: sqlite3.Cursor, limit: StatementLimit) -> None:
        self._cursor = cursor
        self._limit = limit
        self._seconds_left = limit.seconds

    def run(self, call: Callable[[], Result]) -> Result:
        """Calls SQLite within the time that is left of the statement's limit."""
        started = self._limit.start(self._seconds_left)
        try:
            return call()
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_INTERRUPT:
                raise
            raise self._limit.error() from error
        finally:
            self._limit.stop()
            self._seconds_left -= time.monotonic() - started

    def one(self) -> Any:
        """Returns the next row, or None after the last one."""
        return self.run(self._cursor.fetchone)

    def batches(self) -> Iterator[list[Row]]:
        """Yields the rows in lists."""
        while batch := self.run(lambda: self._cursor.fetchmany(_BATCH)):
            yield batch

    def __iter__(self) -> Iterator[Row]:
        for batch in self.batches():
            yield from batch

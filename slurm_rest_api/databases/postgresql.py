"""Connects to PostgreSQL with a time limit for each answer.

`statement_timeout` is kept by the server, so it does nothing if the server hangs. libpq itself waits forever: the
kernel of the server acknowledges what a stopped process never reads, so `tcp_user_timeout` does not end the wait.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from typing import Any, TypeVar

from psycopg import Connection, OperationalError

Result = TypeVar("Result")


class TimedConnection(Connection[Any]):
    """A connection that closes itself when the server does not answer within `answer_seconds`."""

    answer_seconds: float | None = None

    def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        """Waits for the server (see psycopg's `Connection.wait`).

        Raises:
            OperationalError: the server did not answer in time. The connection is closed.
        """
        if self.answer_seconds is None:
            return super().wait(gen, *arguments, **options)
        try:
            return super().wait(_until(gen, self.answer_seconds), *arguments, **options)
        except _NoAnswer:
            self.close()
            raise


class _NoAnswer(OperationalError):
    """The server did not answer in time."""


def _until(gen: Generator[Any, Any, Result], seconds: float) -> Generator[Any, Any, Result]:
    """Drives psycopg's generator of one exchange with the server, and ends it after `seconds`.

    psycopg resumes the generator without an event every 0.1 s.
    """
    deadline = time.monotonic() + seconds
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() >= deadline:
                raise _NoAnswer(f"the server did not answer within {seconds:g} s")
            wanted = gen.send(ready)
    except StopIteration as end:
        result: Result = end.value
        return result


def connect(_dialect: Any, _record: Any, arguments: Sequence[Any], options: Mapping[str, Any]) -> TimedConnection:
    """Connects in place of SQLAlchemy (event `do_connect`).

    The option `answer_seconds` is the longest wait for one answer. The others are those of libpq.
    """
    options = dict(options)
    seconds = options.pop("answer_seconds", None)
    connection = TimedConnection.connect(*arguments, **options)
    connection.answer_seconds = seconds
    return connection

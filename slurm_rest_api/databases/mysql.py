"""Connects to MariaDB and MySQL with time limits for the login and for `ping()`.

PyMySQL's `connect_timeout` ends with the TCP connection. The kernel of a server that hangs accepts it, and no greeting
follows. PyMySQL then waits for `read_timeout`, which has to be longer than the slowest statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pymysql.connections import Connection

if TYPE_CHECKING:
    _Connection = Connection[Any]
else:
    _Connection = Connection


class TimedConnection(_Connection):
    """A connection whose login and `ping()` wait for at most `connect_timeout` seconds for each packet."""

    connect_timeout: float
    _read_timeout: float | None

    def connect(self, sock: Any = None) -> None:
        """Connects and logs in."""
        with self._waiting_briefly():
            super().connect(sock)

    def ping(self, reconnect: Any = False) -> None:
        """Checks that the server answers."""
        with self._waiting_briefly():
            super().ping(reconnect)

    @contextmanager
    def _waiting_briefly(self) -> Iterator[None]:
        usual = self._read_timeout
        self._read_timeout = self.connect_timeout
        try:
            yield
        finally:
            self._read_timeout = usual


def connect(_dialect: Any, _record: Any, arguments: Sequence[Any], options: Mapping[str, Any]) -> TimedConnection:
    """Connects in place of SQLAlchemy (event `do_connect`). `options` has `connect_timeout`."""
    return TimedConnection(*arguments, **options)

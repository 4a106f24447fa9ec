"""A database server that a test started, and freezes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from tests.testbed.processes import send_signal
from tests.waiting import wait_for


@dataclass(frozen=True)
class DatabaseServer:
    """A running server: the SQLAlchemy URL of a database on it, and the process id of its first process."""

    url: str
    pid: int

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stops all processes of the server with SIGSTOP, and continues them afterwards.

        The kernel goes on accepting connections and data for them.
        """
        try:
            # The first process starts the others, so it stops first.
            self._signal(signal.SIGSTOP)
            wait_for("the server to be frozen", self._is_frozen)
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes():
            send_signal(process.pid, number)

    def _is_frozen(self) -> bool:
        return all(process.status() == psutil.STATUS_STOPPED for process in self._processes())

    def _processes(self) -> list[psutil.Process]:
        first = psutil.Process(self.pid)
        return [first, *first.children(recursive=True)]

"""Listens on a notification socket, as systemd does for a unit with Type=notify."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.waiting import wait_for

WATCHDOG_SECONDS: Final = 4


class ServiceManager:
    """Receives the messages of one service. `messages` has all of them in order."""

    def __init__(self, path: Path) -> None:
        self.environ = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": str(WATCHDOG_SECONDS * 1_000_000)}
        self.messages: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        path.chmod(0o777)
        self._thread = threading.Thread(target=self._receive)
        self._thread.start()

    def wait_for_watchdog(self) -> None:
        """Waits for a watchdog message that is sent from now on."""
        known = len(self.messages)
        wait_for("a watchdog message", lambda: [text for text in self.messages[known:] if "WATCHDOG=1" in text])

    def wait_for_silence(self) -> None:
        """Waits until no message arrives for longer than the watchdog's time."""

        def is_silent() -> bool:
            known = len(self.messages)
            time.sleep(WATCHDOG_SECONDS + 1)
            return len(self.messages) == known

        wait_for("silence", is_silent)

    def close(self) -> None:
        """Stops listening."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _receive(self) -> None:
        # An empty datagram is the end: recv() returns it after the shutdown.
        while data := self._socket.recv(4096):
            self.messages.append(data.decode())


@contextmanager
def service_manager() -> Iterator[ServiceManager]:
    """Listens on a new socket."""
    path = Path(f"/var/tmp/sra-notify-{os.getpid()}")
    manager = ServiceManager(path)
    try:
        yield manager
    finally:
        manager.close()
        path.unlink()

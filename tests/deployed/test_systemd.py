"""What systemd is told: over a socket like its own, with the words of the unit's ExecStart."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployed.installation import Installation
from tests.deployed.site import INI, UNIT, Site, demo_site
from tests.testbed.processes import send_signal
from tests.waiting import wait_for

WATCHDOG_SECONDS = 4


class Manager:
    """Listens where systemd would."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        path.chmod(0o777)
        self._socket.settimeout(0.2)

    def listen(self, seconds: float) -> list[str]:
        """What comes in so many seconds."""
        until, heard = time.monotonic() + seconds, []
        while time.monotonic() < until:
            try:
                heard.append(self._socket.recv(4096).decode())
            except TimeoutError:
                continue
        return heard

    def next_message(self) -> str | None:
        """The next message, or None when none comes for a moment."""
        try:
            return self._socket.recv(4096).decode()
        except TimeoutError:
            return None

    def drain(self) -> None:
        """Forget what has come so far."""
        while self.next_message():
            pass

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager() -> Iterator[Manager]:
    path = Path(f"/var/tmp/sra-notify-{os.getpid()}")
    manager = Manager(path)
    yield manager
    manager.close()
    path.unlink()


@pytest.fixture
def site(installation: Installation, manager: Manager) -> Iterator[Site]:
    environ = {"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": str(WATCHDOG_SECONDS * 1_000_000)}
    with demo_site(installation, environ=environ) as site:
        yield site


def test_readiness_and_signs_of_life_come_from_workers_that_answer(site: Site, manager: Manager) -> None:
    first = wait_for("the first message", manager.next_message)
    # uWSGI's own READY=1, which comes before there is a worker, never arrives: this is the helper's.
    assert first.splitlines()[0] == "READY=1"
    assert "WATCHDOG=1" in first.splitlines()
    assert "ready in" in site.deployment.log.read_text()
    assert "WATCHDOG=1" in wait_for("a sign of life", manager.next_message)

    # Workers that hang: systemd hears nothing any more, for longer than it waits.
    for pid in site.deployment.workers():
        send_signal(pid, signal.SIGSTOP)
    manager.drain()
    assert manager.listen(WATCHDOG_SECONDS + 1) == []
    for pid in site.deployment.workers():
        send_signal(pid, signal.SIGCONT)
    assert "WATCHDOG=1" in wait_for("a sign of life", manager.next_message)

    # A reload starts the helper anew; it says again that all is well.
    site.reload()
    manager.drain()
    assert "WATCHDOG=1" in wait_for("a sign of life", manager.next_message)


def test_systemd_waits_longer_than_uwsgi_for_a_worker_that_hangs(site: Site) -> None:
    harakiri = re.search(r"^harakiri = (\d+)$", site.path(INI).read_text(), re.MULTILINE)
    watchdog = re.search(r"^WatchdogSec=(\d+)$", site.path(UNIT).read_text(), re.MULTILINE)
    assert harakiri is not None
    assert watchdog is not None
    assert int(watchdog[1]) > int(harakiri[1])

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

from tests.deployed.asking import wait_healthy
from tests.deployed.installation import Installation
from tests.deployed.nginx_server import nginx
from tests.deployed.site import INI, RUNTIME, STATE, UNIT, USER, Site, demo_files, demo_site
from tests.deployed.user_manager import UserManager, user_manager
from tests.testbed.processes import send_signal, session_processes
from tests.waiting import wait_for

WATCHDOG_SECONDS = 4
UNIT_NAME = Path(UNIT).name


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
    first = wait_for("the first message", manager.next_message, seconds=60)
    # uWSGI's own READY=1, which comes before there is a worker, never arrives: this is the helper's.
    assert first.splitlines()[0] == "READY=1"
    assert "WATCHDOG=1" in first.splitlines()
    assert "ready in" in site.deployment.log.read_text()
    assert "WATCHDOG=1" in wait_for("a sign of life", manager.next_message, seconds=WATCHDOG_SECONDS)

    # Workers that hang: systemd hears nothing any more, for longer than it waits.
    for pid in site.deployment.workers():
        send_signal(pid, signal.SIGSTOP)
    manager.drain()
    assert manager.listen(WATCHDOG_SECONDS + 1) == []
    for pid in site.deployment.workers():
        send_signal(pid, signal.SIGCONT)
    assert "WATCHDOG=1" in wait_for("a sign of life", manager.next_message, seconds=30)

    # A reload starts the helper anew; it says again that all is well.
    site.reload()
    manager.drain()
    assert "WATCHDOG=1" in wait_for("a sign of life", manager.next_message, seconds=30)


def test_systemd_waits_longer_than_uwsgi_for_a_worker_that_hangs(site: Site) -> None:
    harakiri = re.search(r"^harakiri = (\d+)$", site.path(INI).read_text(), re.MULTILINE)
    watchdog = re.search(r"^WatchdogSec=(\d+)$", site.path(UNIT).read_text(), re.MULTILINE)
    assert harakiri is not None
    assert watchdog is not None
    assert int(watchdog[1]) > int(harakiri[1])


def ends(site: Site) -> Path:
    """A line for each time that it ended: why."""
    return site.path(STATE) / "ends"


def drop_in(site: Site) -> str:
    """What differs here: less patience, this machine's user, the site's folders, and a file that tells how it ended."""
    return f"""\
[Service]
User={USER}
Group=nogroup
WatchdogSec={WATCHDOG_SECONDS}
RestartSec=1
RuntimeDirectory=
StateDirectory=
ConfigurationDirectory=
Environment=RUNTIME_DIRECTORY={site.path(RUNTIME)} STATE_DIRECTORY={site.path(STATE)}
ExecStopPost=/bin/sh -c 'echo $SERVICE_RESULT >>{ends(site)}'
"""


@pytest.fixture
def managed(installation: Installation, tmp_path: Path) -> Iterator[tuple[UserManager, Site]]:
    """The installed unit in the hands of systemd."""
    with demo_files(installation, processes=2) as files:
        text = files.path(UNIT).read_text().replace("/etc/slurm-rest-api/", f"{files.root}/etc/slurm-rest-api/")
        # The sandbox needs what only the manager of a host can do.
        (tmp_path / UNIT_NAME).write_text(text.partition("\n# What it may do:")[0])
        (tmp_path / f"{UNIT_NAME}.d").mkdir()
        (tmp_path / f"{UNIT_NAME}.d" / "here.conf").write_text(drop_in(files))
        with user_manager(tmp_path) as systemd:
            yield systemd, files


def test_systemd_starts_it_again_when_no_worker_answers(managed: tuple[UserManager, Site]) -> None:
    systemd, site = managed
    systemd.run("start", UNIT_NAME)
    before = systemd.facts(UNIT_NAME)
    assert (before["ActiveState"], before["NRestarts"]) == ("active", "0")
    master = int(before["MainPID"])
    with nginx(site) as web:
        wait_healthy(web)
        workers = [pid for pid, words in session_processes(master).items() if "uWSGI worker" in words]
        assert len(workers) == 2
        for pid in workers:
            send_signal(pid, signal.SIGSTOP)
        wait_for("another start", lambda: systemd.facts(UNIT_NAME)["NRestarts"] == "1", seconds=60)
        wait_for("systemd to call it started", lambda: systemd.facts(UNIT_NAME)["ActiveState"] == "active", seconds=60)
        after = systemd.facts(UNIT_NAME)
        assert int(after["MainPID"]) not in (0, master)
        assert ends(site).read_text() == "watchdog\n"
        assert session_processes(master) == {}
        wait_healthy(web)

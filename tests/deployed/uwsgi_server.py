"""uWSGI as the unit starts it: its workers and the collector."""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.testbed.processes import send_signal, session_processes
from tests.waiting import GIVE_UP_SECONDS, wait_for


@dataclass
class Deployment:
    """uWSGI with its workers and its collector."""

    process: subprocess.Popen[str]
    log: Path

    @property
    def master(self) -> int:
        """Process id of uWSGI's master."""
        return self.process.pid

    def workers(self) -> list[int]:
        """Process ids of the web workers."""
        return [pid for pid, command in session_processes(self.master).items() if "uWSGI worker" in command]

    def collectors(self) -> list[int]:
        """Process ids of the collector."""
        found = session_processes_and_children(self.master)
        named = {pid for pid, command in found.items() if "collect --with-parent" in command}
        # A child that has not called exec yet has the command of the collector.
        return [pid for pid in named if parent_of(pid) not in named]

    def stop(self) -> None:
        """Ends it as systemd does: SIGTERM, and nothing may be left.

        The loader ends a moment after the master, if uWSGI has given the collector no more time and killed it.
        """
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(GIVE_UP_SECONDS)
            wait_for("all its processes to have ended", lambda: not session_processes_and_children(self.master))
        finally:
            for pid in session_processes_and_children(self.master):
                send_signal(pid, signal.SIGKILL)


def parent_of(pid: int) -> int | None:
    """Returns the process id of the parent, or None if the process has ended."""
    try:
        return psutil.Process(pid).ppid()
    except psutil.NoSuchProcess:
        return None


def session_processes_and_children(pid: int) -> dict[int, str]:
    """Every process of a session, with those that its members have started in sessions of their own."""
    found = dict(session_processes(pid))
    for member in list(found):
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(member).children(recursive=True):
                # One that has ended in the meantime, also a zombie, has no command line. The others count.
                with suppress(psutil.NoSuchProcess):
                    found[child.pid] = " ".join(child.cmdline())
    return found

"""The processes that run inside the root, found by their root directory."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from .steps import wait_until

# Seconds from SIGTERM to SIGKILL.
_PATIENCE = 3.0


def process_state(pid: int, root: Path) -> str | None:
    """Returns the kernel's letter for the state of `pid` (R, S, D, T, ...), or None if it does not run inside `root`.

    A zombie does not run.
    """
    try:
        if Path(os.readlink(f"/proc/{pid}/root")) != root:
            return None
        # comm, in parentheses, may have spaces and parentheses.
        letter = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return None if letter in "ZX" else letter


def processes_inside(root: Path) -> list[int]:
    """Returns the ids of all processes whose root directory is `root`."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if process_state(pid, root) is not None]


def session_processes(leader: int) -> dict[int, str]:
    """Returns the command lines of the processes of the session of `leader`, by process id."""
    found = {}
    for entry in (entry for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            # The fields after the name: state, parent, process group, session.
            if fields[0] not in "ZX" and int(fields[3]) == leader:
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ").strip()
        except (FileNotFoundError, ProcessLookupError, NotADirectoryError):
            continue
    return found


def send_signal(pid: int, number: signal.Signals) -> None:
    """Sends a signal to a process that may have ended."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def end_all(root: Path) -> None:
    """Ends every process inside `root` with SIGTERM, then SIGKILL. Raises DeadlineError if one survives."""
    pids = processes_inside(root)
    for pid in pids:
        send_signal(pid, signal.SIGTERM)
        send_signal(pid, signal.SIGCONT)
    deadline = time.monotonic() + _PATIENCE
    while processes_inside(root) and time.monotonic() < deadline:
        time.sleep(0.1)

    def kill_rest() -> list[int]:
        rest = processes_inside(root)
        for pid in rest:
            send_signal(pid, signal.SIGKILL)
        return rest

    wait_until(f"the processes inside {root} to end", kill_rest, lambda rest: not rest)

"""The processes that run inside the root, found by their root directory and by nothing else."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from .steps import wait_until

# Seconds that processes get to end by themselves before they are killed.
_PATIENCE = 3.0


def process_state(pid: int, root: Path) -> str | None:
    """The kernel's letter for the state of `pid` (R, S, D, T, ...), or None unless it lives inside `root`.

    A zombie is dead for our purposes: whoever should reap it is not our concern.
    """
    try:
        if Path(os.readlink(f"/proc/{pid}/root")) != root:
            return None
        # comm, in parentheses, may hold spaces and parentheses itself.
        letter = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return None if letter in "ZX" else letter


def processes_inside(root: Path) -> list[int]:
    """Ids of all living processes whose root directory is `root`."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if process_state(pid, root) is not None]


def session_processes(leader: int) -> dict[int, str]:
    """The living processes of the session that `leader` once began, by id, with their command lines."""
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
    """Signal a process that may have ended in the meantime."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def end_all(root: Path) -> None:
    """End every process inside `root`: politely first, then by force. Raises DeadlineError if any survives."""
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

    wait_until(f"the processes inside {root} to end", kill_rest, lambda rest: not rest, timeout=20)

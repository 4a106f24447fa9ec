"""The supervisor with real child processes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from slurm_rest_api.processes.supervisor import Supervisor
from tests.waiting import GIVE_UP_SECONDS, wait_for

SLEEPER = [sys.executable, "-c", "import time; time.sleep(3600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open(sys.argv[1], 'w'); time.sleep(3600)",
]


Pids = Callable[[], set[int]]


@contextmanager
def supervising(commands: dict[str, list[str]], grace_seconds: float = 10.0) -> Iterator[Pids]:
    """Runs a supervisor. Yields a function that returns the pids of its children, and checks that all end."""
    others = living_children()
    supervisor = Supervisor(commands, grace_seconds)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        yield lambda: living_children() - others
    finally:
        supervisor.stop()
        thread.join(GIVE_UP_SECONDS)
        assert not thread.is_alive()
        assert living_children() - others == set()


def living_children() -> set[int]:
    return {child.pid for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE}


def two(pids: Pids, *, without: int | None = None) -> set[int] | None:
    """Returns the pids of two children, None unless there are two and none of them is `without`."""
    found = pids()
    return found if len(found) == 2 and without not in found else None


def test_all_commands_start_and_end_together() -> None:
    with supervising({"one": SLEEPER, "two": SLEEPER}) as pids:
        assert len(wait_for("two children", lambda: two(pids))) == 2


def test_only_the_killed_child_is_restarted() -> None:
    with supervising({"one": SLEEPER, "two": SLEEPER}) as pids:
        before = wait_for("two children", lambda: two(pids))
        victim = min(before)
        psutil.Process(victim).kill()
        after = wait_for("a new child", lambda: two(pids, without=victim))
        assert after & before == before - {victim}


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    with supervising({"stubborn": [*STUBBORN, str(ready)]}, grace_seconds=0.2) as pids:
        wait_for("the child to ignore signals", ready.exists)
        assert len(pids()) == 1

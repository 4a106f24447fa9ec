"""The lock of the collector, also when its file is deleted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from slurm_rest_api.slurmapi.collector.lock import only_collector
from tests.waiting import wait_for

_STANDBY = """
import pathlib, sys
from slurm_rest_api.slurmapi.collector.lock import only_collector
with only_collector(pathlib.Path(sys.argv[1])) as lock:
    print("held", lock.is_at_path(), flush=True)
    sys.stdin.read()
"""


def standby(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _STANDBY, str(path)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def is_waiting(process: subprocess.Popen[str]) -> bool:
    return "flock" in Path(f"/proc/{process.pid}/wchan").read_text() or " -> FLOCK " in Path("/proc/locks").read_text()


def test_deleted_lock_is_noticed_by_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "collector.lock"
    with only_collector(path) as lock:
        assert lock.is_at_path()
        path.unlink()
        assert not lock.is_at_path()
        path.write_text("another")
        assert not lock.is_at_path()


def test_only_one_of_two_standbys_runs_after_the_lock_was_deleted(tmp_path: Path) -> None:
    path = tmp_path / "collector.lock"
    with only_collector(path):
        first = standby(path)
        wait_for("the standby to wait", lambda: is_waiting(first))
        path.unlink()
    assert first.stdout is not None
    # It got the deleted file, and took the lock of the new one.
    assert first.stdout.readline() == "held True\n"
    second = standby(path)
    wait_for("the second to wait", lambda: is_waiting(second))
    first.communicate()
    assert second.stdout is not None
    assert second.stdout.readline() == "held True\n"
    second.communicate()

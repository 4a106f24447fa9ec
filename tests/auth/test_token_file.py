"""Changes of the token file by many processes at once, and what a change leaves behind."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from slurm_rest_api.auth import token_file as token_file_module
from slurm_rest_api.auth.token_file import TokenFile
from slurm_rest_api.errors import TokenFileError
from tests.waiting import GIVE_UP_SECONDS, wait_for

# Adds and revokes the tokens that standard input names, one command a line.
_PROGRAM = """
import pathlib, sys
from slurm_rest_api.auth.token_file import TokenFile
file = TokenFile(pathlib.Path(sys.argv[1]))
for line in sys.stdin:
    command, name = line.split()
    file.add(name, "user", None) if command == "add" else file.revoke(name)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "tokens.json"


def names(path: Path) -> set[str]:
    return {token.name for token in TokenFile(path).tokens()}


def start(path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", _PROGRAM, str(path)], stdin=subprocess.PIPE, text=True)


def test_no_change_of_many_processes_is_lost(path: Path) -> None:
    for number in range(40):
        TokenFile(path).add(f"old{number}", "user", None)
    processes = [start(path) for _ in range(8)]
    for number, process in enumerate(processes):
        assert process.stdin is not None
        process.stdin.writelines(f"revoke old{number * 5 + i}\nadd new{number}-{i}\n" for i in range(5))
        process.stdin.close()
    assert [process.wait(GIVE_UP_SECONDS) for process in processes] == [0] * 8
    assert names(path) == {f"new{number}-{i}" for number in range(8) for i in range(5)}
    assert path.stat().st_mode & 0o777 == 0o640
    assert {entry.name for entry in path.parent.iterdir()} == {"tokens.json", ".tokens.json.lock"}


def test_killed_commands_leave_a_whole_file_and_no_lock(path: Path) -> None:
    TokenFile(path).add("kept", "admin", None)
    for _round in range(5):
        process = start(path)
        assert process.stdin is not None
        process.stdin.writelines(f"add n{i}\nrevoke n{i}\n" for i in range(2000))
        process.stdin.flush()
        wait_for("a change", lambda: len(names(path)) > 1)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        left = names(path)
        assert "kept" in left
        for name in left - {"kept"}:
            TokenFile(path).revoke(name)
    assert names(path) == {"kept"}


def test_lock_that_is_held_too_long_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = TokenFile(path)
    file.add("grafana", "admin", None)
    monkeypatch.setattr(token_file_module, "_LOCK_SECONDS", 0.0)
    lock = path.with_name(".tokens.json.lock")
    descriptor = os.open(lock, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(
            TokenFileError, match=r"Another `slurm-rest-api token` has held .*tokens\.json\.lock for 0 s"
        ):
            file.revoke("grafana")
    finally:
        os.close(descriptor)
    assert lock.stat().st_mode & 0o777 == 0o600
    file.revoke("grafana")
    assert names(path) == set()


def test_changes_within_one_tick_of_the_clock_are_seen(path: Path) -> None:
    reader, writer = TokenFile(path), TokenFile(path)
    for number in range(200):
        writer.add(f"n{number}", "user", None)
        assert [token.name for token in reader.tokens()] == [f"n{number}"]
        writer.revoke(f"n{number}")
        assert reader.tokens() == ()

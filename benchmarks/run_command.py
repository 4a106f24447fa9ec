"""Runs a command with a time limit, and ends it together with its children."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psutil

# A benchmark takes its cluster down before it ends.
_GRACE_SECONDS: Final = 120.0


def run_command(argv: Sequence[str], folder: Path, seconds: float, grace_seconds: float = _GRACE_SECONDS) -> str:
    """Runs `argv` in `folder` for at most `seconds`. Returns how it failed, or an empty text.

    After that time it is interrupted as by Ctrl-C. What still runs `grace_seconds` later is killed. The same happens
    when this process is interrupted.
    """
    process = subprocess.Popen(argv, cwd=folder, start_new_session=True)
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        _end(process, grace_seconds)
        return f"not done within {seconds / 60:g} minutes"
    except BaseException:
        _end(process, grace_seconds)
        raise
    return f"failed with exit status {status}" if status else ""


def _end(process: subprocess.Popen[bytes], grace_seconds: float) -> None:
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace_seconds)
    process.kill()
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()

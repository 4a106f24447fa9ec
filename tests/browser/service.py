"""The service with its demo cluster, as a user starts it, for a browser to look at."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import wait_for

# Four processes start, and a busy machine may take its time.
_PATIENCE_SECONDS = 180.0


def free_port() -> int:
    """A port that nobody listens on at present."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether a GET of `url` is a success."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


@contextmanager
def demo(folder: Path, nodes: int = 300, jobs: int = 1000) -> Iterator[str]:
    """Run the demo with its files in `folder`; gives its address, with a slash at the end, once it answers."""
    port = free_port()
    environ = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "RUNTIME_DIRECTORY": str(folder / "run")}
    size = [f"--demo-nodes={nodes}", f"--demo-jobs={jobs}", f"--port={port}"]
    command = [sys.executable, "-m", "slurm_rest_api.cli", "run", "--demo", *size]
    with (folder / "log").open("w") as out:
        service = subprocess.Popen(command, stdout=out, stderr=out, env=environ, cwd=folder)
    address = f"http://127.0.0.1:{port}/"
    try:
        wait_for("the demo", lambda: answers(address + "nodes?limit=1"), _PATIENCE_SECONDS)
        yield address
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(30)

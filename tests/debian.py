"""Debian's packages on this host, for tests that need one of their programs."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

# Parts of the tests run side by side, and apt-get refuses to run twice at once.
_LOCK = Path(tempfile.gettempdir()) / "slurm-rest-api-tests-apt.lock"


def program(name: str, *packages: str) -> str:
    """Returns the path of a program. Root installs it from `packages`, or from that of its name, if it is missing."""
    install_unless(lambda: shutil.which(name) is not None, *(packages or (name,)))
    path = shutil.which(name)
    assert path is not None, f"the packages {packages or name} contain no program {name}"
    return path


def install_unless(is_installed: Callable[[], bool], *packages: str) -> None:
    """Installs packages as root, unless `is_installed()`. Waits for other installations to end."""
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_installed():
            return
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=environ)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
        subprocess.run([*install, *packages], check=True, env=environ)

"""A fresh machine: an empty Debian root with Python and git, and an ordinary user who has a copy of this checkout."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from tests.debian import program
from tests.testbed.layout import Layout
from tests.testbed.mounts import mount_system, unmount_all
from tests.testbed.processes import end_all
from tests.testbed.recipe import connect_root, make_root
from tests.testbed.shell import Shell

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = Path("/var/cache/slurm-rest-api-fresh")
SUITE = "bookworm"
PACKAGES = ("python3", "python3-venv", "git", "ca-certificates")
USER = "visitor"
FOLDER = f"/home/{USER}/slurm-rest-api"

# What is no part of a clone.
_NOT_CLONED = (
    ".git",
    ".venv",
    ".venv-*",
    "__pycache__",
    "*.egg-info",
    ".*_cache",
    ".hypothesis",
    "node_modules",
    "build",
    "dist",
)


class FreshMachine:
    """The machine. `enter()` makes it as new; `leave()` ends what runs in it."""

    def __init__(self, cache: Path | None = None) -> None:
        base = cache or Path(os.environ.get("SLURM_REST_API_FRESH") or CACHE)
        self.layout = Layout(base=base.absolute(), checkout=CHECKOUT, suite=SUITE)
        self.shell = Shell(self.layout.root)

    def make(self) -> None:
        """Makes the root, once, with the host's name service and certificates. Parts of the tests run side by side."""
        self.layout.base.mkdir(parents=True, exist_ok=True)
        with self.layout.lock_file.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            make_root(self.layout, PACKAGES)
            connect_root(self.layout)

    def enter(self) -> None:
        """Make the root, once, and the user's home with nothing in it but the copy of the checkout."""
        program("curl")
        self.make()
        self.leave()
        mount_system(self.layout)
        if f"\n{USER}:" not in self.layout.inside("/etc/passwd").read_text():
            self.shell.run(["useradd", "--user-group", "--shell", "/bin/bash", USER])
        home = self.layout.inside(f"/home/{USER}")
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(
            CHECKOUT, self.layout.inside(FOLDER), ignore=shutil.ignore_patterns(*_NOT_CLONED), symlinks=True
        )
        self.shell.run(["chown", "-R", f"{USER}:{USER}", f"/home/{USER}"])

    def copy(self, name: str) -> None:
        """Copies a folder of the checkout that is no part of a clone, if it exists."""
        if (CHECKOUT / name).is_dir():
            copy = f"{FOLDER}/{name}"
            shutil.copytree(CHECKOUT / name, self.layout.inside(copy))
            self.shell.run(["chown", "-R", f"{USER}:{USER}", copy])

    def leave(self) -> None:
        """End every process inside and unmount everything."""
        end_all(self.layout.root)
        unmount_all(self.layout)

"""podman with a storage of its own, and a base image that is made from a Debian root, because no registry is asked."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.debian import program
from tests.fresh.machine import CHECKOUT, FreshMachine
from tests.testbed.mounts import mounted_below
from tests.testbed.steps import run_command

BASE: Final = "localhost/base"
# podman's own limits can be above those that this machine allows to containers.
_LIMITS: Final = ("--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096", "--network=host")
_NOT_IN_A_BASE: Final = ("./home/*", "./var/cache/apt", "./var/lib/apt/lists/*", "./usr/share/doc")
_BUILD_SECONDS: Final = 3600.0


@dataclass(frozen=True)
class Podman:
    """Runs podman with its storage in `folder`."""

    folder: Path

    def command(self, *arguments: str) -> list[str]:
        """Returns a command line of podman."""
        # crun of Debian 12 refuses hosts that have both versions of cgroups.
        where = [f"--root={self.folder}/root", f"--runroot={self.folder}/run", "--storage-driver=overlay"]
        return [program("podman", "podman", "runc"), *where, "--runtime=runc", *arguments]

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs podman to its end."""
        return run_command(self.command(*arguments), check=check, timeout=_BUILD_SECONDS)

    def import_base(self, machine: FreshMachine) -> None:
        """Makes the image `BASE` from the root of a fresh machine, without what may differ while it is used."""
        machine.make()
        excluded = [f"--exclude={pattern}" for pattern in _NOT_IN_A_BASE]
        tar = ["tar", "--create", "--one-file-system", *excluded, f"--directory={machine.layout.root}", "."]
        with subprocess.Popen(tar, stdout=subprocess.PIPE) as packing:
            subprocess.run(self.command("import", "--quiet", "-", BASE), stdin=packing.stdout, check=True)
        assert packing.returncode == 0

    def build(self, name: str) -> None:
        """Builds the image of the Containerfile upon `BASE`."""
        options = ["--format=docker", "--layers=false", "--pull=never", f"--build-arg=BASE={BASE}", f"--tag={name}"]
        self.run("build", *_LIMITS, *options, str(CHECKOUT))

    def process_in(self, container: str, command: str) -> int:
        """Returns the host's id of the process of a container with `command` in its command line."""
        lines = self.run("top", container, "hpid", "args").stdout.splitlines()
        (found,) = [int(line.split()[0]) for line in lines if command in line]
        return found

    @contextmanager
    def running(self, image: str, options: list[str], arguments: list[str]) -> Iterator[str]:
        """Runs a container in the background, and removes it afterwards. Yields its id."""
        started = self.run("run", "--detach", *_LIMITS, *options, image, *arguments)
        name = started.stdout.strip()
        try:
            yield name
        finally:
            self.run("rm", "--force", name)


@contextmanager
def podman(folder: Path) -> Iterator[Podman]:
    """Uses a new storage below `folder`, and removes it afterwards."""
    engine = Podman(folder)
    try:
        yield engine
    finally:
        engine.run("rm", "--all", "--force")
        # podman can leave the mount of its storage upon itself.
        for point in mounted_below(folder):
            run_command(["umount", str(point)])
        shutil.rmtree(folder)

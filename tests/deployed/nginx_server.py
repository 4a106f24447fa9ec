"""A real nginx in front of a deployment, with the block that `install-files` has written."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import psutil

from tests.debian import program
from tests.testbed.service import free_port
from tests.waiting import wait_for

BLOCK: Final = "/etc/nginx/conf.d/slurm-rest-api.conf"
RUNTIME: Final = "/run/slurm-rest-api"

Change = Callable[[str], str]
"""Edits the installed block, as an administrator does."""


class Place(Protocol):
    """The root folder of a deployment."""

    def path(self, inside: str) -> Path:
        """Returns the host's path of the deployment's path `inside`."""
        ...


def unlimited(block: str) -> str:
    """The block without the limits of requests and connections of one client."""
    for limit in ("        limit_req zone", "        limit_conn slurm"):
        block = block.replace(limit, limit.replace("limit_", "#limit_", 1))
    return block


def unchanged(block: str) -> str:
    """The block as it was installed."""
    return block


@dataclass
class Nginx:
    """A running nginx; `folder` has its logs."""

    url: str
    folder: Path

    @property
    def access_log(self) -> Path:
        """Returns the log in which the block writes one line for each request."""
        return self.folder / "slurm-rest-api.log"

    @property
    def error_log(self) -> Path:
        """Returns the log of nginx itself."""
        return self.folder / "error.log"

    def workers(self) -> list[int]:
        """Returns the process ids of its workers."""
        return [child.pid for child in psutil.Process(self._master()).children()]

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to its master."""
        os.kill(self._master(), number)

    def edit(self, change: Change) -> None:
        """Changes the block and reloads nginx. Waits until no worker with the old block is left."""
        block = self.folder / "block.conf"
        block.write_text(change(block.read_text()))
        subprocess.run(["nginx", "-t", "-q", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")], check=True)
        old = set(self.workers())
        self.signal(signal.SIGHUP)
        wait_for("nginx's new workers", lambda: (new := self.workers()) and old.isdisjoint(new))

    def _master(self) -> int:
        return int((self.folder / "pid").read_text())


@contextmanager
def nginx(place: Place, change: Change = unchanged, user: str = "root") -> Iterator[Nginx]:
    """Runs nginx with the installed block. Only its port and the paths of its socket and log are changed.

    It also serves the service below a path prefix, with the block's commented lines. `change` edits the block as an
    administrator does. `user` is the value of the directive `user`: a user and a group of the workers.
    """
    program("nginx", "nginx-light")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="nginx-") as name:
        folder = Path(name)
        block = change(place.path(BLOCK).read_text())
        (folder / "block.conf").write_text(_moved(_with_prefix(block), port, place.path(RUNTIME), folder))
        # nginx's workers look there for their temporary files.
        folder.chmod(0o755)
        (folder / "nginx.conf").write_text(_main(folder, user))
        command = ["nginx", "-p", name, "-c", str(folder / "nginx.conf")]
        subprocess.run(command, check=True)
        running = Nginx(f"http://127.0.0.1:{port}", folder)
        try:
            yield running
        finally:
            running.signal(signal.SIGQUIT)
            wait_for("nginx to end", lambda: not (folder / "pid").exists())


def _with_prefix(block: str) -> str:
    begin = block.index("        include uwsgi_params;")
    lines = block[begin : block.index("    }\n", begin)]
    commented = block[block.index("    #location /slurm/ {") : block.index("    #}\n") + len("    #}\n")]
    prefix = commented.replace("    #", "    ").replace(
        "        (the lines of the location above from `include` on, and)\n", lines
    )
    return block.replace(commented, prefix)


def _moved(block: str, port: int, runtime: Path, folder: Path) -> str:
    moved = block.replace(RUNTIME, str(runtime)).replace("/var/log/nginx", str(folder))
    moved = moved.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("    listen [::]:80;\n", "")
    return moved.replace("include uwsgi_params", "include /etc/nginx/uwsgi_params")


def _main(folder: Path, user: str) -> str:
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "uwsgi", "fastcgi", "scgi")
    )
    return (
        f"user {user}; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;"
        f"events {{ worker_connections 4096; }} http {{ {places} include {folder}/block.conf; }}\n"
    )

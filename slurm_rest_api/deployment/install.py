"""Writes the systemd unit, config.yml and the configuration of uWSGI and nginx, with this installation's paths."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

from slurm_rest_api.config.document import config_yml

CONFIG: Final = Path("/etc/slurm-rest-api/config.yml")
INI: Final = Path("/etc/slurm-rest-api/slurm-rest-api.ini")
RUNTIME: Final = Path("/run/slurm-rest-api")

SOMAXCONN: Final = Path("/proc/sys/net/core/somaxconn")
LISTEN_QUEUE: Final = 1024
"""Maximum connections that wait for a worker: enough for 500 simultaneous clients."""
MAX_PROCESSES: Final = 4
"""Maximum number of web workers. Four answered 10,000 requests per second."""

# Name in the package → path on the host.
_TARGETS: Final = {
    "slurm-rest-api.service": Path("/etc/systemd/system/slurm-rest-api.service"),
    "slurm-rest-api.ini": INI,
    "sample-block-nginx.conf": Path("/etc/nginx/conf.d/slurm-rest-api.conf"),
}


@dataclass(frozen=True)
class Installed:
    """An installed file. With the outcome `kept`, the existing file stayed and the new one is `path`."""

    path: Path
    outcome: Literal["written", "unchanged", "kept"]


@dataclass(frozen=True)
class ServerSize:
    """The number of uWSGI's web workers, and of connections that wait for one of them."""

    processes: int
    listen: int


ANY_HOST: Final = ServerSize(MAX_PROCESSES, LISTEN_QUEUE)
"""For the files of a package or an image, which are written on another host than that of the service."""


def size_for_host(somaxconn: Path = SOMAXCONN) -> ServerSize:
    """Returns the size for the cores of this host and its limit on waiting connections."""
    return ServerSize(web_processes(len(os.sched_getaffinity(0))), listen_queue(somaxconn))


def install_files(root: Path, venv: Path = Path(sys.prefix), size: ServerSize | None = None) -> list[Installed]:
    """Writes the files below `root` for the service in the environment `venv`, by default in this host's size.

    An existing file that differs is kept. The new one is then written with the suffix `.new`.

    Raises:
        OSError: a file cannot be written.
    """
    size = size or size_for_host()
    values = {
        "@VENV@": str(venv),
        "@CONFIG@": str(CONFIG),
        "@INI@": str(INI),
        "@RUNTIME@": str(RUNTIME),
        "@LISTEN@": str(size.listen),
        "@PROCESSES@": str(size.processes),
    }
    texts = {path: _fill(name, values) for name, path in _TARGETS.items()}
    return [_write(root / path.relative_to("/"), text) for path, text in {**texts, CONFIG: config_yml()}.items()]


def listen_queue(somaxconn: Path = SOMAXCONN) -> int:
    """Returns `LISTEN_QUEUE`, or this host's limit if that is lower. uWSGI refuses to start with more."""
    try:
        return min(LISTEN_QUEUE, int(somaxconn.read_text()))
    except FileNotFoundError:
        # Without /proc uWSGI cannot check it, and the kernel applies its limit.
        return LISTEN_QUEUE


def web_processes(cores: int) -> int:
    """Returns the number of web workers: one per core, but at least two and at most four.

    With one, all clients would wait while it restarts.
    """
    return min(max(cores, 2), MAX_PROCESSES)


def _fill(name: str, values: dict[str, str]) -> str:
    text = (files("slurm_rest_api.deployment") / name).read_text()
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text


def _write(path: Path, text: str) -> Installed:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        if path.read_text() == text:
            return Installed(path, "unchanged")
        new = path.with_name(f"{path.name}.new")
        new.write_text(text)
        return Installed(new, "kept")
    path.write_text(text)
    return Installed(path, "written")

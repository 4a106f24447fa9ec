"""Writes unit, uWSGI configuration, nginx block and configuration file with the paths of this installation."""

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
"""Requests that may wait to be taken up: enough for 500 clients that all ask at once."""

# Name in the package: where it belongs.
_PLACES: Final = {
    "slurm-rest-api.service": Path("/etc/systemd/system/slurm-rest-api.service"),
    "slurm-rest-api.ini": INI,
    "sample-block-nginx.conf": Path("/etc/nginx/conf.d/slurm-rest-api.conf"),
}


@dataclass(frozen=True)
class Installed:
    """One file: where it lies now, and whether it was new, the same already, or put beside a changed one."""

    path: Path
    outcome: Literal["written", "unchanged", "beside"]


def install_files(root: Path, venv: Path = Path(sys.prefix), somaxconn: Path = SOMAXCONN) -> list[Installed]:
    """Write the files below `root` for the service in the environment `venv`.

    A file that is there and differs is left alone: the new one is written beside it, with `.new` at its end.

    Raises:
        OSError: a file cannot be written.
    """
    values = {
        "@VENV@": str(venv),
        "@CONFIG@": str(CONFIG),
        "@INI@": str(INI),
        "@RUNTIME@": str(RUNTIME),
        "@LISTEN@": str(listen_queue(somaxconn)),
        "@PROCESSES@": str(web_processes(len(os.sched_getaffinity(0)))),
    }
    texts = {place: _filled(name, values) for name, place in _PLACES.items()}
    return [_write(root / path.relative_to("/"), text) for path, text in {**texts, CONFIG: config_yml()}.items()]


def listen_queue(somaxconn: Path = SOMAXCONN) -> int:
    """`LISTEN_QUEUE`, or what this host allows where that is less: uWSGI refuses to start with more."""
    try:
        return min(LISTEN_QUEUE, int(somaxconn.read_text()))
    except FileNotFoundError:
        # Without /proc uWSGI cannot look either, and the kernel cuts it by itself.
        return LISTEN_QUEUE


def web_processes(cores: int) -> int:
    """How many web workers for so many cores: one each, as more take turns, but two at least and four at most.

    With one alone everybody would wait while it is replaced; four have answered 10,000 requests a second.
    """
    return min(max(cores, 2), 4)


def _filled(name: str, values: dict[str, str]) -> str:
    text = (files("slurm_rest_api.deployment") / name).read_text()
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text


def _write(path: Path, text: str) -> Installed:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        if path.read_text() == text:
            return Installed(path, "unchanged")
        beside = path.with_name(f"{path.name}.new")
        beside.write_text(text)
        return Installed(beside, "beside")
    path.write_text(text)
    return Installed(path, "written")

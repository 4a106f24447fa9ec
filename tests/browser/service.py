"""Runs the service with its demonstration cluster, as a user starts it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from slurm_rest_api.demo.cli_options import write_config
from slurm_rest_api.demo.files import DemoFolder
from slurm_rest_api.demo.scale import Scale
from tests.waiting import GIVE_UP_SECONDS, wait_for


def free_port() -> int:
    """Returns a free TCP port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def status(url: str, token: str | None = None) -> int:
    """Returns the status of a GET of `url`; 0 if there is no answer. `token` is sent if it is given."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=GIVE_UP_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (urllib.error.URLError, ConnectionError):
        return 0


@contextmanager
def _running(folder: Path, arguments: Sequence[str], token: str | None = None) -> Iterator[str]:
    """Runs `slurm-rest-api` with these arguments. Yields its address with a slash at the end, once it has data."""
    port = free_port()
    environ = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "RUNTIME_DIRECTORY": str(folder / "run")}
    command = [sys.executable, "-m", "slurm_rest_api.cli", *arguments, f"--port={port}"]
    with (folder / "log").open("w") as out:
        service = subprocess.Popen(command, stdout=out, stderr=out, env=environ, cwd=folder)
    address = f"http://127.0.0.1:{port}/"
    try:
        wait_for("the demo", lambda: status(address + "nodes?limit=1", token) == 200)
        yield address
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(GIVE_UP_SECONDS)


@contextmanager
def demo(folder: Path, scale: Scale) -> Iterator[str]:
    """Runs the demo with its files in `folder`. Yields its address with a slash at the end, once it has data."""
    files = DemoFolder(folder / "demo")
    files.prepare(scale)
    write_config(files, scale)
    sections = yaml.safe_load(files.config.read_text())
    sections["system"]["runtime_dir"] = str(folder / "run")
    files.config.write_text(yaml.safe_dump(sections))
    with _running(folder, ["--config", str(files.config), "run"]) as address:
        yield address


@contextmanager
def configured(folder: Path, token: str | None = None, **sections: Mapping[str, Any]) -> Iterator[str]:
    """Runs a small demo with these sections of `config.yml`, in `folder`. `token` is a valid one, if it needs one."""
    system = {"source": "demo:nodes=40,jobs=90", "serve_index": True, "refresh_seconds": 1}
    settings = {**sections, "system": {**system, "runtime_dir": str(folder / "run"), **sections.get("system", {})}}
    # JSON is YAML.
    (folder / "config.yml").write_text(json.dumps(settings))
    with _running(folder, ["--config", str(folder / "config.yml"), "run"], token) as address:
        yield address

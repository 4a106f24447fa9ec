"""Runs `slurm-rest-api run --demo` as a user does."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from slurm_rest_api.cli import main
from tests.waiting import GIVE_UP_SECONDS, wait_for

ROUTES = ("queue", "nodes", "partitions", "stats", "usage", "users", "history", "load")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, path: str) -> dict[str, Any] | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=GIVE_UP_SECONDS) as answer:
            body: dict[str, Any] = json.load(answer)
            return body
    except (urllib.error.URLError, ConnectionError):
        return None


def test_every_route_answers_and_says_demo(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "RUNTIME_DIRECTORY": str(tmp_path / "run")}
    command = [sys.executable, "-m", "slurm_rest_api.cli", "run", "--demo", "--demo-nodes=40", "--demo-jobs=90"]
    with log.open("w") as out:
        service = subprocess.Popen([*command, f"--port={port}"], stdout=out, stderr=out, env=environ, cwd=tmp_path)
    try:
        address = f"http://127.0.0.1:{port}/"
        wait_for("the announcement", lambda: f"The demo cluster is at {address}" in log.read_text())
        sources = {route: (ask(port, route) or {})["meta"]["source"] for route in ROUTES}
        assert sources == dict.fromkeys(ROUTES, "demo")
        assert len((ask(port, "nodes") or {})["data"]) == 39
        past = "load?time=86400&step=3600"
        assert wait_for("the past", lambda: (ask(port, past) or {})["data"])
    finally:
        service.send_signal(signal.SIGTERM)
        assert service.wait(GIVE_UP_SECONDS) == 0
    text = log.read_text()
    assert text.count("  curl -s ") == 3
    assert "a simulation. No node, job or user in it exists" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--demo-nodes=40"], "--demo-nodes and --demo-jobs need --demo"),
        (["run", "--demo", "--demo-nodes=3"], "20<=x<=100000"),
        (["--config", "own.yml", "run", "--demo"], "Omit --config"),
    ],
)
def test_invalid_option_combinations_are_refused(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.yml").write_text("system: {}\n")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert message in result.output

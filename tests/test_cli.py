"""The command line as processes: start, HTTP requests, and end by signals."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psutil
import pytest
from click.testing import CliRunner

from slurm_rest_api.cli import main
from slurm_rest_api.version import __version__
from tests.waiting import GIVE_UP_SECONDS, wait_for


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Writes a configuration with the scripted cluster."""
    (tmp_path / "script").write_text("ok")
    path = tmp_path / "config.yml"
    path.write_text(
        f"system:\n  runtime_dir: {tmp_path / 'runtime'}\n  source: tests.fakes:scripted_source\n  refresh_seconds: 1\n"
    )
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, route: str = "/nodes") -> dict[str, Any] | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{route}", timeout=GIVE_UP_SECONDS) as response:
            body: dict[str, Any] = json.load(response)
            return body
    except (urllib.error.URLError, ConnectionError):
        return None


class Program:
    """A running `slurm-rest-api`."""

    def __init__(self, config: Path, *arguments: str) -> None:
        self.log = config.with_name("log")
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "slurm_rest_api.cli", "--config", str(config), *arguments],
                stderr=log,
                env={**os.environ, "FAKE_SLURM": str(config.with_name("script"))},
            )

    def family(self) -> list[psutil.Process]:
        leader = psutil.Process(self.process.pid)
        return [leader, *leader.children(recursive=True)]


@pytest.fixture
def running(config: Path) -> Iterator[tuple[Program, int]]:
    port = free_port()
    program = Program(config, "run", "--port", str(port))
    yield program, port
    program.process.kill()
    program.process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_serves_and_ends_with_all_its_processes(running: tuple[Program, int], number: signal.Signals) -> None:
    program, port = running
    body = wait_for("an answer", lambda: get(port))
    assert body["meta"]["source"] == "fake"
    family = program.family()
    assert len(family) == 4
    program.process.send_signal(number)
    assert program.process.wait(GIVE_UP_SECONDS) == 0
    wait_for("all processes to end", lambda: not [member for member in family if member.is_running()])
    assert f"Address: http://127.0.0.1:{port}/" in program.log.read_text()


def test_run_on_every_address_warns(config: Path) -> None:
    program = Program(config, "run", "--host", "0.0.0.0", "--port", str(free_port()))
    try:
        told = "Every client that can reach 0.0.0.0 can read the whole cluster, because `auth.mode` is none."
        assert wait_for("the warning", lambda: told in program.log.read_text())
        family = program.family()
    finally:
        program.process.kill()
        program.process.wait()
    # The processes have just started.
    wait_for("all processes to end", lambda: not [member for member in family if member.is_running()])


def test_run_killed_without_warning_leaves_nothing_behind(running: tuple[Program, int]) -> None:
    program, port = running
    wait_for("an answer", lambda: get(port))
    family = program.family()
    program.process.kill()
    program.process.wait()
    wait_for("all processes to end", lambda: not [member for member in family if member.is_running()])
    assert get(port) is None


def test_dead_web_server_is_restarted_whatever_its_configuration_has_become(
    running: tuple[Program, int], config: Path
) -> None:
    program, port = running
    wait_for("an answer", lambda: get(port))
    config.write_text("system:\n  port: many\n")
    (server,) = [member for member in program.family() if "serve" in member.cmdline()]
    server.kill()
    wait_for("the death to be noticed", lambda: "The web server exited with code -9" in program.log.read_text())
    assert wait_for("another answer", lambda: get(port))["meta"]["source"] == "fake"


@pytest.mark.parametrize(
    ("module", "others"),
    [
        ("slurmapi.collector.loader_main", {"flask", "werkzeug", "waitress", "apscheduler", "sqlalchemy", "pydantic"}),
        (
            "slurmapi.collector.collector",
            {"flask", "werkzeug", "waitress", "sqlalchemy", "pyslurm", "slurm_rest_api.slurmapi.collector.cycle"},
        ),
        # The supervisor, and each other command as far as it needs no more.
        (
            "cli.commands",
            {"flask", "werkzeug", "waitress", "apscheduler", "sqlalchemy", "pymysql", "jwt", "cryptography"},
        ),
        ("wsgi", {"pyslurm", "apscheduler", "slurm_rest_api.slurmapi.sources.detect"}),
    ],
)
def test_a_process_imports_only_what_it_needs(module: str, others: set[str]) -> None:
    modules = modules_of(f"import slurm_rest_api.{module}")
    assert f"slurm_rest_api.{module}" in modules
    assert not others.intersection(modules)


@pytest.mark.parametrize("has_archive", [False, True])
def test_the_collector_imports_sqlalchemy_for_an_archive_alone(tmp_path: Path, has_archive: bool) -> None:
    config = tmp_path / "config.yml"
    archive = f"{{archive_usage_load: {str(has_archive).lower()}, archive_path: {tmp_path}/archive.sqlite}}"
    config.write_text(f"system: {archive}\n")
    modules = modules_of(
        f"""
from slurm_rest_api.cli.commands import main
from slurm_rest_api.slurmapi.collector import collector
collector.collect = lambda settings, open_sampler: open_sampler(settings)
main(["--config", {str(config)!r}, "collect"], standalone_mode=False)
""",
        RUNTIME_DIRECTORY=str(tmp_path),
    )
    assert ("sqlalchemy" in modules) == has_archive


def modules_of(program: str, **environ: str) -> set[str]:
    """Runs a Python program. Returns the names of the modules that it has imported."""
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
        env={**os.environ, **environ},
    )
    return set(done.stdout.split())


# Full garbage collections while the service is imported and created, and the objects that later ones leave out.
_COLLECTIONS: Final = """
import gc
before = gc.get_stats()[-1]["collections"]
import slurm_rest_api.wsgi
print(gc.get_stats()[-1]["collections"] - before, gc.get_freeze_count(), gc.isenabled())
"""


def test_worker_starts_without_a_full_garbage_collection() -> None:
    full, frozen, is_enabled = subprocess.run(
        [sys.executable, "-c", _COLLECTIONS], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]
    ).stdout.split()
    assert (full, is_enabled) == ("0", "True")
    assert int(frozen) > 50_000


@pytest.mark.parametrize("command", ["run", "serve"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_address_in_use_is_reported_before_anything_starts(config: Path, command: str, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(main, ["--config", str(config), command, "--host", host, "--port", str(port)])
    assert result.exit_code == 1
    assert f"Cannot listen on {host} port {port}: Address already in use" in result.output


def test_a_runtime_folder_of_another_kind_stops_the_start(config: Path, tmp_path: Path) -> None:
    (tmp_path / "runtime").mkdir(mode=0o777)
    (tmp_path / "runtime").chmod(0o777)
    result = CliRunner().invoke(main, ["--config", str(config), "collect"])
    assert result.exit_code == 1
    assert "is writable by other users" in result.output


def refusal(tmp_path: Path, configuration: str, command: str) -> str:
    """Returns the output of a command that a configuration stops."""
    file = tmp_path / "config.yml"
    file.write_text(configuration)
    done = CliRunner().invoke(main, ["--config", str(file), command])
    assert done.exit_code == 1
    return done.output


def test_runtime_folder_that_even_root_cannot_create_stops_the_start(tmp_path: Path) -> None:
    output = refusal(tmp_path, "system:\n  runtime_dir: /proc/slurm-rest-api-test\n", "collect")
    assert output.startswith("Error: /proc/slurm-rest-api-test ")
    assert "Set `system.runtime_dir` to a folder that this user can write to" in output


def test_a_faulty_configuration_names_all_its_faults(tmp_path: Path) -> None:
    output = refusal(tmp_path, "system:\n  port: many\n  hots: here\n", "run")
    assert "system.port" in output
    assert "system.hots" in output


def test_the_openapi_document_needs_a_configuration_that_can_be_used(tmp_path: Path) -> None:
    output = refusal(tmp_path, "auth: {mode: jwt}", "openapi")
    assert output.startswith("Error: The configuration in ")
    assert "auth.mode: jwt needs a key" in output


def test_the_openapi_document_and_the_version_are_printed() -> None:
    document = json.loads(CliRunner().invoke(main, ["openapi"]).stdout)
    assert document["info"]["version"] == __version__
    assert "/queue" in document["paths"]
    assert __version__ in CliRunner().invoke(main, ["--version"]).output

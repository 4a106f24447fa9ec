"""Installation of the deployment's files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from slurm_rest_api.cli import main
from slurm_rest_api.config import load_settings
from slurm_rest_api.deployment.install import install_files, listen_queue, size_for_host, web_processes

ROOT = Path(__file__).resolve().parents[2]
FILES = ("slurm-rest-api.ini", "slurm-rest-api.service", "sample-block-nginx.conf")
VENV = Path("/opt/slurm-rest-api/venv")


def test_files_get_the_paths_of_the_installation(tmp_path: Path) -> None:
    installed = {file.path.relative_to(tmp_path): file.path.read_text() for file in install_files(tmp_path, VENV)}
    assert {str(path) for path in installed} == {
        "etc/systemd/system/slurm-rest-api.service",
        "etc/slurm-rest-api/slurm-rest-api.ini",
        "etc/slurm-rest-api/config.yml",
        "etc/nginx/conf.d/slurm-rest-api.conf",
    }
    for text in installed.values():
        assert re.findall(r"@[A-Z]+@", text) == []
    ini = installed[Path("etc/slurm-rest-api/slurm-rest-api.ini")]
    assert "virtualenv = /opt/slurm-rest-api/venv\n" in ini
    assert "socket = /run/slurm-rest-api/uwsgi.sock\n" in ini
    assert "server unix:/run/slurm-rest-api/uwsgi.sock;" in installed[Path("etc/nginx/conf.d/slurm-rest-api.conf")]
    unit = installed[Path("etc/systemd/system/slurm-rest-api.service")]
    assert " /opt/slurm-rest-api/venv/bin/uwsgi --ini /etc/slurm-rest-api/slurm-rest-api.ini\n" in unit
    load_settings(tmp_path / "etc/slurm-rest-api/config.yml", {})


def test_the_listen_queue_respects_the_limit_of_the_host(tmp_path: Path) -> None:
    allowed = tmp_path / "somaxconn"
    for limit, expected in (("128\n", 128), ("4096\n", 1024)):
        allowed.write_text(limit)
        assert listen_queue(allowed) == expected
        install_files(tmp_path / limit.strip(), VENV, size_for_host(allowed))
        ini = (tmp_path / limit.strip() / "etc/slurm-rest-api/slurm-rest-api.ini").read_text()
        assert f"\nlisten = {expected}\n" in ini
    assert listen_queue(tmp_path / "no such file") == 1024


def test_there_is_one_worker_per_core_from_two_to_four(tmp_path: Path) -> None:
    assert [web_processes(cores) for cores in (1, 2, 3, 4, 128)] == [2, 2, 3, 4, 4]
    install_files(tmp_path, VENV)
    ini = (tmp_path / "etc/slurm-rest-api/slurm-rest-api.ini").read_text()
    assert f"\nprocesses = {web_processes(len(os.sched_getaffinity(0)))}\n" in ini


def test_files_for_any_host_ignore_the_cores_and_limits_of_this_one(tmp_path: Path) -> None:
    arguments = ["install-files", "--any-host", "--root", str(tmp_path)]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, "somaxconn" in result.output) == (0, False)
    ini = (tmp_path / "etc/slurm-rest-api/slurm-rest-api.ini").read_text()
    assert "\nprocesses = 4\n" in ini
    assert "\nlisten = 1024\n" in ini


def test_a_changed_file_is_kept(tmp_path: Path) -> None:
    install_files(tmp_path, VENV)
    config = tmp_path / "etc/slurm-rest-api/config.yml"
    config.write_text("system:\n  port: 8080\n")
    outcomes = {file.path.name: file.outcome for file in install_files(tmp_path, VENV)}
    assert outcomes["config.yml.new"] == "kept"
    assert outcomes["slurm-rest-api.ini"] == "unchanged"
    assert config.read_text() == "system:\n  port: 8080\n"


def test_the_command_lists_the_files(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["install-files", "--root", str(tmp_path)])
    assert result.exit_code == 0
    assert f"wrote: {tmp_path}/etc/slurm-rest-api/config.yml" in result.output
    (tmp_path / "etc/nginx/conf.d/slurm-rest-api.conf").write_text("mine")
    again = CliRunner().invoke(main, ["install-files", "--root", str(tmp_path)])
    assert f"kept your file, wrote the new one to: {tmp_path}/etc/nginx/conf.d/slurm-rest-api.conf.new" in again.output


@pytest.mark.parametrize("name", FILES)
def test_files_at_the_top_link_to_the_package(name: str) -> None:
    assert (ROOT / name).resolve() == (ROOT / "slurm_rest_api" / "deployment" / name)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_the_unit_is_valid_and_hardened(tmp_path: Path) -> None:
    # systemd-analyze requires the program of ExecStart.
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    for program in ("uwsgi", "slurm-rest-api"):
        (venv / "bin" / program).write_text("#!/bin/sh\n")
        (venv / "bin" / program).chmod(0o755)
    install_files(tmp_path, venv)
    unit = str(tmp_path / "etc/systemd/system/slurm-rest-api.service")
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", unit], capture_output=True, text=True, check=True
    )
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", judged.stdout)
    assert level is not None
    assert float(level[1]) <= 2.0

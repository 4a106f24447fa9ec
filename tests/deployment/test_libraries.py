"""The libraries that uWSGI's main process imports for its workers, and what a reload does if they have changed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from slurm_rest_api.cli import main
from slurm_rest_api.deployment.libraries import (
    FILE_NAME,
    RESTART_NAME,
    are_other_libraries_installed,
    installed_versions,
)

# Prints the modules that the main process has imported, and those that a worker imports after it.
_IMPORTS = """
import json, os, sys
import slurm_rest_api.deployment.preload
shared = set(sys.modules)
from slurm_rest_api.app import create_app
from slurm_rest_api.config import load_settings
create_app(load_settings(sys.argv[1]))
print(json.dumps([sorted(shared), sorted(set(sys.modules) - shared)]))
"""
_OWN = "slurm_rest_api"


def test_a_worker_imports_only_the_service(tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text(
        f"system: {{source: demo, use_acct_db: true, archive_usage_load: true, runtime_dir: {tmp_path},"
        f" archive_path: {tmp_path}/archive.sqlite}}\ndatabase: {{db_user: slurm, db_pass: secret}}\n"
    )
    note = tmp_path / FILE_NAME
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTS, str(config)],
        env={"SLURM_REST_API_LIBRARIES": str(note)},
        capture_output=True,
        text=True,
        check=True,
    )
    shared, of_worker = json.loads(done.stdout)
    others = {name.split(".")[0] for name in of_worker} - sys.stdlib_module_names
    assert others == {_OWN}
    # A reload replaces the modules of the service. The main process keeps those that it has imported.
    kept = {name for name in shared if name.split(".")[0] == _OWN}
    assert kept == {_OWN, *(f"{_OWN}.deployment{end}" for end in ("", ".libraries", ".preload"))}
    assert not [name for name in of_worker if name.startswith(f"{_OWN}.deployment")]
    assert "sqlalchemy" in shared
    assert not are_other_libraries_installed(tmp_path)


def test_another_version_is_noticed_and_that_of_the_service_is_not(tmp_path: Path) -> None:
    assert not are_other_libraries_installed(tmp_path)
    versions = installed_versions()
    names = [line.split()[0] for line in versions.splitlines()]
    assert "flask-openapi3" in names
    assert "slurm-rest-api" not in names
    (tmp_path / FILE_NAME).write_text(versions)
    assert not are_other_libraries_installed(tmp_path)
    for other in (versions.replace("flask-openapi3 ", "flask-openapi3 0."), versions[versions.index("\n") + 1 :]):
        (tmp_path / FILE_NAME).write_text(other)
        assert are_other_libraries_installed(tmp_path)


@pytest.mark.parametrize(("noted", "touched"), [("", RESTART_NAME), (None, "reload")])
def test_a_reload_restarts_the_main_process_only_for_other_libraries(
    tmp_path: Path, noted: str | None, touched: str
) -> None:
    (tmp_path / FILE_NAME).write_text(installed_versions() if noted is None else noted)
    config = tmp_path / "config.yml"
    config.write_text(f"system: {{source: demo, runtime_dir: {tmp_path}}}\n")
    done = CliRunner().invoke(main, ["--config", str(config), "reload", str(tmp_path / "reload")])
    assert done.exit_code == 0, done.output
    assert {path.name for path in tmp_path.iterdir()} & {RESTART_NAME, "reload"} == {touched}

"""Wheel and sdist have everything that the service needs, and nothing of the tests. The installed copy works."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import tarfile
import urllib.request
import zipfile
from pathlib import Path

import pytest

from slurm_rest_api.version import __version__
from tests.deployed.installation import CHECKOUT, Installation, build_wheel, install_locked
from tests.testbed.service import free_port, http_status
from tests.waiting import GIVE_UP_SECONDS, wait_for

PACKAGE = CHECKOUT / "slurm_rest_api"
_CREATE_APP = """
import sys
from slurm_rest_api.app import create_app
from slurm_rest_api.config import Settings
settings = Settings.model_validate({"system": {"runtime_dir": sys.argv[1], "serve_index": True}})
client = create_app(settings).test_client()
print(client.get("/").status_code, client.get("/openapi/openapi.json").status_code, sys.prefix)
"""


def package_files() -> set[str]:
    """Returns the files of the package, as paths from the checkout."""
    files = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(CHECKOUT)) for path in files}


def test_the_wheel_has_every_file_of_the_package_and_no_other(installation: Installation) -> None:
    with zipfile.ZipFile(installation.wheel) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packed == package_files()
    assert not [name for name in packed if "test" in name]


def test_what_was_installed_runs_the_demo_with_its_pages(installation: Installation, tmp_path: Path) -> None:
    program, port = str(installation.venv / "bin/slurm-rest-api"), free_port()
    environ = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    environ |= {"RUNTIME_DIRECTORY": str(tmp_path / "runtime")}
    where = f"http://127.0.0.1:{port}"
    with (tmp_path / "log").open("w") as log:
        command = [program, "run", "--demo", "--demo-nodes", "40", "--demo-jobs", "300", "--port", str(port)]
        process = subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=log, stderr=log)
        try:
            wait_for("the demo", lambda: http_status(f"{where}/queue") == 200)
            with urllib.request.urlopen(f"{where}/", timeout=GIVE_UP_SECONDS) as reply:
                page = reply.read().decode()
            parts = re.findall(r'(?:src|href)="\./(pages/[^"]+)"', page)
            assert len(parts) >= 2
            for part in (*parts, "openapi/swagger", "openapi/openapi.json"):
                assert http_status(f"{where}/{part}") == 200, part
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(GIVE_UP_SECONDS)


def test_install_files_of_the_installed_program(installation: Installation, tmp_path: Path) -> None:
    command = [str(installation.venv / "bin/slurm-rest-api"), "install-files", "--root", str(tmp_path)]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    unit = (tmp_path / "etc/systemd/system/slurm-rest-api.service").read_text()
    (uwsgi,) = re.findall(r"^ExecStart=.* (\S+/bin/uwsgi) ", unit, re.MULTILINE)
    assert uwsgi == str(installation.venv / "bin/uwsgi")
    assert Path(uwsgi).is_file()
    # Code that a service may write is code that an attacker may.
    loose = [
        str(path) for path in (installation.venv / "lib").rglob("*") if path.stat().st_mode & 0o022 and path.is_file()
    ]
    assert loose == []


@pytest.fixture(scope="module")
def of_the_sdist(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Installs the sdist with its locked packages in an empty environment. Returns the environment's bin folder."""
    venv = tmp_path_factory.mktemp("sdist") / "venv"
    install_locked(venv)
    command = [str(venv / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Only a package of the extra is left to download. pip ends with an error if the locked ones do not suffice.
    subprocess.run([*command, f"{installation.sdist}[postgresql]"], check=True)
    return venv / "bin"


def members(wheel: Path) -> dict[str, bytes]:
    """Returns the content of each file of a wheel."""
    with zipfile.ZipFile(wheel) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_sdist_has_every_file_of_the_package(installation: Installation) -> None:
    with tarfile.open(installation.sdist) as sdist:
        packed = {name.partition("/")[2] for name in sdist.getnames() if sdist.getmember(name).isfile()}
    assert package_files() <= packed
    assert {"pyproject.toml", "README.md", "LICENSE.txt"} <= packed


def test_a_wheel_of_the_sdist_is_that_of_the_checkout(installation: Installation, tmp_path: Path) -> None:
    with tarfile.open(installation.sdist) as sdist:
        sdist.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    assert members(build_wheel(source, tmp_path / "wheel")) == members(installation.wheel)


def test_installed_extra_has_the_driver_of_its_url(of_the_sdist: Path, tmp_path: Path) -> None:
    code = "import sqlalchemy; print(sqlalchemy.create_engine('postgresql+psycopg://host/load').dialect.dbapi.__name__)"
    command = [str(of_the_sdist / "python"), "-I", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "psycopg\n"), done.stderr


def test_installed_sdist_has_commands_application_pages_and_files(of_the_sdist: Path, tmp_path: Path) -> None:
    def output(*command: str) -> str:
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "RUNTIME_DIRECTORY": str(tmp_path / "runtime")}
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    program = str(of_the_sdist / "slurm-rest-api")
    assert __version__ in output(program, "--version")
    assert json.loads(output(program, "openapi"))["info"]["version"] == __version__
    created = output(str(of_the_sdist / "python"), "-I", "-c", _CREATE_APP, str(tmp_path / "runtime")).split()
    assert created == ["200", "200", str(of_the_sdist.parent)]
    output(program, "install-files", "--root", str(tmp_path / "root"))
    assert (tmp_path / "root/etc/systemd/system/slurm-rest-api.service").is_file()

"""The wheel holds everything that the service needs, and nothing of the tests."""

from __future__ import annotations

import re
import signal
import subprocess
import urllib.request
import zipfile
from pathlib import Path

from tests.deployed.installation import CHECKOUT, Installation
from tests.testbed.service import free_port, http_status
from tests.waiting import GIVE_UP_SECONDS, wait_for

PACKAGE = CHECKOUT / "slurm_rest_api"


def test_the_wheel_has_every_file_of_the_package_and_no_other(installation: Installation) -> None:
    with zipfile.ZipFile(installation.wheel) as wheel:
        packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    wanted = {
        str(path.relative_to(CHECKOUT))
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == wanted
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

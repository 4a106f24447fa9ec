"""An installation as an administrator makes it: a virtual environment with the locked packages, uWSGI and a wheel."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
# What is no part of a source tree.
_NOT_SOURCE = (".git", ".venv*", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis", "build", "dist")
_LOCKS = """\
# The system's Python: one in somebody's home could not be run by the service's user.
PATH="/usr/bin:/bin:$PATH" program=tests checkout="$1" venv="$2"
. "$checkout/requirements/environment.sh"
make_venv "$venv" "$(find_python)"
install_lock "$venv" "$checkout/requirements/run.lock"
install_lock "$venv" "$checkout/requirements/uwsgi.lock"
"""


@dataclass(frozen=True)
class Installation:
    """The environment `venv`, and the wheel of this checkout."""

    venv: Path
    wheel: Path

    def install(self, wheel: Path) -> None:
        """Have the package in it be that of `wheel`."""
        command = [str(self.venv / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "--no-deps", "--force-reinstall", str(wheel)], check=True)


def make_installation(folder: Path) -> Installation:
    """The installation in `folder`; its packages are kept from one session to the next, the wheel is new each time."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    venv = folder / "venv"
    subprocess.run(["bash", "-euo", "pipefail", "-c", _LOCKS, "bash", str(CHECKOUT), str(venv)], check=True)
    source = folder / "source"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(CHECKOUT, source, ignore=shutil.ignore_patterns(*_NOT_SOURCE))
    installation = Installation(venv, build_wheel(source, folder / "wheel"))
    installation.install(installation.wheel)
    return installation


def build_wheel(source: Path, into: Path) -> Path:
    """Build the wheel of a source tree, as pip does."""
    shutil.rmtree(into, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--wheel-dir", str(into), str(source)], check=True)
    (wheel,) = into.glob("*.whl")
    return wheel


def checked_out(revision: str, into: Path) -> Path:
    """The source tree of another revision of this repository."""
    shutil.rmtree(into, ignore_errors=True)
    archive = subprocess.run(["git", "archive", revision], cwd=CHECKOUT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tree:
        tree.extractall(into, filter="data")
    return into

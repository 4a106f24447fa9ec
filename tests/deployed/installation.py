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
UV = str(Path(sys.executable).with_name("uv"))
# What is no part of a source tree.
_NOT_SOURCE = (
    ".git",
    ".venv*",
    "__pycache__",
    "*.egg-info",
    ".*_cache",
    ".hypothesis",
    "node_modules",
    "build",
    "dist",
)
_LOCKS = """\
# The system's Python: the service's user could not run one in another user's home.
PATH="/usr/bin:/bin:$PATH" program=tests checkout="$1" venv="$2"
. "$checkout/requirements/environment.sh"
make_venv "$venv" "$(find_python)"
shift 2
for lock in "$@"; do install_lock "$venv" "$checkout/requirements/$lock"; done
"""


@dataclass(frozen=True)
class Installation:
    """The environment `venv`, and the wheel and the sdist of this checkout."""

    venv: Path
    wheel: Path
    sdist: Path

    def install(self, package: Path) -> None:
        """Replaces the installed package by that of a wheel or of an sdist."""
        command = [str(self.venv / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "--no-deps", "--force-reinstall", str(package)], check=True)


def install_locked(venv: Path, *locks: str) -> None:
    """Makes the environment `venv` with the packages of lock files, by default those that the service needs."""
    command = ["bash", "-euo", "pipefail", "-c", _LOCKS, "bash", str(CHECKOUT), str(venv)]
    subprocess.run([*command, *(locks or ("run.lock",))], check=True)


def make_installation(folder: Path) -> Installation:
    """Makes the installation in `folder`. Its packages are kept, wheel and sdist are built each time."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    venv = folder / "venv"
    install_locked(venv, "run.lock", "uwsgi.lock")
    source = folder / "source"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(CHECKOUT, source, ignore=shutil.ignore_patterns(*_NOT_SOURCE))
    installation = Installation(venv, build_wheel(source, folder / "wheel"), build_sdist(source, folder / "sdist"))
    installation.install(installation.wheel)
    return installation


def build_wheel(source: Path, into: Path) -> Path:
    """Builds the wheel of a source tree, as pip does."""
    shutil.rmtree(into, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--wheel-dir", str(into), str(source)], check=True)
    (wheel,) = into.glob("*.whl")
    return wheel


def build_sdist(source: Path, into: Path) -> Path:
    """Builds the sdist of a source tree."""
    shutil.rmtree(into, ignore_errors=True)
    subprocess.run([UV, "build", "--quiet", "--sdist", "--out-dir", str(into), str(source)], check=True)
    (sdist,) = into.glob("*.tar.gz")
    return sdist


def checked_out(revision: str, into: Path) -> Path:
    """Extracts the source tree of another revision of this repository."""
    shutil.rmtree(into, ignore_errors=True)
    archive = subprocess.run(["git", "archive", revision], cwd=CHECKOUT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tree:
        tree.extractall(into, filter="data")
    return into

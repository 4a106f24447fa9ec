"""Installs a built pyslurm into the environment in one step, so that no reader sees half of one.

Each build has a folder of its own. The link `current` leads to the one in use, and a path file of the environment
(`.pth`) names the link. The switch replaces the link, which is atomic.
"""

from __future__ import annotations

import importlib.metadata
import logging
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

from slurm_rest_api.errors import SourceUnusable

logger = logging.getLogger(__name__)

FOLDER: Final = "slurm-rest-api-pyslurm"
PATH_FILE: Final = "slurm-rest-api-pyslurm.pth"


def stage(environment: Path) -> Path:
    """Makes an empty folder for a build and returns it. Folders of interrupted builds are deleted."""
    folder = environment / FOLDER
    folder.mkdir(exist_ok=True)
    _delete_others(folder)
    staged = Path(tempfile.mkdtemp(prefix="build-", dir=folder))
    # The service may run as another user.
    staged.chmod(0o755)
    return staged


def staged_version(staged: Path) -> str:
    """Returns the version of the pyslurm in a folder, as pip lists it."""
    found = importlib.metadata.distributions(name="pyslurm", path=[str(staged)])
    return next((distribution.version for distribution in found), "")


def switch(environment: Path, staged: Path, site_packages: Path | None = None) -> None:
    """Makes the pyslurm in `staged` the one that the environment imports.

    A pyslurm in the environment's own folder (`site_packages`) would hide it, so pip uninstalls it afterwards.

    Raises:
        SourceUnusable: pip cannot uninstall the pyslurm that hides it.
    """
    folder = environment / FOLDER
    site = site_packages or Path(sysconfig.get_path("platlib"))
    new = folder / "current.new"
    new.unlink(missing_ok=True)
    new.symlink_to(staged.name)
    new.replace(folder / "current")
    line = f"{folder / 'current'}\n"
    path_file = site / PATH_FILE
    if not path_file.is_file() or path_file.read_text(encoding="utf-8") != line:
        temporary = path_file.with_suffix(".new")
        temporary.write_text(line, encoding="utf-8")
        temporary.replace(path_file)
    _uninstall_hiding(site)
    _delete_others(folder)


def _delete_others(folder: Path) -> None:
    """Deletes the builds that are not in use."""
    current = folder / "current"
    used = current.resolve().name if current.is_symlink() else None
    for other in folder.glob("build-*"):
        if other.name != used:
            shutil.rmtree(other)


def _uninstall_hiding(site: Path) -> None:
    if not list(site.glob("pyslurm-*.dist-info")) and not (site / "pyslurm").exists():
        return
    logger.info("Uninstalling the pyslurm in %s, which hides the new one", site)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "uninstall", "--yes", "pyslurm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 or (site / "pyslurm" / "__init__.py").exists():
        raise SourceUnusable(
            f"Cannot uninstall the pyslurm in {site}: {done.stderr.strip() or done.stdout.strip()}. Remove "
            f"{site}/pyslurm and run build.sh again."
        )

"""Reads the facts of pyslurm's unpacked source that its build depends on. It runs none of its code."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.versions import Line, line_of

CYTHON_0_LOCK: Final = "pyslurm-build-cython0.lock"
CYTHON_3_LOCK: Final = "pyslurm-build.lock"
"""Lock files of the packages for a build, in requirements/."""

VERSION_FILES: Final = ("pyslurm/version.py", "pyslurm/__version__.py")
"""The first is in 23.11 and newer, the second in older releases."""

_VERSION: Final = re.compile(r"""^__version__ = ["'](\d+(?:\.\d+)+)["']""", re.MULTILINE)
_NEEDS_DISTUTILS: Final = re.compile(r"^\s*(?:from|import) distutils\b", re.MULTILINE)
_LAST_PYTHON_WITH_DISTUTILS: Final = (3, 11)


@dataclass(frozen=True)
class SourceFacts:
    """Facts of a source: its version, and the lock file of its build's packages."""

    version: str
    lock: str

    @property
    def line(self) -> Line:
        return line_of(self.version)


def read_facts(folder: Path) -> SourceFacts:
    """Reads the facts of the source in `folder`.

    Raises:
        SourceUnusable: it is not a source of pyslurm.
    """
    setup = _text(folder / "setup.py")
    version = next((match[1] for name in VERSION_FILES if (match := _VERSION.search(_text(folder / name)))), None)
    if not setup or version is None:
        raise SourceUnusable(
            f"{folder.name} is not a source of pyslurm: it lacks setup.py or a version in "
            f"{' or '.join(VERSION_FILES)}. Name the folder or the archive of https://github.com/PySlurm/pyslurm."
        )
    return SourceFacts(
        version=version,
        lock=CYTHON_0_LOCK if _NEEDS_DISTUTILS.search(setup) else CYTHON_3_LOCK,
    )


def linked_library(folder: Path) -> str:
    """Returns the library of Slurm that setup.py links: libslurm.so up to 23.02.2, then libslurmfull.so."""
    return "libslurmfull.so" if "libslurmfull" in _text(folder / "setup.py") else "libslurm.so"


def lock_of_line(line: Line) -> str:
    """Returns the lock file for the pinned revision of a release line. Tags of 23.02 can differ, see `read_facts`."""
    return CYTHON_0_LOCK if line < (23, 2) else CYTHON_3_LOCK


def check_python(name: str, lock: str, python: tuple[int, int] = sys.version_info[:2]) -> None:
    """Checks that this Python can build a pyslurm with the packages of `lock`. `name` is its version or revision.

    Raises:
        SourceUnusable: it needs distutils, which Python 3.12 removed.
    """
    if lock != CYTHON_0_LOCK or python <= _LAST_PYTHON_WITH_DISTUTILS:
        return
    raise SourceUnusable(
        f"pyslurm {name} needs Python 3.11 at most (Cython 0.29 and distutils), but this environment has Python "
        f"{python[0]}.{python[1]}. Let the service read the cluster with Slurm's commands (bash build.sh "
        "--no-pyslurm), or install Python 3.11 and build the environment with it:\n"
        "  SLURM_REST_API_PYTHON=python3.11 bash build.sh"
    )


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""

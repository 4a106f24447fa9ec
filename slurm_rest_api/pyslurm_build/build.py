"""Builds a wheel of pyslurm for this host's Slurm: adjusts and compiles a source in the caller's folder."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.adjustments import adjustments_for
from slurm_rest_api.pyslurm_build.arguments import merged
from slurm_rest_api.pyslurm_build.choice import Adaptation
from slurm_rest_api.pyslurm_build.edits import apply_edit
from slurm_rest_api.pyslurm_build.host import SlurmHost
from slurm_rest_api.pyslurm_build.recipes import mark_version
from slurm_rest_api.pyslurm_build.source_facts import CYTHON_0_LOCK, CYTHON_3_LOCK, SourceFacts, linked_library
from slurm_rest_api.pyslurm_build.wanted import Wanted

logger = logging.getLogger(__name__)

SHOWN_LINES = 20
SMALL_BUILD = ("-O1", "-g0")
"""Options for lines of CYTHON_0_LOCK. With the `-O2 -g` of Debian's Python the largest module of 22.5.x needs 4 GiB.

setuptools before 60 adds CFLAGS to those of Python. Newer ones replace them.
"""

MAX_JOBS = 2
"""Compilers that run at the same time. Each needs up to 1 GiB."""


@dataclass(frozen=True)
class BuildPaths:
    """Paths of a build: the scratch folder, the log of its commands, the folder of the lock files."""

    folder: Path
    log: Path
    locks: Path


def check_compiler(
    compiler: str = "gcc", include: Path | None = None, which: Callable[[str], str | None] = shutil.which
) -> None:
    """Checks for a compiler (a command as in $CC) and Python's headers.

    Raises:
        SourceUnusable: names all missing parts and their packages.
    """
    headers = include or Path(sysconfig.get_path("include"))
    missing = []
    if which(compiler.split()[0]) is None:
        missing.append(f"a C compiler ({compiler})")
    if not (headers / "Python.h").is_file():
        missing.append(f"Python's headers ({headers}/Python.h)")
    if missing:
        python = f"python{sys.version_info.major}.{sys.version_info.minor}"
        raise SourceUnusable(
            f"pyslurm must be compiled, but this host lacks {' and '.join(missing)}. Install:\n"
            f"  on Debian/Ubuntu:  apt-get install gcc libc6-dev python3-dev   "
            f"({python}-dev if {python} is not the system's python3)\n"
            f"  on RHEL/Rocky:     dnf install gcc {python}-devel"
        )


def build_wheel(
    source: Path,
    facts: SourceFacts,
    adaptation: Adaptation,
    host: SlurmHost,
    variables: Mapping[str, str],
    paths: BuildPaths,
) -> Path:
    """Adjusts and compiles the unpacked `source`, and returns the path of the wheel.

    Raises:
        SourceUnusable: names the failed step and the log.
    """
    flags = [*SMALL_BUILD] if facts.lock == CYTHON_0_LOCK else []
    mark_version(source, facts.version, host.line)
    recipe = adaptation.recipe
    for edit in (*adjustments_for(facts.line), *(recipe.edits if recipe else ())):
        logger.info("  adjusting %s: %s", edit.path, edit.reason)
        apply_edit(source, edit)
    for flag in recipe.flags if recipe else ():
        logger.info("  compiling with %s: %s", flag.text, flag.reason)
        flags.append(flag.text)
    python = make_environment(paths, facts.lock)
    logger.info("Compiling pyslurm %s (about a minute; log: %s)", facts.version, paths.log)
    jobs = {"PYSLURM_BUILD_JOBS": str(min(MAX_JOBS, os.cpu_count() or 1)), "CFLAGS": " ".join(flags)}
    out = paths.folder / "wheels"
    command = [str(python), "-m", "pip", "wheel", "-v", "--no-deps", "--no-build-isolation", "--no-index"]
    # The folders of Slurm come last: pyslurm must be linked with the Slurm that was found. An adjustment can change the
    # library that it is linked with.
    settings = {
        "SLURM_INCLUDE_DIR": str(host.include_dir),
        "SLURM_LIB_DIR": str(library_folder(host, linked_library(source))),
    }
    environ = {**merged(os.environ, jobs, variables), **settings}
    _run("compile pyslurm", [*command, "--wheel-dir", str(out), str(source)], paths, environ)
    return _only_file(out, "*.whl")


def library_folder(host: SlurmHost, library: str) -> Path:
    """Returns the folder of the library that a pyslurm links: `libslurmfull.so`, up to 23.02.2 `libslurm.so`.

    libslurm.so is in the same folder as libslurmfull.so or in the one above: /usr/lib64 on RHEL, the architecture's
    library folder on Debian.

    Raises:
        SourceUnusable: the library is missing.
    """
    folders = (host.library.parent, host.library.parent.parent)
    found = next((folder for folder in folders if (folder / library).exists()), None)
    if found is None:
        raise SourceUnusable(
            f"This pyslurm needs {library}, but neither {folders[0]} nor {folders[1]} has it. Install:\n"
            "  on Debian/Ubuntu:  apt-get install libslurm-dev\n"
            "  on RHEL/Rocky:     dnf install slurm slurm-devel\n"
            f"  in other folders:  SLURM_LIB_DIR=<folder with {library} and libslurmfull.so> bash build.sh"
        )
    return found


def install_wheel(wheel: Path, python: Path, paths: BuildPaths, target: Path) -> None:
    """Installs a wheel into the folder `target` with the pip of `python`."""
    command = [str(python), "-m", "pip", "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    _run("install the wheel", command, paths, os.environ)


def versions_on_pypi(python: Path) -> list[str] | None:
    """Returns pyslurm's versions that pip finds, newest first, None if it cannot reach PyPI."""
    result = subprocess.run(
        [str(python), "-m", "pip", "--disable-pip-version-check", "index", "versions", "pyslurm"],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in result.stdout.splitlines():
        if line.startswith("Available versions:"):
            return [version.strip() for version in line.partition(":")[2].split(",")]
    return None


def make_environment(paths: BuildPaths, lock: str) -> Path:
    """Makes the environment of a build from a lock file, unless it exists, and returns its Python."""
    python = paths.folder / lock.removesuffix(".lock") / "bin" / "python"
    if not python.exists():
        command = [sys.executable, "-m", "venv", str(python.parent.parent)]
        _run("create the build environment", command, paths, os.environ)
        command = [str(python), "-m", "pip", "install", "--require-hashes", "--no-deps", "-r", str(paths.locks / lock)]
        _run("install the build's packages", command, paths, os.environ)
    return python


def download_from_pypi(wanted: Wanted, paths: BuildPaths) -> Path:
    """Downloads the source archive of a release from PyPI with pip, and returns its path.

    Raises:
        SourceUnusable: PyPI has no such release, or it cannot be reached.
    """
    python = make_environment(paths, CYTHON_3_LOCK)
    logger.info("Downloading pyslurm %s", wanted.name)
    wishes = paths.folder / "pyslurm.txt"
    checksum = f" --hash=sha256:{wanted.sha256}" if wanted.sha256 else ""
    wishes.write_text(f"pyslurm=={wanted.name}{checksum}\n", encoding="utf-8")
    out = paths.folder / "download"
    command = [str(python), "-m", "pip", "download", "--no-deps", "--no-binary=pyslurm", "--no-build-isolation"]
    advice = (
        f"\nIf PyPI has no pyslurm {wanted.name}: choose another with --pyslurm_version=X.Y.Z, name its source with "
        "--pyslurm_source=FOLDER, or let the service read the cluster with Slurm's commands (build.sh --no-pyslurm)."
    )
    _run(
        f"download pyslurm {wanted.name}", [*command, "--dest", str(out), "-r", str(wishes)], paths, os.environ, advice
    )
    return _only_file(out, "*.tar.gz")


def _only_file(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern)) if folder.is_dir() else []
    if len(found) != 1:
        raise SourceUnusable(
            f"Expected one {pattern} in {folder}, found {len(found)}: {[path.name for path in found]}."
        )
    return found[0]


def _run(step: str, command: Sequence[str], paths: BuildPaths, environ: Mapping[str, str], advice: str = "") -> None:
    with paths.log.open("ab") as log:
        log.write(f"$ {' '.join(command)}\n".encode())
        log.flush()
        start = log.tell()
        # A group of its own, so that an interruption ends pip's compilers, too.
        with subprocess.Popen(
            command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=paths.folder,
            start_new_session=True,
        ) as process:
            try:
                status = process.wait()
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
    if status != 0:
        written = paths.log.read_bytes()[start:].decode(errors="replace").splitlines()
        tail = "\n".join(f"    {line}" for line in written[-SHOWN_LINES:])
        raise SourceUnusable(f"Could not {step}. The end of the log {paths.log}:\n{tail}{advice}")

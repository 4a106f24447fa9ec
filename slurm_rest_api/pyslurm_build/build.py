"""Builds a wheel of pyslurm for this host's Slurm: downloads, adjusts and compiles it in the caller's folder."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.adjustments import adjustments_for
from slurm_rest_api.pyslurm_build.arguments import merged
from slurm_rest_api.pyslurm_build.choice import Choice
from slurm_rest_api.pyslurm_build.edits import apply_edit
from slurm_rest_api.pyslurm_build.host import SlurmHost
from slurm_rest_api.pyslurm_build.recipes import mark_version
from slurm_rest_api.pyslurm_build.versions import line_of

logger = logging.getLogger(__name__)

SHOWN_LINES = 20
MAX_JOBS = 2
"""Compilers that run at the same time. Each needs up to 1 GiB."""


@dataclass(frozen=True)
class BuildPaths:
    """Paths of a build: the scratch folder, the log of its commands, the lock file of its packages."""

    folder: Path
    log: Path
    lock: Path


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


def build_wheel(choice: Choice, host: SlurmHost, variables: Mapping[str, str], paths: BuildPaths) -> Path:
    """Builds a wheel and returns its path.

    Raises:
        SourceUnusable: names the failed step and the log.
    """
    python = _make_environment(paths)
    source = unpack(_download(choice, python, paths), paths.folder / "source")
    flags: list[str] = []
    mark_version(source, choice.version, host.line)
    for edit in (*adjustments_for(line_of(choice.version)), *(choice.recipe.edits if choice.recipe else ())):
        logger.info("  adjusting %s: %s", edit.path, edit.reason)
        apply_edit(source, edit)
    if choice.recipe is not None:
        for flag in choice.recipe.flags:
            logger.info("  compiling with %s: %s", flag.text, flag.reason)
            flags.append(flag.text)
    settings = {
        "SLURM_INCLUDE_DIR": str(host.include_dir),
        "SLURM_LIB_DIR": str(host.library.parent),
        "PYSLURM_BUILD_JOBS": str(min(MAX_JOBS, os.cpu_count() or 1)),
        "CFLAGS": " ".join(flags),
    }
    logger.info("Compiling pyslurm %s (about a minute; log: %s)", choice.version, paths.log)
    out = paths.folder / "wheels"
    command = [str(python), "-m", "pip", "wheel", "-v", "--no-deps", "--no-build-isolation", "--no-index"]
    _run(
        "compile pyslurm",
        [*command, "--wheel-dir", str(out), str(source)],
        paths,
        merged(os.environ, settings, variables),
    )
    return _only_file(out, "*.whl")


def install_wheel(wheel: Path, python: Path, paths: BuildPaths, target: Path | None = None) -> None:
    """Installs a wheel into the environment of `python`, or unpacks it into the folder `target`."""
    where = ["--target", str(target)] if target else ["--force-reinstall"]
    command = [str(python), "-m", "pip", "install", "--no-deps", "--no-index", *where, str(wheel)]
    _run("install the wheel", command, paths, os.environ)


def unpack(archive: Path, folder: Path) -> Path:
    """Unpacks a source archive into `folder` and returns the only folder in it.

    Raises:
        SourceUnusable: a path leads out of `folder`, or there is not exactly one folder.
    """
    # extractall(filter="data") needs Python 3.11.4, but Debian 12 has 3.11.2.
    with tarfile.open(archive) as tar:
        for member in tar:
            target = (folder / member.name).resolve()
            content = tar.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            if not target.is_relative_to(folder.resolve()):
                raise SourceUnusable(
                    f"{archive.name} has a path that leads out of it: {member.name}. It was not unpacked."
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.read())
    return _only_file(folder, "*")


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


def _make_environment(paths: BuildPaths) -> Path:
    python = paths.folder / "environment" / "bin" / "python"
    _run("create the build environment", [sys.executable, "-m", "venv", str(python.parent.parent)], paths, os.environ)
    command = [str(python), "-m", "pip", "install", "--require-hashes", "--no-deps", "-r", str(paths.lock)]
    _run("install the build's packages", command, paths, os.environ)
    return python


def _download(choice: Choice, python: Path, paths: BuildPaths) -> Path:
    logger.info("Downloading pyslurm %s", choice.version)
    wanted = paths.folder / "pyslurm.txt"
    checksum = f" --hash=sha256:{choice.sha256}" if choice.sha256 else ""
    wanted.write_text(f"pyslurm=={choice.version}{checksum}\n", encoding="utf-8")
    out = paths.folder / "download"
    command = [str(python), "-m", "pip", "download", "--no-deps", "--no-binary=pyslurm", "--no-build-isolation"]
    advice = (
        f"\nIf PyPI has no pyslurm {choice.version}: choose another with --pyslurm_version=X.Y.Z, or let the service "
        "read the cluster with Slurm's commands (build.sh --no-pyslurm)."
    )
    _run(
        f"download pyslurm {choice.version}",
        [*command, "--dest", str(out), "-r", str(wanted)],
        paths,
        os.environ,
        advice,
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
        done = subprocess.run(
            command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=paths.folder,
            check=False,
        )
    if done.returncode != 0:
        written = paths.log.read_bytes()[start:].decode(errors="replace").splitlines()
        tail = "\n".join(f"    {line}" for line in written[-SHOWN_LINES:])
        raise SourceUnusable(f"Could not {step}. The end of the log {paths.log}:\n{tail}{advice}")

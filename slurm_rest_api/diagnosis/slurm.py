"""Checks this host's Slurm, its commands and the installed pyslurm, from files and package metadata only."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from slurm_rest_api.diagnosis.finding import Finding
from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.fit import misfit
from slurm_rest_api.pyslurm_build.host import (
    PROGRAMS,
    SearchPaths,
    SlurmHost,
    find_commands,
    find_slurm,
    library_matches,
)
from slurm_rest_api.pyslurm_build.state import read_state
from slurm_rest_api.pyslurm_build.versions import line_of, slurm_line_text

_BUILD: Final = "Run `bash build.sh` on this host. It installs the pyslurm that fits its Slurm."
_NOT_INSTALLED: Final = "pyslurm is not installed in this Python environment."
_INSTALL: Final = (
    "Install Slurm's client commands (Debian: slurm-client, RHEL: slurm), or set `system.slurm_bin_dir` to their"
    " directory."
)


def check_slurm(
    environ: Mapping[str, str],
    pyslurm: str | None,
    environment: Path,
    place: SearchPaths | None = None,
    *,
    required: bool,
) -> list[Finding]:
    """Checks Slurm's files, and that the installed version `pyslurm` fits them (None: not installed).

    `environment` is the folder of the virtual environment, where build.sh records its build. Slurm's commands replace
    pyslurm unless it is `required`.
    """
    if pyslurm is None and not required:
        return [Finding("pyslurm", "ok", f"{_NOT_INSTALLED} Slurm's commands replace it.")]
    try:
        host = find_slurm(environ, place)
    except SourceUnusable as error:
        # Only building pyslurm needs the headers. The trial load reports if it works.
        return [Finding("Slurm", "warning" if pyslurm else "problem", str(error)), _installed(pyslurm)]
    return [_library(host), _fit(host, pyslurm, environment) if pyslurm else _installed(pyslurm)]


def check_commands(
    environ: Mapping[str, str], bin_dir: str | None, place: SearchPaths | None = None, *, required: bool
) -> Finding:
    """Checks that Slurm's commands are in `bin_dir`, or in PATH. Unless they are `required`, pyslurm replaces them."""
    where = bin_dir or environ.get("PATH") or os.defpath
    found = {program: shutil.which(program, path=where) for program in PROGRAMS}
    missing = [program for program, path in found.items() if path is None]
    if not missing:
        folders = dict.fromkeys(str(Path(path).parent) for path in found.values() if path)
        return Finding("commands", "ok", f"Found {', '.join(PROGRAMS)} in {', '.join(folders)}.")
    elsewhere = find_commands(place, environ)
    sentence = f"Slurm's commands are missing in {where}: {', '.join(missing)}."
    return Finding(
        "commands",
        "problem" if required else "warning",
        sentence if required else f"{sentence} They could not replace pyslurm.",
        _INSTALL if elsewhere is None else f"Set `system.slurm_bin_dir` to {elsewhere}.",
    )


def _library(host: SlurmHost) -> Finding:
    if library_matches(host):
        note = f" {host.note}." if host.note else ""
        return Finding("Slurm", "ok", f"Slurm {host.version}, library {host.library}.{note}")
    return Finding(
        "Slurm",
        "warning",
        f"The headers in {host.include_dir} are of Slurm {host.version}, but the library {host.library} is of another"
        " version.",
        "Install headers and library of the same Slurm, then run `bash build.sh`.",
    )


def _installed(pyslurm: str | None) -> Finding:
    if pyslurm is None:
        return Finding("pyslurm", "problem", _NOT_INSTALLED, _BUILD)
    return Finding("pyslurm", "ok", f"pyslurm {pyslurm} is installed.")


def _fit(host: SlurmHost, pyslurm: str, environment: Path) -> Finding:
    if reason := misfit(pyslurm, host.line, read_state(environment)):
        return Finding("pyslurm", "warning", f"{reason}.", _BUILD)
    if line_of(pyslurm) == host.line:
        return Finding("pyslurm", "ok", f"pyslurm {pyslurm}, for this host's Slurm {slurm_line_text(host.line)}.")
    mismatch = f"pyslurm {pyslurm} is for Slurm {slurm_line_text(line_of(pyslurm))}"
    return Finding("pyslurm", "ok", f"{mismatch}. build.sh adjusted it to this host's Slurm {host.version}.")

"""Checks this host's Slurm and the installed pyslurm, from files and package metadata only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from slurm_rest_api.diagnosis.finding import Finding
from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.pyslurm_build.host import SearchPaths, SlurmHost, find_slurm, library_matches
from slurm_rest_api.pyslurm_build.state import read_state
from slurm_rest_api.pyslurm_build.versions import line_of, slurm_line_text

_BUILD: Final = "Run `bash build.sh` on this host. It installs the pyslurm that fits its Slurm."


def check_slurm(
    environ: Mapping[str, str], pyslurm: str | None, environment: Path, place: SearchPaths | None = None
) -> list[Finding]:
    """Checks Slurm's files, and that the installed version `pyslurm` fits them (None: not installed).

    `environment` is the folder of the virtual environment, where build.sh records its build.
    """
    try:
        host = find_slurm(environ, place)
    except SourceUnusable as error:
        # Only building pyslurm needs the headers. The trial load reports if it works.
        return [Finding("Slurm", "warning" if pyslurm else "problem", str(error)), _installed(pyslurm)]
    return [_library(host), _fit(host, pyslurm, environment) if pyslurm else _installed(pyslurm)]


def _library(host: SlurmHost) -> Finding:
    if library_matches(host):
        return Finding("Slurm", "ok", f"Slurm {host.version}, library {host.library}.")
    return Finding(
        "Slurm",
        "warning",
        f"The headers in {host.include_dir} are of Slurm {host.version}, but the library {host.library} is of another"
        " version.",
        "Install headers and library of the same Slurm, then run `bash build.sh`.",
    )


def _installed(pyslurm: str | None) -> Finding:
    if pyslurm is None:
        return Finding("pyslurm", "problem", "pyslurm is not installed in this Python environment.", _BUILD)
    return Finding("pyslurm", "ok", f"pyslurm {pyslurm} is installed.")


def _fit(host: SlurmHost, pyslurm: str, environment: Path) -> Finding:
    if line_of(pyslurm) == host.line:
        return Finding("pyslurm", "ok", f"pyslurm {pyslurm}, for this host's Slurm {slurm_line_text(host.line)}.")
    state = read_state(environment)
    mismatch = f"pyslurm {pyslurm} is for Slurm {slurm_line_text(line_of(pyslurm))}"
    if state is not None and state.installed == pyslurm:
        return Finding("pyslurm", "ok", f"{mismatch}. build.sh adjusted it to this host's Slurm {host.version}.")
    return Finding("pyslurm", "warning", f"{mismatch}, but this host has Slurm {host.version}.", _BUILD)

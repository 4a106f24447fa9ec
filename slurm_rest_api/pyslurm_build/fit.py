"""Decides if a pyslurm fits a Slurm, from their versions and the record of build.sh."""

from __future__ import annotations

from slurm_rest_api.pyslurm_build.state import State
from slurm_rest_api.pyslurm_build.versions import Line, line_of, slurm_line_text


def misfit(pyslurm: str, slurm: Line, state: State | None) -> str | None:
    """Returns why `pyslurm`, a version, does not fit Slurm of the line `slurm`. None if it fits.

    It fits if both are of the same release line, or if build.sh tested this pyslurm with that line (`state`).
    A version without numbers cannot be compared and is taken to fit.
    """
    try:
        line = line_of(pyslurm)
    except ValueError:
        return None
    if line == slurm or (state is not None and _is_tested(state, pyslurm, slurm)):
        return None
    return f"pyslurm {pyslurm} is for Slurm {slurm_line_text(line)}, but this host has Slurm {slurm_line_text(slurm)}"


def _is_tested(state: State, pyslurm: str, slurm: Line) -> bool:
    """Returns True if the record is of this pair. A record of an earlier release has no `slurm`."""
    return state.installed == pyslurm and (state.slurm is None or line_of(state.slurm) == slurm)

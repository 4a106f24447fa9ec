"""Tries pyslurm in a child process first, because it may end, crash or block the process.

Without a usable slurm.conf libslurm calls `fatal()` in `slurm_init`, after a search of up to a minute. A pyslurm that
was built for another Slurm may crash, at the latest when it reads the layouts of jobs. As a program this module is the
child. It reads each part that pyslurm has, and checks what can be wrong in it.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import resource
import sys
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.processes.children import child_environment, die_with_parent
from slurm_rest_api.pyslurm_build.fit import misfit
from slurm_rest_api.pyslurm_build.smoke import ChildEnd, run_child
from slurm_rest_api.pyslurm_build.state import State
from slurm_rest_api.slurm.library_messages import library_fault
from slurm_rest_api.slurmapi.sources.part_reader import SNAPSHOT_PARTS
from slurm_rest_api.slurmapi.sources.pyslurm.abilities import part_faults
from slurm_rest_api.slurmapi.sources.pyslurm.module_facts import library_version, version_of
from slurm_rest_api.slurmapi.sources.pyslurm.part_trial import wrong_parts

logger = logging.getLogger(__name__)

NOT_INSTALLED: Final = "pyslurm is not installed"
_LONGEST_REASON: Final = 300
"""Letters of a reason, which every client sees in `meta.source_detail`."""


class Trial(NamedTuple):
    """The result of a trial.

    Attributes:
        reason: Why pyslurm cannot be used at all, None if it can.
        faults: By part of `parts.PARTS`, why pyslurm cannot give it.
    """

    reason: str | None
    faults: Mapping[str, str]


def try_pyslurm(seconds: float, state: State | None) -> Trial:
    """Tries pyslurm in a child process for at most `seconds`.

    `state` is the record of build.sh, None if there is none. The child loads the cluster once, as build.sh does. A
    slurmctld that does not answer is no fault.
    """
    environ = {**child_environment(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    end = run_child([sys.executable, "-P", "-m", __name__], environ, seconds)
    reason = fault_of(end, seconds, state)
    return Trial(None if reason is None else reason[:_LONGEST_REASON], end.facts.get("faults", {}))


def fault_of(end: ChildEnd, seconds: float, state: State | None) -> str | None:
    """Derives the reason from the end of the child."""
    facts = end.facts
    if "absent" in facts:
        return NOT_INSTALLED
    if "error" in facts:
        return f"pyslurm cannot be imported: {facts['error']}"
    is_imported = "version" in facts
    if is_imported:
        slurm = facts["slurm"]
        if slurm is not None and (reason := misfit(facts["version"], (slurm[0], slurm[1]), state)):
            return reason
    if end.finished or (is_imported and end.timed_out):
        return None
    step = "reading the cluster with pyslurm" if is_imported else "importing pyslurm"
    if end.timed_out:
        return f"{step} did not end within {seconds:g} s"
    if end.signal is not None:
        return f"{step} crashed with {end.signal}"
    last = [line.strip() for line in end.stderr.splitlines() if line.strip()][-1:] or ["no message"]
    ending = f"{step} ended its process with exit code {end.exit_code}"
    if is_imported:
        # The message may name nodes or jobs of hidden partitions, so it is for the log alone.
        logger.warning("%s: %s", ending, last[0])
        return ending
    fault = library_fault(end.stderr)
    return f"{ending}: {last[0] if fault is None else fault.cause}"


def main() -> None:
    """Imports pyslurm, loads the cluster and reports JSON lines. An unexpected error ends the process."""
    die_with_parent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _report(step="import")
    try:
        pyslurm: Any = importlib.import_module("pyslurm")
    except ModuleNotFoundError as error:
        if error.name == "pyslurm":
            _report(absent=True)
        else:
            _report(error=str(error))
    except ImportError as error:
        _report(error=str(error))
    else:
        faults = part_faults(pyslurm)
        parts = [part for part in SNAPSHOT_PARTS if part not in faults]
        _report(version=version_of(pyslurm), slurm=library_version(pyslurm), faults=faults)
        try:
            for part, reason in wrong_parts(pyslurm, parts, lambda part: _report(step=part)):
                faults[part] = reason
                _report(faults=faults)
        except SourceUnavailable as error:
            _report(unavailable=str(error))
        _report(done=True)


def _report(**fields: Any) -> None:
    # Bypasses Python's buffers, so that after a crash the last line is the last step.
    os.write(sys.stdout.fileno(), (json.dumps(fields) + "\n").encode())


if __name__ == "__main__":
    main()

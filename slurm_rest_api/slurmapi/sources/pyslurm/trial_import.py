"""Imports pyslurm in a child process first, because its import may end, crash or block the process.

Without a usable slurm.conf libslurm calls `fatal()` in `slurm_init`, after a search of up to a minute. A pyslurm that
was built for another Slurm may crash. As a program this module is the child.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
from typing import Any, Final

from slurm_rest_api.processes.children import child_environment, die_with_parent
from slurm_rest_api.pyslurm_build.fit import misfit
from slurm_rest_api.pyslurm_build.smoke import ChildEnd, run_child
from slurm_rest_api.pyslurm_build.state import State
from slurm_rest_api.slurmapi.sources.pyslurm.module_facts import library_version, missing_parts, version_of

NOT_INSTALLED: Final = "pyslurm is not installed"
_LONGEST_REASON: Final = 300
"""Letters of a reason, which every client sees in `meta.source_detail`."""


def import_fault(seconds: float, state: State | None) -> str | None:
    """Imports pyslurm in a child process for at most `seconds`. Returns why it cannot be used, None if it can.

    `state` is the record of build.sh, None if there is none.
    """
    environ = {**child_environment(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    end = run_child([sys.executable, "-P", "-m", __name__], environ, seconds)
    reason = fault_of(end, seconds, state)
    return None if reason is None else reason[:_LONGEST_REASON]


def fault_of(end: ChildEnd, seconds: float, state: State | None) -> str | None:
    """Derives the reason from the end of the child."""
    facts = end.facts
    if end.finished:
        if missing := facts["missing"]:
            return f"pyslurm {facts['version']} lacks {', '.join(missing)}"
        slurm = facts["slurm"]
        return None if slurm is None else misfit(facts["version"], (slurm[0], slurm[1]), state)
    if "absent" in facts:
        return NOT_INSTALLED
    if "error" in facts:
        return f"pyslurm cannot be imported: {facts['error']}"
    if end.timed_out:
        return f"importing pyslurm did not end within {seconds:g} s"
    if end.signal is not None:
        return f"importing pyslurm crashed with {end.signal}"
    last = [line.strip() for line in end.stderr.splitlines() if line.strip()][-1:] or ["no message"]
    return f"importing pyslurm ended its process with exit code {end.exit_code}: {last[0]}"


def main() -> None:
    """Imports pyslurm and reports JSON lines. An unexpected error ends the process."""
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
        slurm, missing = library_version(pyslurm), missing_parts(pyslurm)
        _report(version=version_of(pyslurm), slurm=slurm, missing=missing, done=True)


def _report(**fields: Any) -> None:
    # Bypasses Python's buffers, so that after a crash the last line is the last step.
    os.write(sys.stdout.fileno(), (json.dumps(fields) + "\n").encode())


if __name__ == "__main__":
    main()

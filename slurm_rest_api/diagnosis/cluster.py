"""Checks that the cluster can be read: loads it once, in a child process that may crash, exit or hang."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from slurm_rest_api.diagnosis.finding import Finding
from slurm_rest_api.pyslurm_build.smoke import ChildEnd, run_child
from slurm_rest_api.slurmapi.sources.detect import SLURM

TRIAL_COMMAND: Final = (sys.executable, "-m", "slurm_rest_api.diagnosis.trial_load")
TRIAL_SECONDS: Final = 90.0
"""Longer than libslurm's search for a slurm.conf (60 s) and the timeouts of a few RPCs (10 s each)."""

_LAST_LINES: Final = 3
_CONF: Final = (
    "Provide Slurm's configuration on this host: /etc/slurm/slurm.conf, a file named by SLURM_CONF, or a configless"
    " slurmctld found through DNS or sackd. `scontrol ping` must work as the user of this service."
)
_REBUILD: Final = "Run `bash build.sh` on this host: the installed pyslurm does not fit Slurm's library."
_CONTROLLER: Final = (
    "Run `scontrol ping` as the user of this service. Then check slurmctld's log, munge and clocks on both hosts, and"
    " the firewall (SlurmctldPort)."
)

_REFUSED: Final = "(Slurm error 2002)"
"""ESLURM_ACCESS_DENIED, as the source words it."""
_PRIVATE: Final = "slurmctld hides nodes or partitions from this user. See the finding about private data."


def check_load(command: Sequence[str], source: str, environ: Mapping[str, str], seconds: float) -> list[Finding]:
    """Runs `command`, which reports like `diagnosis.trial_load`, for at most `seconds`, and returns the findings."""
    end = run_child(command, _environment(environ), seconds)
    return slurm_findings(end, seconds) if source == SLURM else custom_source_findings(end, source, seconds)


def slurm_findings(end: ChildEnd, seconds: float) -> list[Finding]:
    """Derives findings about pyslurm and slurmctld from the end of a load through pyslurm."""
    if end.finished:
        return [_loads("pyslurm"), Finding("controller", "ok", _counts(end))]
    if "unavailable" in end.facts:
        message = _sentence(end.facts["unavailable"])
        remedy = _PRIVATE if _REFUSED in message else _CONTROLLER
        return [_loads("pyslurm"), Finding("controller", "problem", message, remedy)]
    if "unusable" in end.facts:
        return [Finding("pyslurm", "problem", _sentence(end.facts["unusable"]))]
    if end.timed_out and end.step == "load":
        message = f"slurmctld did not answer within {seconds:g} s.{_last_output(end)}"
        return [_loads("pyslurm"), Finding("controller", "problem", message, _CONTROLLER)]
    if end.timed_out:
        message = f"Importing pyslurm did not end within {seconds:g} s.{_last_output(end)}"
        return [Finding("pyslurm", "problem", message, _CONF)]
    if end.signal is not None:
        message = f"{_step_text(end)} crashed with {end.signal}.{_last_output(end)}"
        return [Finding("pyslurm", "problem", message, _REBUILD)]
    message = f"{_step_text(end)} ended the process with exit code {end.exit_code}.{_last_output(end)}"
    if end.step == "open":
        cause = "Slurm's library ends the process if there is no usable slurm.conf."
        return [Finding("pyslurm", "problem", f"{message} {cause}", _CONF)]
    return [Finding("pyslurm", "problem", message, _REBUILD)]


def controller_answered(findings: Sequence[Finding]) -> bool:
    """Returns True if slurmctld answered, even if it refused."""
    return any(
        finding.name == "controller" and (finding.verdict == "ok" or finding.remedy == _PRIVATE) for finding in findings
    )


def custom_source_findings(end: ChildEnd, source: str, seconds: float) -> list[Finding]:
    """Derives findings from the end of a load through a source of the site's own."""
    remedy = f"Fix the function in `system.source`: {source}."
    if end.finished:
        return [Finding("source", "ok", f"{source}: {_counts(end)}")]
    for key in ("unavailable", "unusable"):
        if key in end.facts:
            return [Finding("source", "problem", _sentence(end.facts[key]), remedy)]
    if end.timed_out:
        outcome = f"did not end within {seconds:g} s"
    else:
        outcome = f"crashed with {end.signal}" if end.signal else f"ended with exit code {end.exit_code}"
    return [Finding("source", "problem", f"A load of {source} {outcome}.{_last_output(end)}", remedy)]


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    # The child runs in /, but has to import the same modules as the loader, which starts in the current folder.
    return {**environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *filter(None, sys.path)])}


def _loads(name: str) -> Finding:
    return Finding(name, "ok", "Can be imported, and finds Slurm's configuration.")


def _counts(end: ChildEnd) -> str:
    facts = end.facts
    return (
        f"One load took {facts['seconds']:.2f} s and {facts['rpcs']} RPCs: {facts['jobs']} jobs,"
        f" {facts['nodes']} nodes, {facts['partitions']} partitions."
    )


def _step_text(end: ChildEnd) -> str:
    return "Reading the cluster" if end.step == "load" else "Importing pyslurm"


def _last_output(end: ChildEnd) -> str:
    last = [line.strip() for line in end.stderr.splitlines() if line.strip()][-_LAST_LINES:]
    return f" Its last output: {' / '.join(last)}" if last else ""


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."

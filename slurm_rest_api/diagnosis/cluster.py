"""Whether the cluster can be read: one load of everything, in a child process that may crash, exit or hang."""

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
"""More than the minute for which libslurm looks for a slurm.conf, and than the time-outs of a few RPCs (10 s each)."""

_LAST_LINES: Final = 3
_CONF: Final = (
    "Give this host Slurm's configuration: /etc/slurm/slurm.conf, or the file that SLURM_CONF names, or a configless"
    " slurmctld that it finds through DNS or sackd. `scontrol ping`, as the user of this service, must work first."
)
_REBUILD: Final = "Run bash build.sh on this host: the installed pyslurm does not fit Slurm's library."
_CONTROLLER: Final = (
    "See whether `scontrol ping` works here, as the user of this service; then slurmctld's log, munge on both hosts,"
    " the clocks, and the firewall (SlurmctldPort)."
)


_REFUSED: Final = "(Slurm error 2002)"
"""ESLURM_ACCESS_DENIED, in the words of the source."""
_PRIVATE: Final = "slurmctld knows this user and shows it no nodes or no partitions: see what is said of private data."


def check_load(command: Sequence[str], source: str, environ: Mapping[str, str], seconds: float) -> list[Finding]:
    """Run `command`, which reports as `diagnosis.trial` does, for at most `seconds`, and judge how it ended."""
    end = run_child(command, _environment(environ), seconds)
    return judge_slurm(end, seconds) if source == SLURM else judge_other(end, source, seconds)


def judge_slurm(end: ChildEnd, seconds: float) -> list[Finding]:
    """What the end of a load through pyslurm says about pyslurm and about slurmctld."""
    if end.finished:
        return [_loads("pyslurm"), Finding("controller", "ok", _counts(end))]
    if "unavailable" in end.facts:
        told = _sentence(end.facts["unavailable"])
        return [
            _loads("pyslurm"),
            Finding("controller", "problem", told, _PRIVATE if _REFUSED in told else _CONTROLLER),
        ]
    if "unusable" in end.facts:
        return [Finding("pyslurm", "problem", _sentence(end.facts["unusable"]))]
    if end.timed_out and end.step == "load":
        told = f"slurmctld did not answer within {seconds:g} s.{_said(end)}"
        return [_loads("pyslurm"), Finding("controller", "problem", told, _CONTROLLER)]
    if end.timed_out:
        told = f"Importing pyslurm did not end within {seconds:g} s.{_said(end)}"
        return [Finding("pyslurm", "problem", told, _CONF)]
    if end.signal is not None:
        return [Finding("pyslurm", "problem", f"{_doing(end)} crashed with {end.signal}.{_said(end)}", _REBUILD)]
    told = f"{_doing(end)} ended the process with exit code {end.exit_code}.{_said(end)}"
    if end.step == "open":
        return [Finding("pyslurm", "problem", f"{told} Slurm's library does that without a usable slurm.conf.", _CONF)]
    return [Finding("pyslurm", "problem", told, _REBUILD)]


def controller_answered(findings: Sequence[Finding]) -> bool:
    """Whether slurmctld can be reached, if only to refuse."""
    return any(
        finding.name == "controller" and (finding.verdict == "ok" or finding.remedy == _PRIVATE) for finding in findings
    )


def judge_other(end: ChildEnd, source: str, seconds: float) -> list[Finding]:
    """What the end of a load says about a source of the site's own."""
    remedy = f"Repair the function that system.source names ({source})."
    if end.finished:
        return [Finding("source", "ok", f"{source}: {_counts(end)}")]
    for key in ("unavailable", "unusable"):
        if key in end.facts:
            return [Finding("source", "problem", _sentence(end.facts[key]), remedy)]
    if end.timed_out:
        how = f"did not end within {seconds:g} s"
    else:
        how = f"crashed with {end.signal}" if end.signal else f"ended with exit code {end.exit_code}"
    return [Finding("source", "problem", f"A load of {source} {how}.{_said(end)}", remedy)]


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    # The child runs in / and has to import what this process and the collector's loader, started here, can.
    return {**environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *filter(None, sys.path)])}


def _loads(name: str) -> Finding:
    return Finding(name, "ok", "Can be imported and finds Slurm's configuration.")


def _counts(end: ChildEnd) -> str:
    facts = end.facts
    return (
        f"One load took {facts['seconds']:.2f} s and {facts['rpcs']} RPCs: {facts['jobs']} jobs,"
        f" {facts['nodes']} nodes, {facts['partitions']} partitions."
    )


def _doing(end: ChildEnd) -> str:
    return "Reading the cluster" if end.step == "load" else "Importing pyslurm"


def _said(end: ChildEnd) -> str:
    last = [line.strip() for line in end.stderr.splitlines() if line.strip()][-_LAST_LINES:]
    return f" It said last: {' / '.join(last)}" if last else ""


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."

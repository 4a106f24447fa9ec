"""Checks that the cluster can be read: loads it once, in a child process that may crash, exit or hang."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from slurm_rest_api.diagnosis.finding import Finding
from slurm_rest_api.pyslurm_build.smoke import ChildEnd, run_child
from slurm_rest_api.slurm.library_messages import CONFIGURATION, REBUILD, library_fault
from slurm_rest_api.slurmapi.sources.detect import COMMANDS, KINDS_OF_SLURM, PYSLURM
from slurm_rest_api.slurmapi.sources.part_reader import SNAPSHOT_PARTS
from slurm_rest_api.slurmapi.sources.parts import origins_from_json, origins_text
from slurm_rest_api.slurmapi.sources.pyslurm.trial_import import NOT_INSTALLED

TRIAL_COMMAND: Final = (sys.executable, "-m", "slurm_rest_api.diagnosis.trial_load")
TRIAL_SECONDS: Final = 90.0
"""Longer than libslurm's search for a slurm.conf (60 s) and the timeouts of a few RPCs (10 s each)."""

_LAST_LINES: Final = 3
_FALLBACK: Final = (
    "Run `bash build.sh` on this host, or set `system.source` to slurm:commands if the commands are intended."
)
_CONTROLLER: Final = (
    "Run `scontrol ping` as the user of this service. Then check slurmctld's log, munge and clocks on both hosts, and"
    " the firewall (SlurmctldPort)."
)

_REFUSED: Final = ("(Slurm error 2002)", "Access/permission denied")
"""ESLURM_ACCESS_DENIED, as pyslurm's source and Slurm's commands word it."""
_PRIVATE: Final = "slurmctld hides nodes or partitions from this user. See the finding about private data."


def check_load(command: Sequence[str], source: str, environ: Mapping[str, str], seconds: float) -> list[Finding]:
    """Runs `command`, which reports like `diagnosis.trial_load`, for at most `seconds`, and returns the findings."""
    end = run_child(command, _environment(environ), seconds)
    if source in KINDS_OF_SLURM:
        return slurm_findings(end, source, seconds)
    return custom_source_findings(end, source, seconds)


def slurm_findings(end: ChildEnd, source: str, seconds: float) -> list[Finding]:
    """Derives findings about the source and slurmctld from the end of a load of a real Slurm."""
    if end.finished:
        return [_opened(end), Finding("controller", "ok", _counts(end))]
    if "unavailable" in end.facts:
        message = _sentence(end.facts["unavailable"])
        remedy = _PRIVATE if any(text in message for text in _REFUSED) else _remedy(message, _CONTROLLER)
        opened = [_opened(end)] if end.step == "load" else []
        return [*opened, Finding("controller", "problem", message, remedy)]
    if "unusable" in end.facts:
        message = _sentence(end.facts["unusable"])
        return [Finding("source", "problem", message, _remedy(message, None))]
    if end.timed_out and end.step == "load":
        message = f"slurmctld did not answer within {seconds:g} s.{_last_output(end)}"
        return [_opened(end), Finding("controller", "problem", message, _CONTROLLER)]
    return [_broken_off(end, source, seconds)]


def _broken_off(end: ChildEnd, source: str, seconds: float) -> Finding:
    """Returns the finding about a child that exited, crashed or took too long without a report of its own."""
    if end.step == "load":
        step = "Reading the cluster"
    else:
        # With `slurm` pyslurm is imported in a child of the child.
        step = "Importing pyslurm" if source == PYSLURM else "Opening the source"
    if end.timed_out:
        message = f"{step} did not end within {seconds:g} s.{_last_output(end)}"
        return Finding("source", "problem", message, _remedy(end.stderr, CONFIGURATION))
    remedy = None if source == COMMANDS else REBUILD
    if end.signal is not None:
        return Finding("source", "problem", f"{step} crashed with {end.signal}.{_last_output(end)}", remedy)
    message = f"{step} ended the process with exit code {end.exit_code}.{_last_output(end)}"
    if end.step == "open" and source == PYSLURM:
        if fault := library_fault(end.stderr):
            return Finding("source", "problem", f"{step} ended the process, because {fault.cause}.", fault.remedy)
        cause = "Slurm's library ends the process if there is no usable slurm.conf."
        return Finding("source", "problem", f"{message} {cause}", CONFIGURATION)
    return Finding("source", "problem", message, _remedy(end.stderr, remedy))


def _remedy(text: str, otherwise: str | None) -> str | None:
    """Returns the advice for the cause that a text names."""
    fault = library_fault(text)
    return otherwise if fault is None else fault.remedy


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


def _opened(end: ChildEnd) -> Finding:
    """Returns the finding about the source that was opened.

    It is a warning if pyslurm is installed but cannot give a part that is read.
    """
    origins = origins_from_json(end.facts.get("parts", ()))
    sentence = f"The service reads the cluster with {end.facts['detail']}."
    if origins:
        sentence += f" Parts: {origins_text(origins)}."
    reasons = {row.why for row in origins if row.part in SNAPSHOT_PARTS}
    if reasons <= {None, NOT_INSTALLED}:
        return Finding("source", "ok", sentence)
    return Finding("source", "warning", sentence, _remedy(sentence, _FALLBACK))


def _counts(end: ChildEnd) -> str:
    facts = end.facts
    return (
        f"One load took {facts['seconds']:.2f} s and {facts['rpcs']} RPCs: {facts['jobs']} jobs,"
        f" {facts['nodes']} nodes, {facts['partitions']} partitions."
    )


def _last_output(end: ChildEnd) -> str:
    last = [line.strip() for line in end.stderr.splitlines() if line.strip()][-_LAST_LINES:]
    return f" Its last output: {' / '.join(last)}" if last else ""


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."

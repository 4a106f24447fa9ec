"""Checks that pyslurm says the same as Slurm's commands, in a child process that may crash, exit or hang."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from slurm_rest_api.diagnosis.finding import Finding
from slurm_rest_api.pyslurm_build.smoke import COMPARISON_MODULE, COMPARISON_SECONDS, ChildEnd, run_child
from slurm_rest_api.slurm.library_messages import library_fault

COMPARISON_COMMAND: Final = (sys.executable, "-P", "-m", COMPARISON_MODULE)

_NAME: Final = "comparison"
_DIFFERS: Final = (
    "Run `bash build.sh` on this host. Where the difference remains, set `system.source` to slurm:commands, and report"
    " it with the versions of Slurm and pyslurm."
)


def check_comparison(
    command: Sequence[str], environ: Mapping[str, str], bin_dir: str | None, seconds: float = COMPARISON_SECONDS
) -> list[Finding]:
    """Runs `command`, which reports like `sources.proof_trial`, for at most `seconds`, and returns the findings.

    `bin_dir` is the folder of Slurm's commands, None for PATH. No pyslurm is no finding.
    """
    environ = {**environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    end = run_child([*command, *(("--bin_dir", bin_dir) if bin_dir else ())], environ, seconds)
    return comparison_findings(end, seconds)


def comparison_findings(end: ChildEnd, seconds: float) -> list[Finding]:
    """Derives the findings from the end of the child."""
    facts = end.facts
    if "absent" in facts:
        return []
    if not end.finished:
        return [Finding(_NAME, "warning", f"pyslurm was not compared with Slurm's commands: {_end(end, seconds)}.")]
    if facts["record"]["uncompared"] is not None:
        sentence = f"pyslurm was not compared with Slurm's commands: {facts['record']['uncompared']}"
        return [Finding(_NAME, "ok", _sentence(sentence))]
    gaps = f" Not compared: {'; '.join(facts['gaps'])}." if facts["gaps"] else ""
    sentence = f"pyslurm against Slurm's commands: {facts['summary']}.{gaps}"
    if not facts["named"]:
        return [Finding(_NAME, "ok", sentence)]
    named = "".join(f"\n{text}" for text in facts["named"])
    return [Finding(_NAME, "warning", f"{sentence} The first ones:{named}", _DIFFERS)]


def _end(end: ChildEnd, seconds: float) -> str:
    for fact in ("unavailable", "error"):
        if fact in end.facts:
            return str(end.facts[fact]).rstrip(".")
    fault = library_fault(end.stderr)
    return end.describe(seconds).rstrip(".") if fault is None else fault.cause


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."

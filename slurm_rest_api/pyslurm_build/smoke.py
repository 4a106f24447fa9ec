"""Tests a pyslurm in child processes, so that a crash, hang or exit becomes a finding."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slurm_rest_api.pyslurm_build.host import PROGRAMS, find_commands
from slurm_rest_api.slurm.library_messages import library_fault

PROBE = Path(__file__).with_name("probe.py")
IMPORT_SECONDS = 30.0
COMPARISON_MODULE = "slurm_rest_api.slurmapi.sources.proof_trial"
CONTROLLER_SECONDS = 90.0
"""Longer than MessageTimeout (10 s) of each RPC, and than libslurm's search for a slurm.conf (60 s)."""
COMPARISON_SECONDS = 300.0
"""Up to four loads of a large cluster with pyslurm, and three with Slurm's commands."""

_LIVE = ("jobs", "nodes", "partitions")


@dataclass(frozen=True)
class ChildEnd:
    """The end of a child process: by itself, by `signal`, or `timed_out`. `facts` merges all lines that it reported."""

    step: str
    facts: Mapping[str, Any]
    exit_code: int | None
    signal: str | None
    timed_out: bool
    stderr: str

    @property
    def finished(self) -> bool:
        return self.facts.get("done") is True and self.exit_code == 0

    def describe(self, seconds: float) -> str:
        """Describes the end of a child that did not finish. `seconds` was its time limit."""
        where = f"in step '{self.step}'"
        last = self.stderr.strip().splitlines()[-1:] or ["no message"]
        if self.timed_out:
            return f"it did not finish within {seconds:.0f} s {where}"
        if self.signal is not None:
            return f"it crashed with {self.signal} {where}"
        if "error" in self.facts:
            return f"it failed {where}: {self.facts['error']}"
        return f"it exited with status {self.exit_code} {where}: {last[0]}"


@dataclass(frozen=True)
class SmokeResult:
    """The result of the test of a pyslurm. `failure` is None if it passed.

    `proof` is the record of the comparison with Slurm's commands (`slurmapi.sources.proof_record`), None if there was
    no comparison.
    """

    tested: list[str] = field(default_factory=list)
    untested: list[str] = field(default_factory=list)
    failure: str | None = None
    proof: Mapping[str, Any] | None = None

    def __add__(self, other: SmokeResult) -> SmokeResult:
        return SmokeResult(
            self.tested + other.tested,
            self.untested + other.untested,
            self.failure or other.failure,
            self.proof or other.proof,
        )


def run_child(command: Sequence[str], environ: Mapping[str, str], seconds: float) -> ChildEnd:
    """Runs a program that reports JSON lines, for at most `seconds`, and returns how it ended, without raising."""
    timed_out = False
    with subprocess.Popen(
        command, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/"
    ) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            timed_out = True
            process.kill()
            out, err = process.communicate()
        status = process.returncode
    facts: dict[str, Any] = {}
    for line in out.decode(errors="replace").splitlines():
        facts |= _parsed(line)
    return ChildEnd(
        step=str(facts.get("step", "start")),
        facts=facts,
        exit_code=status if status >= 0 else None,
        signal=signal.Signals(-status).name if status < 0 and not timed_out else None,
        timed_out=timed_out,
        stderr=err.decode(errors="replace"),
    )


def smoke_test(
    python: Path,
    environ: Mapping[str, str],
    extra_path: Path | None = None,
    *,
    commands: Path | None = None,
) -> SmokeResult:
    """Tests the pyslurm that `python` imports, or the one in the folder `extra_path`.

    First it imports pyslurm without Slurm's configuration, which resolves every symbol. Then, if a controller answers,
    it reads jobs, nodes, partitions, statistics and the layout of running jobs. Last it compares them with what Slurm's
    commands say at the same moment. That takes a few seconds, or a minute if slurmctld hangs.

    `commands` is the folder of Slurm's commands. They are searched if it is None.
    """
    base = dict(environ)
    base.pop("PYSLURM_DISABLE_AUTO_INIT", None)
    if extra_path is not None:
        base["PYTHONPATH"] = str(extra_path)
    # -P: keeps the folder of the probe out of the module search path.
    command = [str(python), "-P", str(PROBE)]
    result = symbols_result(
        run_child([*command, "symbols"], {**base, "PYSLURM_DISABLE_AUTO_INIT": "1"}, IMPORT_SECONDS)
    )
    if result.failure is not None:
        return result
    controller = run_child([*command, "controller"], base, CONTROLLER_SECONDS)
    result += controller_result(controller)
    if result.failure is not None or not controller.finished:
        return result
    folder = commands or find_commands(None, environ)
    if folder is None:
        gap = f"comparing it with Slurm's commands: they are missing ({', '.join(PROGRAMS)})"
        return result + SmokeResult(untested=[gap])
    paths = [str(extra_path)] if extra_path is not None else []
    base["PYTHONPATH"] = os.pathsep.join([*paths, *filter(None, sys.path)])
    command = [str(python), "-P", "-m", COMPARISON_MODULE, "--bin_dir", str(folder)]
    return result + comparison_result(run_child(command, base, COMPARISON_SECONDS))


def symbols_result(end: ChildEnd) -> SmokeResult:
    """Derives the result from the end of the mode `symbols`."""
    if end.finished:
        return SmokeResult(tested=["pyslurm can be imported, and this host's libslurmfull has all its symbols"])
    if end.exit_code and "error" not in end.facts:
        # Older releases always initialize Slurm's library, which ends the process if there is no slurm.conf.
        return SmokeResult(untested=[f"importing pyslurm: {_cause(end)}"])
    return SmokeResult(failure=f"Importing pyslurm: {end.describe(IMPORT_SECONDS)}")


def controller_result(end: ChildEnd) -> SmokeResult:
    """Derives the result from the end of the mode `controller`. An unreachable cluster is not a failure."""
    facts = end.facts
    counts = [f"{facts[kind]} {kind}" for kind in ("jobs", "nodes", "partitions") if kind in facts]
    tested = [f"loaded from the controller: {', '.join(counts)}"] if counts else []
    if end.finished:
        if facts.get("lacks"):
            tested.append(f"it lacks {', '.join(facts['lacks'])}, which Slurm's commands replace")
        if "layouts" not in facts:
            return SmokeResult(tested)
        if facts["layouts"]:
            return SmokeResult([*tested, f"read the allocation per node of {facts['layouts']} running jobs"])
        return SmokeResult(tested, ["the allocation per node of running jobs: no job was running"])
    if "unavailable" in facts:
        return SmokeResult(tested, [f"reading the cluster: the controller did not answer ({facts['unavailable']})"])
    if end.timed_out and end.step != "layout":
        return SmokeResult(
            tested, [f"reading the cluster: {end.describe(CONTROLLER_SECONDS)}. Is slurmctld reachable?"]
        )
    if end.exit_code and "error" not in facts and end.step == "import":
        return SmokeResult(tested, [f"reading the cluster: {_cause(end)}"])
    return SmokeResult(tested, failure=f"Reading the cluster: {end.describe(CONTROLLER_SECONDS)}")


def comparison_result(end: ChildEnd) -> SmokeResult:
    """Derives the result from the end of the comparison. A part that differs is read with Slurm's commands instead."""
    facts = end.facts
    what = "comparing it with Slurm's commands"
    if "unavailable" in facts:
        return SmokeResult(untested=[f"{what}: {facts['unavailable']}"])
    if end.signal is not None:
        return SmokeResult(failure=f"Comparing it with Slurm's commands: {end.describe(COMPARISON_SECONDS)}")
    if not end.finished:
        return SmokeResult(untested=[f"{what}: {end.describe(COMPARISON_SECONDS)}"])
    gaps = [f"{what}: {gap}" for gap in facts["gaps"]]
    if facts["record"]["uncompared"] is not None:
        return SmokeResult(untested=gaps, proof=facts["record"])
    lines = [f"with Slurm's commands: {facts['summary']}", *(f"  {text}" for text in facts["named"])]
    others = [part for part in _LIVE if part not in facts["usable"]]
    reasons = "; ".join(dict.fromkeys(facts["faults"][part] for part in others if part in facts["faults"]))
    if len(others) == len(_LIVE):
        differences = "; ".join(filter(None, [reasons, facts["summary"], *facts["named"]]))
        return SmokeResult(failure=f"It gives none of {', '.join(_LIVE)} rightly: {differences}", proof=facts["record"])
    if others:
        because = f", because {reasons}" if reasons else ""
        lines.append(f"The service reads {', '.join(others)} with Slurm's commands{because}")
    return SmokeResult(lines, gaps, proof=facts["record"])


def _cause(end: ChildEnd) -> str:
    """Returns why Slurm's library ended the process during the import."""
    fault = library_fault(end.stderr)
    return end.describe(IMPORT_SECONDS) if fault is None else f"{fault.cause}. {fault.remedy}"


def _parsed(line: str) -> dict[str, Any]:
    # Slurm's library may write its own lines between the reports.
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}

"""Proves a pyslurm in processes of its own: a crash, a hang or an exit in there becomes a finding, never silence."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROBE = Path(__file__).with_name("probe.py")
IMPORT_SECONDS = 30.0
CONTROLLER_SECONDS = 90.0
"""More than MessageTimeout (10 s) for each request, and than the minute that libslurm waits for a slurm.conf."""


@dataclass(frozen=True)
class ChildEnd:
    """How a child process ended: by itself, by `signal`, or `timed_out`; `facts` is all that it reported."""

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
        """Say in words how it ended, for somebody who expected it to finish."""
        where = f"in step '{self.step}'"
        last = self.stderr.strip().splitlines()[-1:] or ["no message"]
        if self.timed_out:
            return f"it did not finish within {seconds:.0f} s {where}"
        if self.signal is not None:
            return f"it crashed with {self.signal} {where}"
        if "error" in self.facts:
            return f"it failed {where}: {self.facts['error']}"
        return f"it ended itself with status {self.exit_code} {where}: {last[0]}"


@dataclass(frozen=True)
class Proof:
    """What is known about a pyslurm afterwards; `failure` is None where nothing speaks against it."""

    proven: list[str] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)
    failure: str | None = None


def run_child(command: Sequence[str], environ: Mapping[str, str], seconds: float) -> ChildEnd:
    """Run a program that reports JSON lines, for at most `seconds`; never raises for the way it ends."""
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


def prove(python: Path, environ: Mapping[str, str], extra_path: Path | None = None) -> Proof:
    """Prove the pyslurm that `python` imports, or the one in the folder `extra_path`.

    First that it loads with every symbol resolved, without Slurm's configuration; then, as far as a controller
    answers, that jobs, nodes, partitions, statistics and the layout of running jobs can be read. Takes about a
    second; a minute where slurmctld hangs.
    """
    base = dict(environ)
    base.pop("PYSLURM_DISABLE_AUTO_INIT", None)
    if extra_path is not None:
        base["PYTHONPATH"] = str(extra_path)
    # -P: the probe's own folder must not be searched for modules.
    command = [str(python), "-P", str(PROBE)]
    symbols = run_child([*command, "symbols"], {**base, "PYSLURM_DISABLE_AUTO_INIT": "1"}, IMPORT_SECONDS)
    proof = judge_symbols(symbols)
    if proof.failure is not None:
        return proof
    controller = judge_controller(run_child([*command, "controller"], base, CONTROLLER_SECONDS))
    return Proof(proof.proven + controller.proven, proof.unproven + controller.unproven, controller.failure)


def judge_symbols(end: ChildEnd) -> Proof:
    """Judge the end of the probe's mode `symbols`."""
    if end.finished:
        return Proof(proven=["pyslurm imports, and this host's libslurmfull has every symbol that it needs"])
    if end.exit_code and "error" not in end.facts:
        # Older releases always initialise Slurm's library, which ends the process without a slurm.conf.
        return Proof(unproven=[f"importing pyslurm: {end.describe(IMPORT_SECONDS)}"])
    return Proof(failure=f"Importing pyslurm: {end.describe(IMPORT_SECONDS)}")


def judge_controller(end: ChildEnd) -> Proof:
    """Judge the end of the probe's mode `controller`: what the cluster does not allow to prove is no failure."""
    facts = end.facts
    counts = [f"{facts[kind]} {kind}" for kind in ("jobs", "nodes", "partitions") if kind in facts]
    proven = [f"loaded from the controller: {', '.join(counts)}"] if counts else []
    if end.finished:
        if facts.get("layouts"):
            return Proof([*proven, f"read the allocation per node of {facts['layouts']} running jobs"])
        return Proof(proven, ["the allocation per node of running jobs: no job was running"])
    if "unavailable" in facts:
        return Proof(proven, [f"reading the cluster: the controller did not answer ({facts['unavailable']})"])
    if end.timed_out and end.step != "layout":
        return Proof(proven, [f"reading the cluster: {end.describe(CONTROLLER_SECONDS)}; is slurmctld reachable?"])
    if end.exit_code and "error" not in facts and end.step == "import":
        return Proof(proven, [f"reading the cluster: Slurm's library found no usable slurm.conf ({end.describe(0)})"])
    return Proof(proven, failure=f"Reading the cluster: {end.describe(CONTROLLER_SECONDS)}")


def _parsed(line: str) -> dict[str, Any]:
    # Slurm's library may write lines of its own between the reports.
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}

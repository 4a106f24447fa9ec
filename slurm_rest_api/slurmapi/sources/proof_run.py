"""Compares pyslurm with Slurm's commands once for each pyslurm and Slurm, and keeps the result."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slurm_rest_api.processes.children import child_environment
from slurm_rest_api.pyslurm_build.smoke import COMPARISON_MODULE, ChildEnd, run_child
from slurm_rest_api.pyslurm_build.state import State
from slurm_rest_api.slurmapi.sources.proof_record import (
    Identity,
    ProofRecord,
    read_record,
    record_from_json,
    write_record,
)

logger = logging.getLogger(__name__)

COMMAND: Final = (sys.executable, "-P", "-m", COMPARISON_MODULE)


@dataclass(frozen=True)
class ProofSettings:
    """Settings of the comparison.

    Attributes:
        folder: Folder of the record, None for the record of build.sh alone.
        seconds: Time limit. With 0 only records are read.
        bin_dir: Directory of Slurm's commands, None for PATH.
    """

    folder: Path | None = None
    seconds: float = 0.0
    bin_dir: str | None = None


def compare_once(
    identity: Identity,
    state: State | None,
    settings: ProofSettings,
    *,
    command: Sequence[str] = COMMAND,
    clock: Callable[[], float] = time.time,
) -> dict[str, str]:
    """Returns by part why it cannot be taken from the pyslurm of `identity`.

    The newest record of this pyslurm and this Slurm counts: that of build.sh (`state`), or one in the folder. Without
    one, which is after an upgrade, a child process compares them, and the result is recorded. What fails because
    slurmctld does not answer is tried again at the next start.
    """
    record = _newest(identity, state, settings.folder)
    if record is not None and record.holds(identity, clock()):
        return record.faults
    if settings.folder is None or not settings.seconds:
        return {} if record is None else record.faults
    environ = {**child_environment(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    options = (
        "--command_seconds",
        str(settings.seconds),
        *(("--bin_dir", settings.bin_dir) if settings.bin_dir else ()),
    )
    end = run_child([*command, *options], environ, settings.seconds)
    new = _record_of(end, identity, settings.seconds, clock())
    if new is not None:
        write_record(settings.folder, new)
        record = new
    return {} if record is None else record.faults


def _newest(identity: Identity, state: State | None, folder: Path | None) -> ProofRecord | None:
    found = [None if folder is None else read_record(folder), _record_in(state)]
    matching = [record for record in found if record is not None and dict(record.identity) == dict(identity)]
    return max(matching, key=lambda record: record.compared_at, default=None)


def _record_in(state: State | None) -> ProofRecord | None:
    """Returns the record of build.sh. States of earlier releases have none."""
    if state is None or state.proof is None:
        return None
    try:
        return record_from_json(state.proof)
    except ValueError as error:
        logger.warning("Ignoring the comparison that build.sh recorded: %s", error)
        return None


def _record_of(end: ChildEnd, identity: Identity, seconds: float, now: float) -> ProofRecord | None:
    """Returns the record of the child that ended. None if the comparison is to be tried again."""
    if end.finished and "record" in end.facts:
        # Names of nodes and ids of jobs are for the log alone.
        for text in end.facts["named"]:
            logger.warning("pyslurm differs from Slurm's commands: %s", text)
        logger.info("pyslurm against Slurm's commands: %s", end.facts["summary"])
        record = record_from_json(end.facts["record"])
        # The child may have loaded more of pyslurm. The identity is that of the process that asks again.
        return ProofRecord(identity, record.compared_at, record.result, record.uncompared)
    reason = end.facts.get("unavailable") or end.describe(seconds)
    logger.warning("pyslurm was not compared with Slurm's commands: %s", reason)
    if end.timed_out:
        return ProofRecord(identity, now, uncompared=f"the comparison did not end within {seconds:g} s")
    return None

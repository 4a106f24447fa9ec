"""The child process that compares pyslurm with Slurm's commands, and reports JSON lines.

It is a separate process because pyslurm may end it, crash it or block it. build.sh, `check` and the collector run it as
a program.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from typing import Any

from slurm_rest_api.errors import SourceUnavailable, SourceUnusable
from slurm_rest_api.processes.children import die_with_parent
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.commands.source import open_commands
from slurm_rest_api.slurmapi.sources.comparison import summary
from slurm_rest_api.slurmapi.sources.part_reader import SNAPSHOT_PARTS
from slurm_rest_api.slurmapi.sources.proof import prove
from slurm_rest_api.slurmapi.sources.proof_record import ProofRecord, identity_of
from slurm_rest_api.slurmapi.sources.pyslurm.abilities import part_faults
from slurm_rest_api.slurmapi.sources.pyslurm.part_trial import wrong_parts
from slurm_rest_api.slurmapi.sources.pyslurm.source import PyslurmSource


def main(arguments: Sequence[str]) -> None:
    """Compares once and reports the outcome. An unexpected error ends the process.

    Reported fields: `absent` or `error` (pyslurm cannot be imported), `faults` (by part, why pyslurm cannot give it),
    `unavailable` (slurmctld or a command failed), `record` (see `ProofRecord.as_json`), `usable` (the parts that can be
    taken from pyslurm), `summary`, `named` and `gaps` (texts for the administrator), `done`.
    """
    die_with_parent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # libslurm truncates the task indexes of an array at 64 letters by default. 0 is never.
    os.environ["SLURM_BITSTR_LEN"] = "0"
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin_dir", help="directory of Slurm's commands, PATH by default")
    parser.add_argument("--command_seconds", type=float, default=60.0, help="time limit of one command")
    options = parser.parse_args(arguments)
    _report(step="import")
    try:
        pyslurm: Any = importlib.import_module("pyslurm")
    except ImportError as error:
        _report(**({"absent": True} if getattr(error, "name", None) == "pyslurm" else {"error": str(error)}))
        return
    try:
        _report(**_compare(pyslurm, options.bin_dir or None, options.command_seconds), done=True)
    except SourceUnavailable as error:
        _report(unavailable=str(error))


def _compare(pyslurm: Any, bin_dir: str | None, seconds: float) -> dict[str, Any]:
    identity = identity_of(pyslurm)
    faults = part_faults(pyslurm)
    parts = [part for part in SNAPSHOT_PARTS if part not in faults]
    faults |= wrong_parts(pyslurm, parts, lambda part: _report(step=part))
    parts = [part for part in parts if part not in faults]
    _report(step="comparison", faults=faults)
    try:
        commands = open_commands(bin_dir, seconds)
    except SourceUnusable as error:
        return _facts(ProofRecord(identity, time.time(), uncompared=str(error)), parts)
    if not parts:
        return _facts(ProofRecord(identity, time.time(), uncompared="pyslurm has no part that can be compared"), parts)
    result = prove(PyslurmSource(pyslurm, UserNames()), commands, parts)
    return _facts(ProofRecord(identity, time.time(), result), parts)


def _facts(record: ProofRecord, parts: Sequence[str]) -> dict[str, Any]:
    return {
        "record": record.as_json(),
        "usable": [part for part in parts if part not in record.faults],
        "summary": summary(record.result),
        "named": [text for found in record.result.values() for text in found.named],
        "gaps": record.gaps,
    }


def _report(**fields: Any) -> None:
    # Bypasses Python's buffers, so that after a crash the last line is the last step.
    os.write(sys.stdout.fileno(), (json.dumps(fields) + "\n").encode())


if __name__ == "__main__":
    main(sys.argv[1:])

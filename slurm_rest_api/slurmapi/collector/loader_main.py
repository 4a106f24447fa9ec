"""The process that imports pyslurm: runs a cycle each time its parent asks, over a pipe of JSON lines.

It is a process of its own because libslurm may end it at any time (`fatal()` in `slurm_init`), may block it
for minutes with the GIL held, and may crash it. `slurmapi.loader_process` is the parent's end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import IO, Any

import psutil

from slurm_rest_api.errors import ServiceError
from slurm_rest_api.processes.children import die_with_parent
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.sources.detect import open_source
from slurm_rest_api.slurmapi.store.writer import StoreWriter


def main() -> None:
    """Read the specification (first line of standard input), then answer every further line with a report."""
    die_with_parent()
    # Ctrl-C in a terminal reaches the whole group; the parent decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = _take_over_stdout()
    specification = json.loads(sys.stdin.readline())
    cycle: Cycle | None = None
    for _request in sys.stdin:
        try:
            cycle = cycle or _open_cycle(specification)
            report = cycle.run()
        except ServiceError as error:
            _answer(answers, {"error": str(error)})
        else:
            _answer(answers, {"report": vars(report), "rss_bytes": psutil.Process().memory_info().rss})


def _open_cycle(specification: dict[str, Any]) -> Cycle:
    return Cycle(
        source=open_source(specification["source"]),
        writer=StoreWriter(Path(specification["store"])),
        hidden=specification["hidden"],
        refresh_seconds=specification["refresh_seconds"],
    )


def _take_over_stdout() -> IO[str]:
    """Keep standard output for answers alone: pyslurm prints there about TRES that it does not know."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


def _answer(answers: IO[str], message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")


if __name__ == "__main__":
    main()

"""The loader process, which reads Slurm: runs one cycle for each request of its parent.

It is a separate process because libslurm may end it (`fatal()` in `slurm_init`), may block it for minutes with the GIL
held, and may crash it. `loader_process.py` is the parent's side, `loader_protocol.py` has the messages.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import IO, Final

import psutil

from slurm_rest_api.errors import ServiceError, StoreError
from slurm_rest_api.processes.children import die_with_parent, return_free_memory
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.collector.loader_protocol import PROGRESS, CycleResult, LoaderOptions
from slurm_rest_api.slurmapi.sources.base import Progress, ReportsProgress
from slurm_rest_api.slurmapi.sources.detect import SlurmAccess, open_source
from slurm_rest_api.slurmapi.store.writer import StoreWriter

_PROGRESS_SECONDS: Final = 1.0


def main() -> None:
    """Reads the options from the first line of standard input, then runs a cycle for each further line."""
    die_with_parent()
    # The parent decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    results = _take_over_stdout()
    options = LoaderOptions.from_json(sys.stdin.readline())
    writer = StoreWriter(Path(options.store))
    opened: Cycle | None = None
    for _request in sys.stdin:
        try:
            cycle = opened or _open_cycle(options, writer, _progress(results))
            report = cycle.run()
            # The next load begins with what this one keeps, and its peak is lower.
            return_free_memory()
        except ServiceError as error:
            result = CycleResult(error=str(error), is_stored=_store_failure(writer, error))
        else:
            # Before the first success the source is chosen again each time. pyslurm may have lacked only a slurm.conf.
            opened = cycle
            result = CycleResult(report, psutil.Process().memory_info().rss)
        results.write(result.to_json() + "\n")


def _store_failure(writer: StoreWriter, failure: ServiceError) -> bool:
    """Stores the failure for clients. Returns False if it could not be written.

    The parent writes only when this process has ended, so that the store never has two writers.
    """
    try:
        writer.record_failure(str(failure), time.time())
    except StoreError as error:
        sys.stderr.write(f"The failure cannot be published: {error}\n")
        return False
    return True


def _open_cycle(options: LoaderOptions, writer: StoreWriter, progress: Progress) -> Cycle:
    record_dir = Path(options.store).parent
    access = SlurmAccess(
        options.slurm_bin_dir,
        options.cycle_seconds,
        record_dir=record_dir,
        compares=True,
        intervals=options.intervals,
    )
    source = open_source(options.source, access)
    if isinstance(source, ReportsProgress):
        source.progress = progress
    return Cycle(
        source=source,
        writer=writer,
        hidden=options.hidden,
        refresh_seconds=options.refresh_seconds,
        progress=progress,
        paces_first=options.paces_first,
    )


def _progress(results: IO[str]) -> Progress:
    """Returns the function that reports progress to the parent, at most once a second."""
    reported_at = time.monotonic()

    def report() -> None:
        nonlocal reported_at
        now = time.monotonic()
        if now - reported_at >= _PROGRESS_SECONDS:
            reported_at = now
            results.write(PROGRESS + "\n")

    return report


def _take_over_stdout() -> IO[str]:
    """Returns standard output for results, and sends all other output to standard error.

    pyslurm prints to standard output about TRES that it does not know.
    """
    results = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return results


if __name__ == "__main__":
    main()

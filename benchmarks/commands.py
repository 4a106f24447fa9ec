"""Measures Slurm's own commands, run repeatedly by concurrent callers, as scripts and dashboards do."""

from __future__ import annotations

import math
import resource
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import psutil

from benchmarks.client_load import Row, usage_row
from benchmarks.on_testbed import Slurm
from benchmarks.resource_usage import measured

_PIECE_BYTES = 1 << 20
# Most commands end within a second.
_INTERVAL_SECONDS = 0.1


class _WithCommands(Slurm):
    """The cluster's daemons, and the commands that are running."""

    def processes(self) -> dict[str, list[psutil.Process]]:
        return super().processes() | {"command": psutil.Process().children()}


def measure_command(slurm: Slurm, argv: Sequence[str], callers: int, seconds: float) -> Row:
    """Runs the command repeatedly in `callers` threads for `seconds`, each at least once."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with (
        measured(_WithCommands(slurm.cluster, slurm.folder), _INTERVAL_SECONDS) as usage,
        ThreadPoolExecutor(callers) as pool,
    ):
        over = time.monotonic() + seconds
        each = [pool.submit(_run_repeatedly, slurm, argv, over) for _ in range(callers)]
        runs = [run for caller in each for run in caller.result()]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    usage.cpu["command"] = cpu
    times = sorted(seconds for seconds, _, _ in runs)
    return {
        "request": " ".join(argv),
        "clients": callers,
        "pause_ms": 0,
        "requests": len(runs),
        "rate": len(runs) / usage.seconds,
        "p50": 1000 * _rank(times, 0.5),
        "p99": 1000 * _rank(times, 0.99),
        "p999": 1000 * _rank(times, 0.999),
        "bytes_a_request": sum(size for _, size, _ in runs) / len(runs),
        "failed": sum(status != 0 for _, _, status in runs),
        "cpu_seconds": cpu,
        **usage_row(usage, len(runs)),
    }


def _run_repeatedly(slurm: Slurm, argv: Sequence[str], over: float) -> list[tuple[float, int, int]]:
    """Returns seconds, bytes printed and exit status of each run."""
    runs = [_run_once(slurm, argv)]
    while time.monotonic() < over:
        runs.append(_run_once(slurm, argv))
    return runs


def _run_once(slurm: Slurm, argv: Sequence[str]) -> tuple[float, int, int]:
    shell = slurm.cluster.shell
    began, size = time.perf_counter(), 0
    with subprocess.Popen(
        shell.argv(argv), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=shell.environment()
    ) as command:
        assert command.stdout is not None
        while piece := command.stdout.read(_PIECE_BYTES):
            size += len(piece)
        status = command.wait()
    return time.perf_counter() - began, size, status


def _rank(times: Sequence[float], share: float) -> float:
    """Returns a percentile by nearest rank."""
    return times[max(0, math.ceil(share * len(times)) - 1)]

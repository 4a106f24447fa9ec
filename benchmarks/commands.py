"""Slurm's own commands, started again and again by some callers at once, as scripts and dashboards do."""

from __future__ import annotations

import math
import resource
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import psutil

from benchmarks.crowd import Row, costs_of
from benchmarks.on_testbed import Slurm
from benchmarks.watching import watched

_PIECE_BYTES = 1 << 20
# Most commands end within a second.
_LOOK_SECONDS = 0.1


class _Called(Slurm):
    """The daemons, and the commands that are running."""

    def processes(self) -> dict[str, list[psutil.Process]]:
        return super().processes() | {"command": psutil.Process().children()}


def called(slurm: Slurm, argv: Sequence[str], callers: int, seconds: float) -> Row:
    """Each of `callers` runs the command over and over, until `seconds` are over and at least once."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with watched(_Called(slurm.cluster, slurm.folder), _LOOK_SECONDS) as costs, ThreadPoolExecutor(callers) as pool:
        over = time.monotonic() + seconds
        each = [pool.submit(_calls, slurm, argv, over) for _ in range(callers)]
        runs = [run for caller in each for run in caller.result()]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    costs.cpu["command"] = cpu
    times = sorted(seconds for seconds, _, _ in runs)
    return {
        "request": " ".join(argv),
        "clients": callers,
        "pause_ms": 0,
        "requests": len(runs),
        "rate": len(runs) / costs.seconds,
        "p50": 1000 * _rank(times, 0.5),
        "p99": 1000 * _rank(times, 0.99),
        "p999": 1000 * _rank(times, 0.999),
        "bytes_a_request": sum(size for _, size, _ in runs) / len(runs),
        "failed": sum(status != 0 for _, _, status in runs),
        "cpu_seconds": cpu,
        **costs_of(costs, len(runs)),
    }


def _calls(slurm: Slurm, argv: Sequence[str], over: float) -> list[tuple[float, int, int]]:
    """Seconds, bytes printed and exit status of each run."""
    runs = [_call(slurm, argv)]
    while time.monotonic() < over:
        runs.append(_call(slurm, argv))
    return runs


def _call(slurm: Slurm, argv: Sequence[str]) -> tuple[float, int, int]:
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
    """By nearest rank."""
    return times[max(0, math.ceil(share * len(times)) - 1)]

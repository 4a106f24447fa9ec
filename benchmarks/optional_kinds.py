"""Prints the cost of a load with reservations and licenses, and without them, as a table.

Run `optional_kinds.py FOLDER SOURCE ROUNDS` with the service's Python on a cluster, as a user without other RPCs. It
creates two stores in FOLDER. Loads with and without both kinds alternate. Each is a whole cycle of the collector.
"""

from __future__ import annotations

import getpass
import re
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.sources.base import Kind
from slurm_rest_api.slurmapi.sources.detect import SlurmAccess, open_source
from slurm_rest_api.slurmapi.store.writer import StoreWriter

_ON: Final[dict[Kind, float]] = {"reservations": 0.0, "licenses": 0.0}


@dataclass(frozen=True)
class Cost:
    """The cost of one load: processor and elapsed seconds, milliseconds in slurmctld, RPCs."""

    processor: float
    elapsed: float
    slurmctld: float
    rpcs: int


def cost_of(cycle: Cycle) -> Cost:
    """Runs a cycle and returns its cost."""
    calls, milliseconds = _calls()
    processor, began = _processor_seconds(), time.perf_counter()
    cycle.run()
    elapsed = time.perf_counter() - began
    used = _processor_seconds() - processor
    calls_after, milliseconds_after = _calls()
    # sdiag counts the first of its own calls.
    return Cost(used, elapsed, milliseconds_after - milliseconds, calls_after - calls - 1)


def _processor_seconds() -> float:
    """Returns the processor time of this process and of its children that have ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _calls() -> tuple[int, float]:
    """Returns the number of RPCs of this user, and the milliseconds that slurmctld has spent on them."""
    printed = subprocess.run(["sdiag"], capture_output=True, text=True, check=True).stdout
    by_user = printed.partition("Remote Procedure Call statistics by user")[2]
    found = re.search(
        rf"\t{re.escape(getpass.getuser())} +\( *\d+\) count:(\d+) +ave_time:\d+ +total_time:(\d+)", by_user
    )
    return (int(found[1]), int(found[2]) / 1000) if found else (0, 0.0)


def main(folder: Path, source: str, rounds: int) -> None:
    """Runs both kinds of loads in turn and prints their medians."""
    cycles = {
        name: Cycle(
            open_source(source, SlurmAccess(intervals=intervals)),
            StoreWriter(folder / f"{name}.sqlite"),
            hidden=[],
            refresh_seconds=3600.0,
        )
        for name, intervals in (("without", {}), ("with", _ON))
    }
    for cycle in cycles.values():
        cycle.run()
    costs: dict[str, list[Cost]] = {name: [] for name in cycles}
    for _ in range(rounds):
        for name, cycle in cycles.items():
            costs[name].append(cost_of(cycle))
    print("| reservations and licenses | processor time, ms | elapsed, ms | in slurmctld, ms | RPCs |")
    print("|---|---:|---:|---:|---:|")
    for name, found in costs.items():
        figures = (
            statistics.median(cost.processor for cost in found) * 1000,
            statistics.median(cost.elapsed for cost in found) * 1000,
            statistics.median(cost.slurmctld for cost in found),
        )
        cells = " | ".join(f"{figure:.1f}" for figure in figures)
        print(f"| {name} | {cells} | {statistics.median(cost.rpcs for cost in found):.0f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))

"""Prints the processor time and the peak memory of the collector's cycles, as a table.

Run `cycle_cost.py FOLDER HIDDEN_PARTITION SOURCE LOADS` as root with the service's Python on a cluster with jobs, see
`submit_jobs.py`. It creates a store in FOLDER. Before each load but the first it changes the time limit of 1 % of the
pending jobs. `benchmarks/results/cycle_cost.md` says how 10,000 nodes are added.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Final

from slurm_rest_api.processes.children import return_free_memory
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.sources.detect import open_source
from slurm_rest_api.slurmapi.store.writer import StoreWriter

_PARTS: Final = 200
"""One part is half a percent of the jobs: longer lists of ids do not fit into one command."""
_PROCESS: Final = Path("/proc/self")


def main(folder: Path, hidden: str, source: str, loads: int) -> None:
    """Runs cycles one after the other, and returns free memory after each, as the loader does."""
    cycle = Cycle(open_source(source), StoreWriter(folder / "cycle_cost.sqlite"), [hidden], 10)
    print("| load | jobs | nodes | processor time, s | of commands, s | peak, MiB | memory after it, MiB |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for number in range(loads):
        if number:
            _change_jobs()
        # Resets the peak, see proc(5).
        (_PROCESS / "clear_refs").write_text("5")
        before = os.times()
        report = cycle.run()
        return_free_memory()
        after = os.times()
        own = after.user + after.system - before.user - before.system
        children = after.children_user + after.children_system - before.children_user - before.children_system
        sizes = f"{_mebibytes('VmHWM')} | {_mebibytes('VmRSS')}"
        print(f"| {number + 1} | {report.jobs} | {report.nodes} | {own:.1f} | {children:.1f} | {sizes} |", flush=True)


def _change_jobs() -> None:
    command = ["squeue", "--noheader", "--all", "--states=PENDING", "--format=%A"]
    pending = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    for _ in range(2):
        ids = ",".join(random.sample(pending, max(1, len(pending) // _PARTS)))
        update = ["scontrol", "update", f"jobid={ids}", f"timelimit={random.randint(10, 59)}"]  # noqa: S311
        subprocess.run(update, check=True)


def _mebibytes(name: str) -> int:
    lines = (_PROCESS / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) // 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))

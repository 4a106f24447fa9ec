"""What the demonstration cluster takes when nobody asks it anything: memory, and the share of a core.

Usage: python -m benchmarks.demo PID [--seconds=120], with the process id of a `run --demo` whose past is written.
"""

from __future__ import annotations

import argparse
import time

import psutil

_MIB = 1024 * 1024


def family(leader: int) -> list[psutil.Process]:
    """The process with all that it started."""
    process = psutil.Process(leader)
    return [process, *process.children(recursive=True)]


def main() -> None:
    """Watch, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pid", type=int)
    parser.add_argument("--seconds", type=float, default=120.0)
    arguments = parser.parse_args()
    before = {process.pid: process.cpu_times() for process in family(arguments.pid)}
    time.sleep(arguments.seconds)
    print("| process | RSS, MiB | PSS, MiB | share of a core |")
    print("|---|---:|---:|---:|")
    totals = [0.0, 0.0, 0.0]
    for process in family(arguments.pid):
        memory, now = process.memory_full_info(), process.cpu_times()
        then = before.get(process.pid)
        used = now.user + now.system - (then.user + then.system if then else 0.0)
        figures = [memory.rss / _MIB, memory.pss / _MIB, 100 * used / arguments.seconds]
        totals = [total + figure for total, figure in zip(totals, figures, strict=True)]
        print(f"| {' '.join(process.cmdline()[1:])[-40:]} | {figures[0]:.0f} | {figures[1]:.0f} | {figures[2]:.1f} % |")
    print(f"| together | {totals[0]:.0f} | {totals[1]:.0f} | {totals[2]:.1f} % |")


if __name__ == "__main__":
    main()

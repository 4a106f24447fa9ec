"""Measures the live routes with either source, slurmrestd and squeue with one client on one cluster, in one run.

Run `python3 -m benchmarks.live` as root in the checkout, on an idle machine. It brings up the cluster of
`tests/testbed`, submits pending jobs, measures, prints Markdown tables and takes the cluster down.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from benchmarks import run_on_cluster
from benchmarks.document import machine
from benchmarks.live_measurements import SOURCES, measure_others, measure_service
from benchmarks.live_report import render, render_goals
from tests.testbed.cluster import Cluster
from tests.testbed.layout import CHECKOUT_IN_ROOT, VENV_IN_ROOT
from tests.testbed.steps import TestbedError, say, step

_SUBMITTERS = ("alice", "bob", "carol")
_PARTITIONS = "main,high,long"
_RUNNING = 40
_GOALS_FROM = 50_000
# With more jobs slurmrestd needs a minute and several GB for one list of jobs.
_LARGE = 20_000


def main(arguments: list[str]) -> int:
    """Measures with each number of jobs. Returns the exit status."""
    options = _parser().parse_args(arguments)
    return run_on_cluster.run(lambda cluster: _measure(cluster, sorted(options.jobs or [5_000, 50_000])), options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.live", description=__doc__)
    parser.add_argument("--jobs", type=int, action="append", help="pending jobs; repeatable (default: 5000 and 50000)")
    parser.add_argument(
        "--output",
        type=Path,
        help="also write the tables into this file, between its marks if it has them",
    )
    parser.add_argument("--keep", action="store_true", help="leave the cluster up, with its jobs")
    return parser


def _measure(cluster: Cluster, sizes: list[int]) -> str:
    present = len(cluster.shell.output("squeue", "-h", "-a", "-r").splitlines())
    if present:
        raise TestbedError(f"the cluster has {present} jobs already. Remove them with 'python3 -m tests.testbed down'.")
    with step(f"start {_RUNNING} running jobs"):
        for number in range(_RUNNING):
            user = _SUBMITTERS[number % len(_SUBMITTERS)]
            cluster.submit(user=user, wrap="exec sleep 7000", mem_per_cpu=100 + number, time="02:00:00")
    sections = [f"{machine(cluster)}; {_RUNNING} running jobs in addition to the pending ones."]
    pending = 0
    for size in sizes:
        with step(f"submit jobs until {size} are pending"):
            _submit(cluster, size - pending)
        pending = size
        large = size > _LARGE
        ours = {}
        for source in SOURCES:
            with step(f"measure the service with {size} jobs and the source {source}"):
                name = f"bench-{os.getpid()}-{size}-{source.partition(':')[2]}"
                ours[source] = measure_service(cluster, name, source, 3 if large else 5, 4 if large else 20)
        with step(f"measure slurmrestd and squeue with {size} jobs"):
            others = measure_others(cluster, 2 if large else 5)
        sections.append(render(size, ours, others))
        say(sections[-1])
        if size >= _GOALS_FROM:
            sections.append(render_goals(size, ours))
    return "\n\n".join(sections)


def _submit(cluster: Cluster, count: int) -> None:
    share, rest = divmod(count, len(_SUBMITTERS))
    program = [f"{VENV_IN_ROOT}/bin/python", f"{CHECKOUT_IN_ROOT}/benchmarks/submit_jobs.py"]
    for index, user in enumerate(_SUBMITTERS):
        mine = share + (1 if index < rest else 0)
        cluster.run([*program, str(mine), _PARTITIONS], user=user, timeout=60 + mine / 20)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

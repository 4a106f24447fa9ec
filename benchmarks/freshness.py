"""Measures how old the data of a client is, and what it costs slurmctld: the service, squeue and slurmrestd.

Run `python3 -m benchmarks.freshness` as root in the checkout, on an idle machine. It brings up the cluster of
`tests/testbed`, fills it with pending jobs and allocations, and changes jobs all the time. Meanwhile a client asks once
a second: the service with either source, then squeue, then slurmrestd. Then it fills the cluster to the next size and
asks again. With the defaults this takes about an hour. `--keep` leaves the cluster up with its jobs. With `--turnover`
jobs are submitted and cancelled instead of changed.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import psutil

from benchmarks import run_on_cluster
from benchmarks.document import machine
from benchmarks.live_measurements import newest_api
from benchmarks.measure import Client, memory, session_members
from tests.testbed.cluster import Cluster
from tests.testbed.layout import CHECKOUT_IN_ROOT, VENV_IN_ROOT
from tests.testbed.service import Service, start_service
from tests.testbed.slurmnodes import HIDDEN_PARTITION
from tests.testbed.steps import say, step

_CONFIG: Final = (
    "system:\n  source: {source}\n  refresh_seconds: 3\nfilter:\n  partitions: [" + HIDDEN_PARTITION + "]\n"
)
_SUBMITTERS: Final = ("alice", "bob", "carol")
_OPERATOR: Final = "alice"
"""Changes the jobs of all."""
_PARTITIONS: Final = ("main", "high", "long")
_CLIENTS: Final = ("slurm:pyslurm", "slurm:commands", "squeue", "slurmrestd")
_SIZES: Final = ("4500:500", "50000:5000")
_PEER_SECONDS: Final = 120
"""The longest duration of the clients that do not ask the service. Their data does not grow old."""
_MIN_JOB_AGE: Final = 300
"""Slurm's default."""
_ROLES: Final = {"loader": "collector.loader_main", "collector": " collect"}
_ALLOCATE: Final = "for number in $(seq {count}); do salloc -Q --no-shell -n1 --mem=10 -p main -t 02:00:00; done"
"""An allocation without a process: 5,000 batch jobs would need some 50 GB."""


@dataclass
class Phase:
    """The results of one client.

    Attributes:
        name: The client.
        ages: Seconds from the moment that the data shows to the end of the response.
        slurmctld: Processor time of slurmctld, as a share of a core.
        loader: Processor time of the loader and its commands, as a share of a core. None without the service.
        peaks: Peak memory in MiB by process of the service.
    """

    name: str
    ages: list[float]
    slurmctld: float
    loader: float | None = None
    peaks: dict[str, float] = field(default_factory=dict)

    def age(self, share: float) -> float:
        """Returns a percentile of the ages by nearest rank."""
        return sorted(self.ages)[max(0, math.ceil(share * len(self.ages)) - 1)]


def main(arguments: list[str]) -> int:
    """Measures and prints one table. Returns the exit status."""
    options = _parser().parse_args(arguments)
    return run_on_cluster.run(lambda cluster: _measure(cluster, options), options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks.freshness", description=__doc__)
    parser.add_argument(
        "--size",
        type=_size,
        action="append",
        metavar="PENDING:RUNNING",
        help=f"numbers of jobs; repeatable, the smallest first (default: {', '.join(_SIZES)})",
    )
    parser.add_argument(
        "--seconds",
        type=int,
        default=600,
        help=f"seconds for which the service is asked; squeue and slurmrestd at most {_PEER_SECONDS} (default: 600)",
    )
    parser.add_argument(
        "--changed", type=float, default=0.05, help="share of the jobs changed a minute (default: 0.05)"
    )
    parser.add_argument(
        "--turnover", action="store_true", help="the changes are jobs that are submitted and as many that are cancelled"
    )
    parser.add_argument("--client", choices=_CLIENTS, action="append", help="repeatable (default: all)")
    parser.add_argument("--output", type=Path, help="also write the table into this file, between its marks")
    parser.add_argument("--keep", action="store_true", help="leave the cluster up, with its jobs")
    return parser


def _size(text: str) -> tuple[int, int]:
    """Returns the numbers of pending and running jobs of `PENDING:RUNNING`. Raises ValueError for another text."""
    pending, running = map(int, text.split(":"))
    return pending, running


def _measure(cluster: Cluster, options: argparse.Namespace) -> str:
    # slurmctld would count the changes of root as the service's RPCs. The command fails if the user is one already.
    cluster.run(["sacctmgr", "-i", "modify", "user", _OPERATOR, "set", "adminlevel=Operator"], check=False)
    sizes = options.size or [_size(text) for text in _SIZES]
    return "\n\n".join(_of_size(cluster, options, *size) for size in sizes)


def _of_size(cluster: Cluster, options: argparse.Namespace, jobs: int, running: int) -> str:
    _fill(cluster, jobs, running)
    phases = []
    with _min_job_age(cluster, _MIN_JOB_AGE) if options.turnover else nullcontext():
        with _changing(cluster, options), step("measure slurmctld without a client"):
            alone = _slurmctld_share(cluster, lambda: time.sleep(min(options.seconds, 60)))
        for name in options.client or _CLIENTS:
            with _changing(cluster, options):
                phases.append(_phase(cluster, name, options.seconds))
    head = (
        f"{machine(cluster)}; {len(_pending(cluster)):,} pending and {running:,} running jobs, "
        f"{options.changed:.0%} of the pending ones {'replaced' if options.turnover else 'changed'} a minute, "
        "`refresh_seconds: 3`, "
        f"{options.seconds} s for each source."
    )
    return "\n\n".join((head, _table(phases, alone)))


def _phase(cluster: Cluster, name: str, seconds: int) -> Phase:
    if name.startswith("slurm:"):
        return _of_service(cluster, name, seconds)
    seconds = min(seconds, _PEER_SECONDS)
    if name == "squeue":
        return _of_peer(cluster, "`squeue`", seconds, lambda: _squeue(cluster))
    client = Client(cluster.slurmrestd_url, {"X-SLURM-USER-TOKEN": cluster.token(_SUBMITTERS[-1])})
    path = f"/slurm/{newest_api(client)}/jobs/"
    return _of_peer(cluster, f"slurmrestd `{path}`", seconds, lambda: client.get(path))


def _table(phases: list[Phase], alone: float) -> str:
    lines = [
        "| client | requests | age p50, s | age p99, s | oldest, s | slurmctld, of a core | loader, of a core "
        "| peak memory, MiB |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for phase in phases:
        loader = "" if phase.loader is None else f"{phase.loader:.0%}"
        peaks = ", ".join(f"{role} {peak:.0f}" for role, peak in phase.peaks.items())
        lines.append(
            f"| {phase.name} | {len(phase.ages)} | {phase.age(0.5):.1f} | {phase.age(0.99):.1f} "
            f"| {max(phase.ages):.1f} | {phase.slurmctld - alone:.1%} | {loader} | {peaks} |"
        )
    return "\n".join((*lines, "", f"slurmctld alone, with the changes: {alone:.1%} of a core, which is subtracted."))


def _fill(cluster: Cluster, pending: int, running: int) -> None:
    """Submits jobs until these numbers are pending and running."""
    states = cluster.shell.output("squeue", "-h", "-a", "-o", "%T").split()
    with step(f"allocate until {running} jobs run"):
        for partition in _PARTITIONS:
            cluster.run(["scontrol", "update", f"partitionname={partition}", "oversubscribe=FORCE:120"])
        _in_shares(running - states.count("RUNNING"), lambda user, count: _allocate(cluster, user, count))
    with step(f"submit until {pending} jobs are pending"):
        _in_shares(pending - states.count("PENDING"), lambda user, count: _submit(cluster, user, count))


@contextmanager
def _min_job_age(cluster: Cluster, seconds: int) -> Iterator[None]:
    """Sets MinJobAge. The tests' cluster keeps ended jobs for an hour."""
    path = cluster.path("/etc/slurm/slurm.conf")
    before = path.read_text()
    path.write_text(re.sub(r"(?m)^MinJobAge=.*", f"MinJobAge={seconds}", before))
    cluster.run(["scontrol", "reconfigure"])
    try:
        yield
    finally:
        path.write_text(before)
        cluster.run(["scontrol", "reconfigure"])


def _in_shares(count: int, start: Callable[[str, int], object]) -> None:
    for user in _SUBMITTERS:
        if count > 0:
            start(user, math.ceil(count / len(_SUBMITTERS)))


def _allocate(cluster: Cluster, user: str, count: int) -> None:
    cluster.run(["bash", "-c", _ALLOCATE.format(count=count)], user=user, timeout=120 + count)


def _submit(cluster: Cluster, user: str, count: int) -> None:
    program = [f"{VENV_IN_ROOT}/bin/python", f"{CHECKOUT_IN_ROOT}/benchmarks/submit_jobs.py"]
    cluster.run([*program, str(count), ",".join(_PARTITIONS)], user=user, timeout=120 + count)


def _pending(cluster: Cluster) -> list[int]:
    return [int(job_id) for job_id in cluster.shell.output("squeue", "-h", "-a", "-t", "PD", "-o", "%A").split()]


@contextmanager
def _changing(cluster: Cluster, options: argparse.Namespace) -> Iterator[None]:
    """Changes this share of the pending jobs a minute, or replaces them."""
    change = _turn_over if options.turnover else _limit
    jobs, chance, ended = _pending(cluster), random.Random(1), threading.Event()  # noqa: S311 - the same jobs each time
    chance.shuffle(jobs)
    each_second, left = max(1, round(len(jobs) * options.changed / 60)), cycle(jobs)

    def run() -> None:
        while not ended.wait(1.0):
            change(cluster, chance, list(islice(left, each_second)))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _limit(cluster: Cluster, chance: random.Random, jobs: list[int]) -> None:
    """Changes the time limit of the jobs."""
    ids = ",".join(map(str, jobs))
    cluster.run(
        ["scontrol", "update", f"jobid={ids}", f"timelimit={chance.randint(10, 59)}"], user=_OPERATOR, timeout=120
    )


def _turn_over(cluster: Cluster, chance: random.Random, jobs: list[int]) -> None:
    """Submits as many new jobs, and cancels the given ones, which slurmctld keeps for MinJobAge."""
    _submit(cluster, chance.choice(_SUBMITTERS), len(jobs))
    cluster.run(["scancel", *map(str, jobs)], user=_OPERATOR, timeout=120)


def _slurmctld_share(cluster: Cluster, run: Callable[[], object]) -> float:
    """Returns the processor time of slurmctld during `run`, as a share of a core."""
    pid = cluster.daemons.pid("slurmctld")
    assert pid is not None
    before, began = psutil.Process(pid).cpu_times(), time.monotonic()
    run()
    after = psutil.Process(pid).cpu_times()
    return (after.user + after.system - before.user - before.system) / (time.monotonic() - began)


def _of_service(cluster: Cluster, source: str, seconds: int) -> Phase:
    with step(f"measure the service with {source}"):
        service = start_service(cluster, f"fresh-{os.getpid()}-{source[6:]}", _CONFIG.format(source=source))
        try:
            ages: list[float] = []
            _loaded_again(service)
            before = _loader_seconds(service)
            client, began = Client(service.url), time.monotonic()
            share = _slurmctld_share(cluster, lambda: ages.extend(_ages(client, seconds)))
            loader = (_loader_seconds(service) - before) / (time.monotonic() - began)
            pids = _pids(service)
            return Phase(
                f"the service, `{source}`", ages, share, loader, {role: memory(pids[role]).peak for role in pids}
            )
        finally:
            service.stop()


def _loaded_again(service: Service) -> None:
    """Waits until the load after the first one has been stored."""
    client, last = Client(service.url), 0.0
    while (age := _age(client)) >= last:
        last = age
        time.sleep(0.5)


def _ages(client: Client, seconds: int) -> Iterator[float]:
    """Asks once a second and yields the age of each response."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        yield _age(client)
        time.sleep(max(0.0, 1.0 - (time.monotonic() - began)))


def _age(client: Client) -> float:
    """Returns the header `Age`, which has whole seconds, and one second more."""
    return float(client.header("/queue?limit=1", "Age") or 0) + 1.0


def _pids(service: Service) -> dict[str, int]:
    members = session_members(service.process.pid)
    return {role: pid for role, word in _ROLES.items() for pid, line in members.items() if word in line}


def _loader_seconds(service: Service) -> float:
    return sum(psutil.Process(_pids(service)["loader"]).cpu_times()[:4])


def _of_peer(cluster: Cluster, name: str, seconds: int, ask: Callable[[], object]) -> Phase:
    """Asks again and again, with a second between two requests. The data is as old as the response takes."""
    ages: list[float] = []

    def run() -> None:
        until = time.monotonic() + seconds
        while not ages or time.monotonic() < until:
            began = time.monotonic()
            ask()
            ages.append(time.monotonic() - began)
            time.sleep(1.0)

    with step(f"measure {name}"):
        return Phase(name, ages, _slurmctld_share(cluster, run))


def _squeue(cluster: Cluster) -> None:
    cluster.run(["sh", "-c", "squeue --all --noheader >/dev/null"], timeout=900)


if __name__ == "__main__":
    say("The cluster must be free for this measurement.")
    sys.exit(main(sys.argv[1:]))

"""Measures what clients notice of a reload of four web workers, and of the same reload of a Flask application.

    python -m benchmarks.reload --uwsgi uwsgi --output benchmarks/results/reload.md

It needs `uwsgi`, Debian's `nginx` and an idle machine, which the clients, nginx, the workers and the collector share.
Each client sends its requests at fixed times, and a time counts from when its request was due. So requests that a pause
delays are counted, too.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from benchmarks.deployment import ROOT, Deployment, deployed, proxied, running, uwsgi_ini
from benchmarks.document import write_between_marks
from benchmarks.machine import machine
from benchmarks.steady_clients import Answered, SteadyClients
from tests.testbed.service import free_port

_WORKERS: Final = 4
_CLIENTS: Final = 20
_PERIOD_SECONDS: Final = 0.1
_SMALL: Final = (
    "/queue?limit=10",
    "/queue?group_by=state",
    "/nodes?count=true",
    "/partitions",
    "/stats",
    "/health/live",
)
_WHOLE: Final = "/queue"
# Clients that start together need a moment until each has its connection. Also between two measurements.
_SETTLE_SECONDS: Final = 3.0
_PATIENCE_SECONDS: Final = 120.0
_READY: Final = re.compile(r"WSGI app 0 .* pid: (\d+)")
_GOAL_MS: Final = 100.0
_HELLO: Final = """
from flask import Flask

application = Flask(__name__)


@application.get("/<path:path>")
def hello(path):
    return "hello"
"""


@dataclass(frozen=True)
class Server:
    """uWSGI behind nginx, and the action that reloads it."""

    port: int
    log: Path
    reload: Callable[[], None]

    def ready(self) -> list[int]:
        """Returns the process ids of the workers that have loaded their application, in that order."""
        return [int(pid) for pid in _READY.findall(self.log.read_text(errors="replace"))]


@dataclass(frozen=True)
class Reloaded:
    """Responses while a server was reloaded, and in as many seconds without that.

    `starts` are the processor seconds of the new workers until they served, with their first requests.
    """

    name: str
    seconds: float
    starts: list[float]
    during: list[Answered]
    quiet: list[Answered]


def measure(name: str, server: Server, times: int) -> list[Reloaded]:
    """Reloads `server` several times while clients send requests."""
    _wait("the first workers", lambda: len(server.ready()) >= _WORKERS)
    found = []
    with SteadyClients(server.port, _SMALL, _CLIENTS, _PERIOD_SECONDS, _WHOLE) as clients:
        for _ in range(times):
            time.sleep(_SETTLE_SECONDS)
            before, begun = len(server.ready()), time.monotonic()
            server.reload()
            starts = _watch_starts(server, before)
            ended = time.monotonic()
            time.sleep(_SETTLE_SECONDS)
            quiet = time.monotonic()
            time.sleep(ended - begun)
            found.append((begun, ended, quiet, starts))
    answers = clients.answers
    return [
        Reloaded(
            name,
            ended - begun,
            starts,
            [answer for answer in answers if begun <= answer.due < ended],
            [answer for answer in answers if quiet <= answer.due < quiet + ended - begun],
        )
        for begun, ended, quiet, starts in found
    ]


def _watch_starts(server: Server, before: int) -> list[float]:
    """Waits for new workers. Returns the processor seconds of each when it was seen to be ready."""
    starts: dict[int, float] = {}

    def are_ready() -> bool:
        for pid in server.ready()[before:]:
            if pid not in starts:
                times = psutil.Process(pid).cpu_times()
                starts[pid] = times.user + times.system
        return len(starts) >= _WORKERS

    _wait("new workers", are_ready)
    return list(starts.values())


def _wait(name: str, is_there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_there():
        if time.monotonic() > deadline:
            raise TimeoutError(f"No {name} within {_PATIENCE_SECONDS:g} s.")
        time.sleep(0.02)


def service_server(service: Deployment) -> Server:
    """Returns the deployed service, with the action of `systemctl reload`."""
    config, touched = service.folder / "config.yml", service.folder / "run" / "reload"
    command = [sys.executable, "-m", "slurm_rest_api.cli", "--config", str(config), "reload", str(touched)]

    def reload() -> None:
        subprocess.run(command, cwd=ROOT, check=True)

    return Server(service.port, service.folder / "uwsgi.log", reload)


@contextmanager
def hello_server(folder: Path, port: int, uwsgi: str) -> Iterator[Server]:
    """Runs a Flask application that only says hello with the uWSGI settings and the nginx of the service."""
    folder.chmod(0o755)
    run = folder / "run"
    run.mkdir(mode=0o755)
    (folder / "hello.py").write_text(_HELLO)
    ini = uwsgi_ini(folder, folder / "none.yml", _WORKERS).replace("slurm_rest_api.wsgi:application", "hello")
    # The collector and the check of the configuration belong to the service.
    kept = [
        line
        for line in ini.splitlines()
        if not line.startswith(("attach-daemon2", "exec-asap", "shared-pyimport", "env = SLURM"))
    ]
    (folder / "uwsgi.ini").write_text("\n".join([*kept, f"pythonpath = {folder}"]))
    touched = run / "reload"
    with (
        running([uwsgi, "--ini", f"{folder}/uwsgi.ini"], folder / "uwsgi.log"),
        proxied(folder, run, port),
    ):
        yield Server(port, folder / "uwsgi.log", touched.touch)


def _percentile(answers: list[Answered], share: float) -> float:
    ordered = sorted(answer.seconds for answer in answers)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _row(name: str, answers: list[Answered]) -> str:
    failed = sum(answer.status != 200 for answer in answers)
    times = " | ".join(f"{_percentile(answers, share):.0f}" for share in (0.5, 0.99, 1.0))
    return f"| {name} | {len(answers):,} | {times} | {failed} |"


def text(measured: list[Reloaded], jobs: int) -> str:
    """Returns the tables as Markdown."""
    lines = [
        f"{machine()} {_WORKERS} workers, {jobs:,} jobs, {_CLIENTS} clients with {1 / _PERIOD_SECONDS:g} requests a"
        " second each, and one that asks for the whole queue with gzip each second. Milliseconds from when a request"
        " was due to its last byte:",
        "",
        "| | requests | p50 | p99 | largest | failed |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    starts = []
    for name in dict.fromkeys(one.name for one in measured):
        mine = [one for one in measured if one.name == name]
        for title, path in (("", False), (", whole queue", True)):
            for when in ("during", "quiet"):
                of: list[Answered] = [answer for one in mine for answer in getattr(one, when)]
                chosen = [answer for answer in of if (answer.path == _WHOLE) == path]
                label = "during reloads" if when == "during" else "as many seconds without"
                lines.append(_row(f"{name}{title}: {label}", chosen))
        every = [second for one in mine for second in one.starts]
        seconds = ", ".join(f"{one.seconds:.1f}" for one in mine)
        starts.append(
            f"- {name}: {len(mine)} reloads of {seconds} s. A new worker needed {min(every):.2f} to {max(every):.2f} s"
            " of processor time until its first request."
        )
    first = measured[0].name
    worst = _percentile(
        [answer for one in measured if one.name == first for answer in one.during if answer.path != _WHOLE], 0.99
    )
    is_met = "met" if worst <= _GOAL_MS else "**missed**"
    return "\n".join([*lines, "", *starts, "", f"Goal: a p99 of at most {_GOAL_MS:g} ms through a reload: {is_met}."])


def main() -> None:
    """Measures the service and the peer, and writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=50_000)
    parser.add_argument("--nodes", type=int, default=1_000)
    parser.add_argument("--times", type=int, default=3, help="reloads of each")
    parser.add_argument("--port", type=int, default=free_port())
    parser.add_argument("--uwsgi", default="uwsgi")
    parser.add_argument("--only-service", action="store_true", help="do not measure the peer")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir="/dev/shm") as name,
        deployed(Path(name), options.jobs, options.nodes, options.port, options.uwsgi, processes=_WORKERS) as service,
    ):
        found = measure("slurm-rest-api", service_server(service), options.times)
    if not options.only_service:
        with (
            tempfile.TemporaryDirectory(dir="/dev/shm") as name,
            hello_server(Path(name), options.port, options.uwsgi) as server,
        ):
            found += measure("Flask, hello", server, options.times)
    report = text(found, options.jobs)
    if options.output is None:
        print(report)
    else:
        write_between_marks(options.output, report)


if __name__ == "__main__":
    main()

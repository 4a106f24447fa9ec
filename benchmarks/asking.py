"""Measures the live routes under uWSGI and nginx, with the deployment's own files, over a synthetic cluster.

    python -m benchmarks.asking --uwsgi uwsgi --output benchmarks/results/asking.md

It needs `uwsgi`, Debian's `nginx`, `wrk` and `curl`, and an idle machine, which load generator, proxy, web workers and
collector share. `--only PART` (repeatable) measures some parts and keeps the others from `--results`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from benchmarks import asking_report
from benchmarks.client_load import Row, measure_port, measure_route, usage_row
from benchmarks.deployment import Deployment, deployed, static_files
from benchmarks.document import write_between_marks
from benchmarks.measure import Client
from benchmarks.resource_usage import measured
from benchmarks.steady_clients import SteadyClients
from tests.testbed.service import free_port

Part = Callable[[Deployment, argparse.Namespace], list[Row]]

_FIELDS: Final = "fields=job_id,name,job_state,priority&limit=100"
_PAUSE_MS: Final = 1000
_SLOW_CLIENTS: Final = 50
_CROWD: Final = 50
_TURNS: Final = 3


def unchanged(service: Deployment, options: argparse.Namespace) -> list[Row]:
    """Measures conditional requests that get a 304, and the same route without a validator."""
    tag = service.fetch("/partitions")[0]["ETag"]
    return [
        row
        for clients in options.clients
        for row in (
            measure_route(service, "304 of `/partitions`", ["/partitions"], clients, options.seconds, tag=tag),
            measure_route(service, "`/partitions`, whole", ["/partitions"], clients, options.seconds),
        )
    ]


def pages(service: Deployment, options: argparse.Namespace) -> list[Row]:
    """Measures a page of jobs of one user, and of a random one of 200 users."""
    one = [f"/queue?user=user003&{_FIELDS}"]
    many = [f"/queue?user=user{number:03}&{_FIELDS}" for number in range(200)]
    return [
        row
        for clients in options.clients
        for row in (
            measure_route(service, "a page of one user's jobs", one, clients, options.seconds),
            measure_route(service, "a page of any of 200 users", many, clients, options.seconds),
        )
    ]


def jobs(service: Deployment, options: argparse.Namespace) -> list[Row]:
    """Measures one job, and a random one of 5,000 jobs."""
    step = max(options.jobs // 5000, 1)
    many = [f"/queue/{number}" for number in range(1, options.jobs + 1, step)]
    return [
        row
        for clients in options.clients
        for row in (
            measure_route(service, "one job", ["/queue/4711"], clients, options.seconds),
            measure_route(service, "any of 5,000 jobs", many, clients, options.seconds),
        )
    ]


def changes(service: Deployment, options: argparse.Namespace) -> list[Row]:
    """Measures the changes of one load (1 % of all jobs), and aggregates by user."""
    rows = []
    for clients in options.clients:
        path = f"/queue?since={service.version_before()}"
        rows.append(measure_route(service, "changes since the load before", [path], clients, options.seconds))
        rows.append(measure_route(service, "numbers by user", ["/queue?group_by=user"], clients, options.seconds))
    return rows


def paused(service: Deployment, options: argparse.Namespace) -> list[Row]:
    """Measures clients that send about one request a second, as pages do."""
    many = [f"/queue?user=user{number:03}&{_FIELDS}" for number in range(200)]
    any_job = [f"/queue/{number}" for number in range(1, options.jobs + 1, max(options.jobs // 5000, 1))]
    counts = [clients for clients in options.clients if clients > 1]
    rows = []
    for clients in counts:
        rows.append(measure_route(service, "a page of any of 200 users", many, clients, 10, _PAUSE_MS))
        rows.append(measure_route(service, "any of 5,000 jobs", any_job, clients, 10, _PAUSE_MS))
        changed = [f"/queue?since={service.version_before()}"]
        rows.append(measure_route(service, "changes since the load before", changed, clients, 10, _PAUSE_MS))
    return rows


def whole(service: Deployment, options: argparse.Namespace) -> list[Row]:
    """Measures the whole queue with gzip, at full speed and with 50 slow clients."""
    rows = [measure_route(service, asking_report.WHOLE, ["/queue"], clients, options.seconds) for clients in (1, 10)]
    for _ in range(_TURNS):
        rows.append(measure_route(service, asking_report.WHOLE, ["/queue"], _CROWD, options.seconds))
        rows.append(_file_alone(service, options.seconds))
    url = f"http://127.0.0.1:{service.port}/queue"
    argv = ["curl", "-s", "-o", "/dev/null", "-H", "Accept-Encoding: gzip", "--limit-rate", "1M", "-m", "20", url]
    with measured(service) as usage:
        began = time.monotonic()
        readers = [subprocess.Popen(argv) for _ in range(_SLOW_CLIENTS)]
        for reader in readers:
            reader.wait(60)
        seconds = time.monotonic() - began
    return [
        *rows,
        {
            "request": f"`/queue`, gzip, read at 1 MB/s for {seconds:.0f} s",
            "clients": _SLOW_CLIENTS,
            **usage_row(usage, _SLOW_CLIENTS),
        },
    ]


def _file_alone(service: Deployment, seconds: int) -> Row:
    """Measures nginx that sends a file of the size of the queue.

    One client asks for the queue each second, so that loads and renderings use the processors as with many clients.
    """
    with closing(Client(f"http://127.0.0.1:{service.port}")) as client:
        size = client.get("/queue", gzip=True).size
    name, port = "a file of that size, nginx alone", free_port()
    polling = SteadyClients(service.port, (), 0, 1.0, "/queue")
    with static_files(service.folder, port, {"queue": os.urandom(size)}), polling:
        return measure_port(service, port, name, ["/queue"], {}, _CROWD, seconds)


PARTS: Final[dict[str, Part]] = {
    "unchanged": unchanged,
    "pages": pages,
    "jobs": jobs,
    "changes": changes,
    "paused": paused,
    "whole": whole,
}


def main() -> None:
    """Starts the deployment, measures, stops it and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 50, 500])
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--port", type=int, default=free_port())
    parser.add_argument("--uwsgi", default="uwsgi")
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--results", type=Path, default=Path("asking-results.json"))
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    results: dict[str, Any] = json.loads(options.results.read_text()) if options.results.exists() else {}
    with (
        tempfile.TemporaryDirectory(dir="/dev/shm") as name,
        deployed(Path(name), options.jobs, options.nodes, options.port, options.uwsgi) as service,
    ):
        for part in options.only or PARTS:
            # Read before the clients start: load of other programs.
            busy = os.getloadavg()[0]
            results[part] = [{**row, "load_average": busy} for row in PARTS[part](service, options)]
            options.results.write_text(json.dumps(results, indent=1))
    text = asking_report.text(results, options.jobs, options.nodes)
    if options.output is None:
        print(text)
    else:
        write_between_marks(options.output, text)


if __name__ == "__main__":
    main()

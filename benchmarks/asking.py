"""Measures the live routes under uWSGI behind nginx, with the deployment's own files, over a made-up cluster.

    python -m benchmarks.asking --uwsgi uwsgi --output docs/live-queries.md

It needs `uwsgi`, Debian's `nginx`, `wrk` and `curl`, and a machine that does nothing else. Load generator, proxy, web
workers and collector share it. `--only PART` (repeatable) measures some parts and keeps what `--results` has of others.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks import asking_report
from benchmarks.crowd import Row, asked, costs_of
from benchmarks.deployed import Deployed, deployed
from benchmarks.document import write_between_marks
from benchmarks.watching import watched

Part = Callable[[Deployed, argparse.Namespace], list[Row]]

_FIELDS: Final = "fields=job_id,name,job_state,priority&limit=100"
_PAUSE_MS: Final = 1000
_SLOW_CLIENTS: Final = 50


def unchanged(service: Deployed, options: argparse.Namespace) -> list[Row]:
    """304s, of what does not change here from load to load, and the same asked without a tag."""
    tag = service.fetch("/partitions")[0]["ETag"]
    return [
        row
        for clients in options.clients
        for row in (
            asked(service, "304 of `/partitions`", ["/partitions"], clients, options.seconds, tag=tag),
            asked(service, "`/partitions`, whole", ["/partitions"], clients, options.seconds),
        )
    ]


def pages(service: Deployed, options: argparse.Namespace) -> list[Row]:
    """A page of a user's jobs: of one user, and of a random one of two hundred."""
    one = [f"/queue?user=user003&{_FIELDS}"]
    many = [f"/queue?user=user{number:03}&{_FIELDS}" for number in range(200)]
    return [
        row
        for clients in options.clients
        for row in (
            asked(service, "a page of one user's jobs", one, clients, options.seconds),
            asked(service, "a page of any of 200 users", many, clients, options.seconds),
        )
    ]


def jobs(service: Deployed, options: argparse.Namespace) -> list[Row]:
    """One job, and a random one of five thousand."""
    step = max(options.jobs // 5000, 1)
    many = [f"/queue/{number}" for number in range(1, options.jobs + 1, step)]
    return [
        row
        for clients in options.clients
        for row in (
            asked(service, "one job", ["/queue/4711"], clients, options.seconds),
            asked(service, "any of 5,000 jobs", many, clients, options.seconds),
        )
    ]


def changes(service: Deployed, options: argparse.Namespace) -> list[Row]:
    """What a load changed, a hundredth of all jobs; and numbers by user."""
    rows = []
    for clients in options.clients:
        path = f"/queue?since={service.version_before()}"
        rows.append(asked(service, "changes since the load before", [path], clients, options.seconds))
        rows.append(asked(service, "numbers by user", ["/queue?group_by=user"], clients, options.seconds))
    return rows


def paused(service: Deployed, options: argparse.Namespace) -> list[Row]:
    """Clients that ask about once a second, as pages of people do."""
    many = [f"/queue?user=user{number:03}&{_FIELDS}" for number in range(200)]
    any_job = [f"/queue/{number}" for number in range(1, options.jobs + 1, max(options.jobs // 5000, 1))]
    crowds = [clients for clients in options.clients if clients > 1]
    rows = []
    for clients in crowds:
        rows.append(asked(service, "a page of any of 200 users", many, clients, 10, _PAUSE_MS))
        rows.append(asked(service, "any of 5,000 jobs", any_job, clients, 10, _PAUSE_MS))
        changed = [f"/queue?since={service.version_before()}"]
        rows.append(asked(service, "changes since the load before", changed, clients, 10, _PAUSE_MS))
    return rows


def whole(service: Deployed, options: argparse.Namespace) -> list[Row]:
    """The whole queue, compressed; and the same read slowly by many."""
    rows = [asked(service, "`/queue`, gzip", ["/queue"], clients, options.seconds) for clients in (1, 10)]
    url = f"http://127.0.0.1:{service.port}/queue"
    argv = ["curl", "-s", "-o", "/dev/null", "-H", "Accept-Encoding: gzip", "--limit-rate", "1M", "-m", "20", url]
    with watched(service) as costs:
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
            **costs_of(costs, _SLOW_CLIENTS),
        },
    ]


PARTS: Final[dict[str, Part]] = {
    "unchanged": unchanged,
    "pages": pages,
    "jobs": jobs,
    "changes": changes,
    "paused": paused,
    "whole": whole,
}


def main() -> None:
    """Start everything, measure, end everything, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 50, 500])
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--port", type=int, default=5978)
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
            # Before the clients come: what the machine has to do besides.
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

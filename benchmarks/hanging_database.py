"""Measures the live routes while the accounting database is frozen (SIGSTOP) and 20 clients ask for its records.

    python -m benchmarks.hanging_database --keep

It needs root, the cluster of `tests/testbed` (for MariaDB), Debian's `nginx` and `wrk`, and an idle machine. It runs
the demonstration cluster under the uWSGI and nginx of docs/deployment.md. All clients are `wrk`, in processes of their
own: first clients that wait as long as Retry-After says, then clients that ask again after 100 ms. The exit status is 1
if the 99th percentile of the live routes exceeds `--limit-ms` while the database is frozen, or if one of their requests
fails.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks import wrk
from slurm_rest_api.demo.scale import Scale
from tests.acctapi.slurmdbd_rows import job_row
from tests.cluster.accounting_database import ASSOC_TABLE, JOB_TABLE, OPTIONAL, PASSWORD, READER, AccountingDatabase
from tests.cluster.mariadb import mariadb_server
from tests.deployed.asking import ask, wait_healthy
from tests.deployed.installation import make_installation
from tests.deployed.nginx_server import Nginx, nginx, unlimited
from tests.deployed.site import CONFIG, Site, demo_site
from tests.testbed.bringup import down, up
from tests.testbed.cluster import Cluster, DatabaseFacts
from tests.testbed.layout import layout_from
from tests.waiting import wait_for

_LIVE: Final = ["/queue?limit=100", "/nodes?limit=100", "/partitions", "/usage?compact=true", "/stats"]
_ACCOUNTING: Final = [
    "/history?limit=100",
    "/users",
    "/history?user=alice",
    "/history?group_by=account&submitafter=0",
    "/history/1005/steps",
    "/accounts",
    "/qos",
    "/events",
    "/utilization?group_by=account",
    "/health",
]
_RELEASE: Final = "26.05"
_ROWS: Final = 1000
_PAUSE_MS: Final = 100


def database_settings(facts: DatabaseFacts, name: str) -> dict[str, Any]:
    """Returns the section `database` of a service that reads the tables of `AccountingDatabase`."""
    return {
        "db_sqlite_file": None,
        "db_host": facts.host,
        "db_port": facts.port,
        "db_user": READER,
        "db_pass": PASSWORD,
        "db_name": name,
        "table_job": JOB_TABLE,
        "table_assoc": ASSOC_TABLE,
        **OPTIONAL,
    }


@dataclass(frozen=True)
class Clients:
    """Clients of the accounting routes.

    Attributes:
        name: Description for the table.
        pause_ms: Pause of each client after a response.
        obeys: True if a client waits as long as Retry-After says, as docs/accounting.md asks for.
    """

    name: str
    pause_ms: int
    obeys: bool


_CLIENTS: Final = (Clients("obey Retry-After", 100, True), Clients("ask again after 100 ms", 100, False))


@contextmanager
def asking(web: Nginx, clients: Clients, number: int) -> Iterator[Counter[int]]:
    """Runs clients that ask for accounting records. Yields the number of responses by status, filled at the end."""
    with (
        tempfile.TemporaryDirectory() as folder,
        wrk.running(port_of(web), _ACCOUNTING, number, Path(folder), clients.pause_ms, obeys=clients.obeys) as statuses,
    ):
        yield statuses


def port_of(web: Nginx) -> int:
    """Returns the port of nginx."""
    return urllib.parse.urlsplit(web.url).port or 80


def live(web: Nginx, options: argparse.Namespace) -> wrk.Run:
    """Measures the live routes."""
    with tempfile.TemporaryDirectory() as folder:
        return wrk.run(port_of(web), _LIVE, {}, options.live_clients, options.seconds, Path(folder), _PAUSE_MS)


def measure(cluster: Cluster, options: argparse.Namespace) -> bool:
    """Prints one row for each state of the database. Returns True if the live routes keep the limit."""
    installation = make_installation(
        Path(os.environ.get("SLURM_REST_API_DEPLOYED", "/var/cache/slurm-rest-api-deployed"))
    )
    with mariadb_server(cluster) as (server, facts), demo_site(installation) as site:
        database = AccountingDatabase(facts, _RELEASE)
        database.grant_all()
        database.insert(JOB_TABLE, (job_row(_RELEASE, number, {}) for number in range(1, _ROWS)))
        configure(site, database_settings(facts, database.name), options)
        with nginx(site, unlimited) as web:
            wait_healthy(web)
            wait_for("the accounting database", lambda: ask(web, "/history").status == 200)
            print(
                "| database | accounting clients | live requests | failed | p50, ms | p99, ms | p99.9, ms | accounting "
                "responses by status |"
            )
            print("|---|---|---:|---:|---:|---:|---:|---|")
            row("answers", "none", live(web, options), Counter())
            frozen = []
            for clients in _CLIENTS:
                with asking(web, clients, options.clients) as statuses:
                    found = live(web, options)
                row("answers", clients.name, found, statuses)
                with server.frozen():
                    began = time.monotonic()
                    for _ in range(2):
                        since = time.monotonic() - began
                        with asking(web, clients, options.clients) as statuses:
                            frozen.append(live(web, options))
                        row(f"frozen for {since:.0f} s", clients.name, frozen[-1], statuses)
                wait_for("the accounting database", lambda: ask(web, "/history").status == 200)
        database.close()
    return all(run.p99 <= options.limit_ms and run.failed == 0 for run in frozen)


def configure(site: Site, database: dict[str, Any], options: argparse.Namespace) -> None:
    """Starts the service again with `database` and a cluster of the wanted size."""
    site.stop()
    site.path(CONFIG).unlink()
    site.configure({"database": database}, Scale(options.nodes, options.jobs))
    site.start()


def row(state: str, clients: str, run: wrk.Run, statuses: Counter[int]) -> None:
    """Prints one row of the table."""
    counts = ", ".join(f"{status}: {number}" for status, number in sorted(statuses.items())) or "-"
    print(
        f"| {state} | {clients} | {run.requests} | {run.failed} | {run.p50:.1f} | {run.p99:.1f} | {run.p999:.1f} "
        f"| {counts} |",
        flush=True,
    )


def main() -> int:
    """Runs the measurement. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=30, help="length of each row")
    parser.add_argument("--clients", type=int, default=20, help="clients of the accounting routes")
    parser.add_argument("--live-clients", type=int, default=8, help="clients of the live routes")
    parser.add_argument("--nodes", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--limit-ms", type=float, default=50.0)
    parser.add_argument("--keep", action="store_true", help="leave the cluster up")
    options = parser.parse_args()
    layout = layout_from(os.environ)
    cluster = Cluster(layout, up(layout))
    try:
        is_kept = measure(cluster, options)
    finally:
        if not options.keep:
            down(layout)
    return 0 if is_kept else 1


if __name__ == "__main__":
    raise SystemExit(main())

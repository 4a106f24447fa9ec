"""Measures explanations and /availability in one process, in processor time, over a made-up full cluster.

    python -m benchmarks.explain

A request through the whole application (WSGI test client) that is never cached. The limits of all jobs are set in an
SQLite file with slurmdbd's tables. The least that a request can take is that for one job, one look-up by its key.
`benchmarks.peers` asks Slurm's commands for the same.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.busy_cluster import ASSOCIATION_LIMITS, QOS, QOS_LIMITS, USERS, BusySource, account_of
from benchmarks.machine import machine
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.acctapi.rows import Row, job_row, settings_for, write_database
from tests.conftest import make_client

_OTHER: Final = "of other jobs"
_QUERIES: Final = ("", "?cpus=8&mem=32000&gpus=1&gpu_type=a100&time=4:00:00", "?nodes=20&exclusive=true")


def _associations() -> Iterator[Row]:
    yield {"id_assoc": 1, "qos": b",1,"}
    numbers = itertools.count(10)
    for account in sorted(set(map(account_of, USERS))):
        yield {"id_assoc": next(numbers), "acct": account, "parent_acct": "root", **ASSOCIATION_LIMITS}
    for user in USERS:
        yield {"id_assoc": next(numbers), "user": user, "acct": account_of(user), "is_def": 1, "max_jobs": 10}


def main() -> None:
    """Loads the cluster, measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        database = Path(name) / "acct.sqlite"
        limits = [{"id": number, "name": qos, **QOS_LIMITS} for number, qos in enumerate(QOS, 1)]
        write_database(database, [job_row(7)], list(_associations()), qos=limits)
        settings = settings_for(database, Path(name) / "run")
        paths = RuntimePaths.of(settings)
        paths.make()
        source = BusySource(options.jobs, options.nodes)
        Cycle(source, StoreWriter(paths.store), hidden=[], refresh_seconds=3600.0).run()
        client, origins = make_client(settings), itertools.count()
        print(f"{machine()} {options.jobs:,} jobs, {options.nodes:,} nodes.\n")
        print("| request | best, ms | median, ms | times one job |\n|---|---:|---:|---:|")
        one = f"/queue/{source.lowest()}"
        fields = [f"{one}/explain?fields={field}" for field in ("rank", "limits", "availability")]
        others = itertools.cycle(f"/queue/{job}/explain" for job in source.pending(options.times))
        least = 0.0
        for path in (one, f"{one}/explain", _OTHER, *fields, *(f"/availability{query}" for query in _QUERIES)):
            taken = []
            for _ in range(options.times):
                asked = next(others) if path == _OTHER else path
                # For another page nothing is cached.
                headers = {"Origin": f"http://page{next(origins)}"}
                began = time.process_time()
                client.get(asked, headers=headers)
                taken.append(1000 * (time.process_time() - began))
            median = statistics.median(taken)
            least = least or median
            print(f"| `{path}` | {min(taken):.1f} | {median:.1f} | {median / least:.1f} |")


if __name__ == "__main__":
    main()

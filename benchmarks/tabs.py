"""Measures 20 open tabs of the Queue page after a recalculation of all priorities, in one process.

    python -m benchmarks.tabs [--jobs=100000] [--nodes=10000]

Each tab sends the requests of the page's update to the whole application (WSGI test client), as if one worker had all
of them. It prints bytes of a tab and processor time. The goals are 50 kB for each tab and 50 ms for all tabs together.
The least that a tab can take is a request for one job, one look-up by its key. `benchmarks.peers` asks squeue for the
same.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Final

from flask.testing import FlaskClient

from benchmarks.machine import machine
from benchmarks.synthetic import SyntheticSource
from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.conftest import make_client

_TABS: Final = 20
_NO_TAG: Final = '""'
# Those that slurm_rest_api/pages/static/queue-columns.js has by default.
_FIELDS: Final = (
    "job_id,job_state,array_job_id,array_task_id,array_task_str,het_job_id,het_job_offset,num_cpus,name,user_name,"
    "partition,nodes,start_time,end_time,time_limit,resv_name,state_reason,suspend_time,pre_sus_time,num_nodes,"
    "gres_allocated,tres_alloc_str,tres_req_str,tres_per_job,tres_per_node,tres_per_socket,tres_per_task,num_tasks,"
    "sockets_per_node"
)
_NEWEST: Final = f"/queue?fields={_FIELDS}&sort=-job_id&limit=50&shape=list"
_VIEWS: Final = {
    "newest jobs": (_NEWEST, "/queue?group_by=state"),
    "pending jobs by priority": (
        f"/queue?state=PD&fields={_FIELDS},priority&sort=-priority&limit=50&shape=list",
        "/queue?group_by=state",
    ),
    "newest jobs, with reasons open": (_NEWEST, "/queue?group_by=state", "/queue?state=PD&group_by=reason"),
}


def main() -> None:
    """Loads the cluster, measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--nodes", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        settings = Settings.model_validate({"system": {"runtime_dir": Path(name)}})
        paths = RuntimePaths.of(settings)
        paths.make()
        # Every job has another priority in each load.
        source = SyntheticSource(options.jobs, options.nodes, changing=1000)
        cycle = Cycle(source, StoreWriter(paths.store), hidden=[], refresh_seconds=3600.0)
        cycle.run()
        client = make_client(settings)
        print(f"{machine()} {options.jobs:,} jobs, {options.nodes:,} nodes, {_TABS} tabs.\n")
        print(
            "| view | bytes of a tab | first tab, ms | all tabs, ms | times one job each |\n|---|---:|---:|---:|---:|"
        )
        for view, requests in _VIEWS.items():
            before = {path: _get(client, path)[0] for path in requests}
            cycle.run()
            least = sum(_update(client, {f"/queue/{job}": _NO_TAG})[1] for job in range(1, _TABS + 1))
            tabs = [_update(client, before) for _ in range(_TABS)]
            seconds = [seconds for _, seconds in tabs]
            row = f"| {view} | {tabs[0][0]:,} | {seconds[0] * 1000:.1f} | {sum(seconds) * 1000:.1f}"
            print(f"{row} | {sum(seconds) / least:.1f} |", flush=True)


def _update(client: FlaskClient, tags: dict[str, str]) -> tuple[int, float]:
    """Returns the bytes and the processor seconds of an update of a tab that has the representations `tags`."""
    began = time.process_time()
    size = sum(len(_get(client, path, tag)[1]) for path, tag in tags.items())
    return size, time.process_time() - began


def _get(client: FlaskClient, path: str, tag: str = _NO_TAG) -> tuple[str, bytes]:
    """Returns the ETag and the body of a representation, which is empty for a 304."""
    response = client.get(path, headers={"Accept-Encoding": "gzip", "If-None-Match": tag})
    return response.headers["ETag"], response.data


if __name__ == "__main__":
    main()

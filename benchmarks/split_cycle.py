"""Prints the seconds of each part of a collector cycle as JSON.

Run `split_cycle.py FOLDER HIDDEN_PARTITION SOURCE` with the service's Python on the cluster.
It creates a store in FOLDER.
Parts: `load` (RPCs and unpacking), `records` (reading, hiding and rendering every job), `store_all` (all rows are new),
`store_same` (no row has changed).
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path

import orjson

from slurm_rest_api.slurmapi.collector import index_rows
from slurm_rest_api.slurmapi.collector.hide_partitions import hide_partitions
from slurm_rest_api.slurmapi.sources.detect import open_source
from slurm_rest_api.slurmapi.store.record_writer import Row
from slurm_rest_api.slurmapi.store.writer import StoreWriter


def main(folder: Path, hidden: str, name: str) -> None:
    """Runs the parts of a cycle one after the other."""
    source, writer = open_source(name), StoreWriter(folder / "split.sqlite")
    moments = [time.perf_counter()]
    snapshot = hide_partitions(source.load(), [hidden])
    moments.append(time.perf_counter())
    rows: list[Row] = [
        Row(job["job_id"], orjson.dumps(job), partial(index_rows.job_index_row, job)) for job in snapshot.jobs
    ]
    moments.append(time.perf_counter())
    for _ in range(2):
        with writer.cycle() as cycle:
            cycle.replace_records("queue", rows, time.time())
        moments.append(time.perf_counter())
    names = ("load", "records", "store_all", "store_same")
    seconds = {name: after - before for name, before, after in zip(names, moments, moments[1:], strict=False)}
    print(json.dumps({"jobs": len(rows), **seconds}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])

"""The load archive with a year of samples, beside TinyDB on the same data: `python -m benchmarks.load`."""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinydb import TinyDB, where

from benchmarks.machine import machine
from slurm_rest_api.app import create_app
from slurm_rest_api.archive.engine import open_engine
from slurm_rest_api.archive.sample import Sample
from slurm_rest_api.archive.store import ArchiveStore
from slurm_rest_api.config import Settings

DAY = 86400
WIDTH = 60
PARTITIONS = 20
# TinyDB reads and writes its whole file at every insert; more than this would take hours.
TINYDB_SAMPLES = 3 * 1440


class Year:
    """Samples of a year up to now, a minute apart, that go up and down like a cluster's."""

    def __init__(self, days: int) -> None:
        self.end = int(time.time()) // DAY * DAY
        self.count = days * DAY // WIDTH
        self._random = random.Random(1)  # noqa: S311 - figures, no secrets

    def sample(self, number: int) -> Sample:
        """The sample `number` of the year, 0 being the oldest."""
        figures = self._figures
        return {
            "time": self.end - (self.count - 1 - number) * WIDTH,
            "total_load": self._random.random(),
            **figures(1000),
            "partitions": {
                f"partition{n:02d}": {
                    "partition_load": self._random.random(),
                    "total_nodes": 40,
                    "total_used_cpus_on_active_nodes": self._random.randrange(2000),
                    "total_used_mem_on_active_nodes": self._random.randrange(8_000_000),
                    "state": "UP",
                    **figures(50),
                }
                for n in range(PARTITIONS)
            },
        }

    def _figures(self, nodes: int) -> dict[str, Any]:
        draw = self._random.randrange
        return {
            "total_cpus": nodes * 48,
            "total_mem": nodes * 192_000,
            "alloc_cpus": draw(nodes * 48),
            "alloc_mem": draw(nodes * 192_000),
            "alloc_gpus": draw(nodes),
            "total_gpus": nodes,
            "jobs_running": draw(500),
            "jobs_pending": draw(5000),
            "nodes_by_state": {"ALLOCATED": draw(nodes), "DOWN": draw(9), "IDLE": draw(nodes), "MIXED": draw(nodes)},
        }


def fill(settings: Settings, year: Year) -> None:
    """Write the whole year a day at a time: how it got there is not measured."""
    store = ArchiveStore(open_engine(settings.system, writable=True))
    for first in range(0, year.count, DAY // WIDTH):
        batch = [year.sample(number) for number in range(first, min(first + DAY // WIDTH, year.count))]
        store.add_past(batch)
        store.renew(sample["time"] for sample in batch)
    store.close()


def seconds_of(work: Callable[[], object], times: int) -> list[float]:
    """How long each of `times` runs of `work` took, the first one left out."""
    work()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return taken


def inserts(settings: Settings, year: Year) -> list[float]:
    """Seconds for each of a hundred samples that follow the year."""
    store = ArchiveStore(open_engine(settings.system, writable=True))
    samples = iter([{**year.sample(number), "time": year.end + WIDTH * (number + 1)} for number in range(101)])
    taken = seconds_of(lambda: store.add(next(samples)), 100)
    store.close()
    return taken


def requests(settings: Settings, year: Year) -> dict[str, list[float]]:
    """Seconds for each kind of request, from the request to the last byte, without HTTP."""
    client = create_app(settings).test_client()

    def get(query: str) -> Callable[[], object]:
        return lambda: client.get(f"/load?{query}").data

    year_ago = year.end - year.count * WIDTH
    until = f"until={year.end}"
    return {
        "the newest sample": seconds_of(get(f"until={year.end}&since={year.end - WIDTH}"), 50),
        "the last day (1,440 samples)": seconds_of(get(f"since={year.end - DAY}&until={year.end}"), 20),
        "the last day, one partition, two fields": seconds_of(
            get(f"since={year.end - DAY}&until={year.end}&partition=partition07&fields=time,partitions.partition_load"),
            20,
        ),
        "the last month, as it fits": seconds_of(get(f"since={year.end - 30 * DAY}&{until}"), 5),
        "the last year by day": seconds_of(get(f"since={year_ago}&{until}&step={DAY}"), 20),
        "a month by two hours, which no level has": seconds_of(
            get(f"since={year_ago}&until={year_ago + 30 * DAY}&step=7200"), 3
        ),
    }


def tinydb(folder: Path, year: Year) -> tuple[int, list[float], list[float], int]:
    """TinyDB with a few days of the same samples: how many, seconds of an insert, of the last day, and bytes."""
    file = folder / "db.json"
    samples = [year.sample(number) for number in range(TINYDB_SAMPLES)]
    file.write_text(json.dumps({"_default": {str(number): sample for number, sample in enumerate(samples, 1)}}))
    with TinyDB(file) as database:
        last = samples[-1]["time"]
        insert = seconds_of(lambda: database.insert(samples[-1]), 3)
        day = seconds_of(lambda: json.dumps(database.search(where("time") > last - DAY)), 3)
    return TINYDB_SAMPLES, insert, day, file.stat().st_size


def ms(taken: list[float]) -> str:
    """Median and largest."""
    return f"{statistics.median(taken) * 1000:.1f} ms | {max(taken) * 1000:.1f} ms"


def report(days: int, folder: Path) -> str:
    """Run everything in `folder`; the figures as Markdown."""
    file = folder / "load.sqlite"
    settings = Settings.model_validate(
        {
            "system": {
                "archive_usage_load": True,
                "archive_path": str(file),
                "archive_keep_days": days + 1,
                "runtime_dir": folder / "run",
            }
        }
    )
    year = Year(days)
    if not file.exists():
        fill(settings, year)
    taken, inserted, size = requests(settings, year), inserts(settings, year), file.stat().st_size
    count, their_insert, their_day, their_size = tinydb(folder, year)
    rows = "\n".join(f"| {name} | {ms(seconds)} |" for name, seconds in taken.items())
    yearly, each, kept = size / days * 365 / 1e6, size / year.count, size / days * 90 / 1e6 + 250
    return f"""\
# What the load archive costs

`python -m benchmarks.load` fills an archive with {days} days of samples a minute apart, {PARTITIONS} partitions
each ({year.count:,} samples, {year.count * PARTITIONS:,} partition records), and asks for them. Times are from the
request to the last byte, in the web worker, without HTTP. {machine()}

| | median | largest |
|---|---:|---:|
| insert, synced to the disk | {ms(inserted)} |
{rows}

The file has {size / 1e6:,.0f} MB with every sample kept: {yearly:,.0f} MB a year, {each:,.0f} bytes a sample, the wider
levels in it. With the default of 90 days for single samples it stays below {kept:,.0f} MB for years.

TinyDB, which the 2018 service used, with {count:,} of the same samples ({count / 1440:.0f} days):

| | median | largest |
|---|---:|---:|
| insert | {ms(their_insert)} |
| the last day | {ms(their_day)} |

Its file has {their_size / 1e6:,.0f} MB ({their_size / count:,.0f} bytes a sample). It reads and writes all of it at
each insert, so both times grow with every sample; a year of them was not tried.
"""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--folder", type=Path, help="keeps the archive here, and uses the one that is here already")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        text = report(arguments.days, arguments.folder or Path(folder))
    if arguments.output is not None:
        arguments.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()

"""Measures the load archive with a year of samples, and TinyDB with the same data.

python -m benchmarks.load --output benchmarks/results/load.md
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from tinydb import TinyDB, where

from benchmarks.machine import machine
from slurm_rest_api.app import create_app
from slurm_rest_api.archive.engine import open_engine
from slurm_rest_api.archive.sample import Sample
from slurm_rest_api.archive.writer import ArchiveWriter
from slurm_rest_api.config import Settings

DAY = 86400
WIDTH = 60
PARTITIONS = 20
# TinyDB reads and writes its whole file at every insert; more than this would take hours.
TINYDB_SAMPLES = 3 * 1440


class Year:
    """Synthetic samples of the last year, one minute apart."""

    def __init__(self, days: int, end: int) -> None:
        self.end = end
        self.count = days * DAY // WIDTH
        self._random = random.Random(1)  # noqa: S311 - figures, no secrets

    def sample(self, number: int) -> Sample:
        """Returns the sample `number` of the year. 0 is the oldest."""
        figures = self._figures
        return {
            "time": self.end - (self.count - 1 - number) * WIDTH,
            "total_load": round(self._random.random(), 6),
            **figures(1000),
            "partitions": {
                f"partition{n:02d}": {
                    "partition_load": round(self._random.random(), 6),
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
    """Writes the whole year, one day per transaction. This is not measured."""
    store = ArchiveWriter(open_engine(settings.system, writable=True))
    for first in range(0, year.count, DAY // WIDTH):
        batch = [year.sample(number) for number in range(first, min(first + DAY // WIDTH, year.count))]
        store.add_past(batch)
        store.rebuild(sample["time"] for sample in batch)
    store.close()


class Taken(NamedTuple):
    """Wall-clock and processor seconds of one run. Only the former depends on other programs."""

    wall: float
    cpu: float


def seconds_of(work: Callable[[], object], times: int) -> list[Taken]:
    """Times `times` runs of `work` after one warm-up run."""
    work()
    taken = []
    for _ in range(times):
        started, busy = time.perf_counter(), time.process_time()
        work()
        taken.append(Taken(time.perf_counter() - started, time.process_time() - busy))
    return taken


def inserts(settings: Settings, year: Year) -> list[Taken]:
    """Times the insert of 100 samples after the year."""
    store = ArchiveWriter(open_engine(settings.system, writable=True))
    samples = iter([{**year.sample(number), "time": year.end + WIDTH * (number + 1)} for number in range(101)])
    taken = seconds_of(lambda: store.add(next(samples)), 100)
    store.close()
    return taken


def requests(settings: Settings, year: Year) -> dict[str, list[Taken]]:
    """Times each kind of request from the request to the last byte, without HTTP."""
    client = create_app(settings).test_client()

    def get(query: str) -> Callable[[], object]:
        return lambda: sum(map(len, client.get(f"/load?{query}").iter_encoded()))

    def last(days: int) -> str:
        # Filling took its time: what was the present then is the end of the range.
        return f"since={year.end - days * DAY + WIDTH}&until={year.end + WIDTH}"

    two_fields = "partition=partition07&fields=time,partitions.partition_load"
    days = year.count * WIDTH // DAY
    return {
        "the newest sample": seconds_of(get(f"since={year.end}&until={year.end + WIDTH}"), 50),
        "the last day (1,440 samples)": seconds_of(get(last(1)), 20),
        "the last day, one partition, two fields": seconds_of(get(f"{last(1)}&{two_fields}"), 20),
        "the last month, as it fits (by hour)": seconds_of(get(last(30)), 10),
        "the last year by day": seconds_of(get(f"{last(days)}&step={DAY}"), 20),
        "the last year, as it fits (by 6 hours)": seconds_of(get(last(days)), 10),
        "the last year by 12 hours, which no level has": seconds_of(get(f"{last(days)}&step={DAY // 2}"), 3),
    }


def tinydb(folder: Path, year: Year) -> tuple[int, list[Taken], list[Taken], int]:
    """Measures TinyDB with a few days of the same samples: insert, last day and file size."""
    file = folder / "db.json"
    samples = [year.sample(number) for number in range(TINYDB_SAMPLES)]
    file.write_text(json.dumps({"_default": {str(number): sample for number, sample in enumerate(samples, 1)}}))
    with TinyDB(file) as database:
        last = samples[-1]["time"]
        insert = seconds_of(lambda: database.insert(samples[-1]), 3)
        day = seconds_of(lambda: json.dumps(database.search(where("time") > last - DAY)), 3)
    return TINYDB_SAMPLES, insert, day, file.stat().st_size


def newest(file: Path) -> int:
    """Returns the slot of the newest sample in an archive."""
    with closing(sqlite3.connect(file)) as connection:
        slot: int = connection.execute("SELECT max(time) FROM load_sample").fetchone()[0]
    return slot


def describe_size(file: Path, days: int) -> str:
    """Returns the size of a day in each table, and the total over the years."""
    with closing(sqlite3.connect(file)) as connection:
        pages = dict(connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall())
    single, tens = (pages[name] / days / 1e6 for name in ("load_sample", "load_10_minutes"))
    wider = sum(pages[name] for name in ("load_hour", "load_6_hours", "load_day")) / days / 1e6
    whole, first, each = sum(pages.values()) / 1e6, 90 * single + 365 * (tens + wider), 365 * wider
    second = first + 365 * (tens + wider)
    return f"""\
With every sample kept the file has {whole:,.0f} MB. A day takes {single:.2f} MB of single samples,
{tens:.2f} MB of ten minutes and {wider:.2f} MB of wider ones. With the defaults (90 days, two years, for
ever) the file has {first:,.0f} MB after a year, {second:,.0f} MB after two, and each year after that adds
{each:,.0f} MB."""


def ms(taken: list[Taken]) -> str:
    """Formats median and maximum wall-clock time and median processor time."""
    walls, cpus = zip(*taken, strict=True)
    return " | ".join(
        f"{seconds * 1000:.1f} ms" for seconds in (statistics.median(walls), max(walls), statistics.median(cpus))
    )


def report(days: int, folder: Path) -> str:
    """Runs all measurements in `folder` and returns them as Markdown."""
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
    found = newest(file) if file.exists() else None
    year = Year(days, found or int(time.time()) // WIDTH * WIDTH)
    if found is None:
        fill(settings, year)
    taken, inserted = requests(settings, year), inserts(settings, year)
    count, their_insert, their_day, their_size = tinydb(folder, year)
    rows = "\n".join(f"| {name} | {ms(seconds)} |" for name, seconds in taken.items())
    sizes = describe_size(file, days)
    return f"""\
# What the load archive costs

`python -m benchmarks.load` fills an archive with {days} days of samples a minute apart, {PARTITIONS} partitions
each ({year.count:,} samples, {year.count * PARTITIONS:,} partition records), and asks for them. Times are from the
request to the last byte, in the web worker, without HTTP; CPU is what this process needed of that, however busy the
machine is otherwise. {machine()}

| | median | largest | CPU |
|---|---:|---:|---:|
| insert, synced to the disk | {ms(inserted)} |
{rows}

{sizes}

TinyDB, which the 2018 service used, with {count:,} of the same samples ({count / 1440:.0f} days):

| | median | largest | CPU |
|---|---:|---:|---:|
| insert | {ms(their_insert)} |
| the last day | {ms(their_day)} |

Its file has {their_size / 1e6:,.0f} MB ({their_size / count:,.0f} bytes a sample). It reads and writes all of it at
each insert, so both times grow with every sample; a year of them was not tried.
"""


def main() -> None:
    """Runs the command."""
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

"""Writes the past of the simulated cluster to two files.

The collector starts it as a short-lived process. The newest days are written first, so that the routes have data after
a few seconds.
"""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Final

import click
from sqlalchemy import select

from slurm_rest_api.archive.engine import open_engine
from slurm_rest_api.archive.tables import RAW, metadata
from slurm_rest_api.archive.writer import ArchiveWriter
from slurm_rest_api.config.models import SystemSettings
from slurm_rest_api.demo.accounting import AccountingFile
from slurm_rest_api.demo.accounting_rows import event_rows, has_record, job_row
from slurm_rest_api.demo.backfill_load import FINE_SECONDS, past_sample, wanted_slots
from slurm_rest_api.demo.files import DemoFolder
from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.demo.timeline import Timeline
from slurm_rest_api.demo.usage_rollup import amounts
from slurm_rest_api.processes.children import die_with_parent

logger = logging.getLogger(__name__)

_DAY: Final = 86400
_SAMPLES_PER_BATCH: Final = 144
_BACKFILLED_SINCE: Final = "backfilled_since"
_NICENESS: Final = 10


def backfill_jobs(timeline: Timeline, file: AccountingFile, now: int, days: int) -> None:
    """Writes the records of jobs that ended in the last `days`, a day at a time. Continues an interrupted run."""
    begin = now - days * _DAY
    until = file.read_note(_BACKFILLED_SINCE) or now
    while until > begin:
        since = max(begin, until - _DAY)
        ended = (job for job in timeline.changed_between(since, until) if since < job.end <= until)
        file.write(job_row(job, now) for job in ended if has_record(job, now) or not job.start)
        file.write_note(_BACKFILLED_SINCE, since)
        until = since


def backfill_events(timeline: Timeline, file: AccountingFile, now: int, days: int) -> None:
    """Writes the events of nodes that ended in the last `days`. The collector writes those that go on."""
    file.write_events(event_rows((each for each in timeline.outages(now - days * _DAY, now) if each.until <= now), now))


def backfill_load(timeline: Timeline, archive: Path, now: int, days: int) -> None:
    """Writes load samples of the last `days` to the slots of `archive` that have none."""
    engine = open_engine(SystemSettings(archive_path=str(archive)), writable=True)
    metadata.create_all(engine)
    with engine.connect() as connection:
        existing = {slot // FINE_SECONDS for slot in connection.execute(select(RAW.c.time)).scalars()}
    missing = [slot for slot in wanted_slots(now, days) if slot // FINE_SECONDS not in existing]
    store = ArchiveWriter(engine)
    for first in range(0, len(missing), _SAMPLES_PER_BATCH):
        # Forward in time, so that the timeline can reuse its windows.
        slots = missing[first : first + _SAMPLES_PER_BATCH][::-1]
        store.add_past([past_sample(timeline, slot) for slot in slots])
        store.rebuild(slots)
    store.close()


@click.command()
@click.option("--folder", type=click.Path(path_type=Path), required=True)
@click.option("--nodes", type=int, required=True)
@click.option("--jobs", type=int, required=True)
@click.option("--seed", type=int, required=True)
@click.option("--days", type=int, required=True)
def main(folder: Path, nodes: int, jobs: int, seed: int, days: int) -> None:
    """Writes the past into FOLDER, then ends."""
    die_with_parent()
    os.nice(_NICENESS)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    scale, files = Scale(nodes, jobs, seed, days), DemoFolder(folder)
    timeline, now = Timeline(scale), int(time.time())
    started = time.monotonic()
    accounting = AccountingFile(files.accounting)
    backfill_events(timeline, accounting, now, scale.record_days)
    backfill_jobs(timeline, accounting, now, scale.record_days)
    accounting.roll_up(amounts(timeline.hardware), scale.record_days, now)
    accounting.close()
    backfill_load(timeline, files.archive, now, scale.load_days)
    logger.info(
        "The demo's past is written: job records of %d days and load samples of %d, in %.0f s.",
        scale.record_days,
        scale.load_days,
        time.monotonic() - started,
    )


if __name__ == "__main__":
    main()

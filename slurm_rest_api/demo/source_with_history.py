"""The demo's source with a past: every load also updates the accounting database."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from slurm_rest_api.demo.accounting import AccountingFile
from slurm_rest_api.demo.accounting_rows import Row, event_rows, has_record, job_row, rows_of, waiting_array_rows
from slurm_rest_api.demo.files import DemoFolder
from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.demo.source import DemoSource
from slurm_rest_api.demo.timeline import Moment
from slurm_rest_api.demo.usage_rollup import amounts
from slurm_rest_api.processes.children import child_environment
from slurm_rest_api.slurmapi.sources.base import Snapshot

logger = logging.getLogger(__name__)

_SYNCED: Final = "synced_until"
_DAY: Final = 86400


def start_backfill(scale: Scale, folder: DemoFolder) -> subprocess.Popen[bytes]:
    """Starts a process that writes the past. It ends with this process."""
    values = {"folder": folder.root, "nodes": scale.nodes, "jobs": scale.jobs, "seed": scale.seed, "days": scale.days}
    options = [f"--{name}={value}" for name, value in values.items()]
    command = [sys.executable, "-m", "slurm_rest_api.demo.backfill", *options]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, env=child_environment())


class SourceWithHistory(DemoSource):
    """Writes changes to the accounting database at every load. Calls `start_backfill` after the first load."""

    def __init__(
        self,
        scale: Scale,
        folder: DemoFolder,
        clock: Callable[[], float] = time.time,
        start_backfill: Callable[[Scale, DemoFolder], subprocess.Popen[bytes] | None] = start_backfill,
    ) -> None:
        super().__init__(scale, clock)
        folder.prepare(scale)
        self._folder = folder
        self._accounting = AccountingFile(folder.accounting)
        self._synced: int | None = None
        self._start_backfill = start_backfill
        self._backfill_process: subprocess.Popen[bytes] | None = None

    def load(self) -> Snapshot:
        """Returns the records of the cluster now. The accounting database has the same moment."""
        moment = self.moment()
        since = self._since(moment)
        if self._synced is None:
            self._catch_up(moment, since)
            self._backfill_process = self._start_backfill(self.timeline.scale, self._folder)
        else:
            self._write_changes(moment, self._synced)
        outages = self.timeline.outages(moment.now if since is None else since, moment.now, self.progress)
        self._accounting.write_events(event_rows(outages, moment.now), ends=moment.now)
        # The first time it is done with the past.
        if self._accounting.is_rolled_up:
            self._accounting.roll_up(amounts(self.timeline.hardware), self.timeline.scale.record_days, moment.now)
        self._accounting.write_note(_SYNCED, moment.now)
        self._synced = moment.now
        # poll() removes the ended process from the process table.
        if self._backfill_process is not None and self._backfill_process.poll() is not None:
            self._backfill_process = None
        return self.snapshot(moment)

    def _since(self, moment: Moment) -> int | None:
        """Returns the epoch second of the last load, or the first one of the past. None: there was no load."""
        if self._synced is not None:
            return self._synced
        since = self._accounting.read_note(_SYNCED)
        return None if since is None else max(since, moment.now - self.timeline.scale.record_days * _DAY)

    def _catch_up(self, moment: Moment, since: int | None) -> None:
        """Writes all current records, and the changes since the demo last ran."""
        if since is not None:
            self._write_changes(moment, since)
        self._write(rows_of(moment))
        self._write(job_row(job, moment.now) for job in moment.ended)

    def _write_changes(self, moment: Moment, since: int) -> None:
        changed = self.timeline.changed_between(since, moment.now, self.progress)
        self._write(
            job_row(job, moment.now) for job in changed if has_record(job, moment.now) and job.submit <= moment.now
        )
        self._write(waiting_array_rows(moment))

    def _write(self, rows: Iterable[Row]) -> None:
        self._accounting.write(self._reporting(rows))

    def _reporting(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            self.progress()
            yield row

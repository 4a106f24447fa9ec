"""The demo's source with a past: every load also brings the accounting database up to date."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

from slurm_rest_api.demo.accounting import AccountingFile
from slurm_rest_api.demo.accounting_rows import has_record, job_row, rows_of, waiting_array_rows
from slurm_rest_api.demo.files import DemoFolder
from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.demo.source import DemoSource
from slurm_rest_api.demo.timeline import Moment
from slurm_rest_api.processes.children import child_environment
from slurm_rest_api.slurmapi.sources.base import Snapshot

logger = logging.getLogger(__name__)

_SYNCED: Final = "synced_until"
_DAY: Final = 86400


def start_past(scale: Scale, folder: DemoFolder) -> subprocess.Popen[bytes]:
    """Have the past written by a process of its own, which ends with this one."""
    values = {"folder": folder.root, "nodes": scale.nodes, "jobs": scale.jobs, "seed": scale.seed}
    options = [f"--{name}={value}" for name, value in values.items()]
    command = [sys.executable, "-m", "slurm_rest_api.demo.backfill", *options]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, env=child_environment())


class RememberingSource(DemoSource):
    """Writes what changes into the accounting database, and has the past told by `tell_past` after the first load."""

    def __init__(
        self,
        scale: Scale,
        folder: DemoFolder,
        clock: Callable[[], float] = time.time,
        tell_past: Callable[[Scale, DemoFolder], subprocess.Popen[bytes] | None] = start_past,
    ) -> None:
        super().__init__(scale, clock)
        folder.prepare(scale)
        self._folder = folder
        self._accounting = AccountingFile(folder.accounting)
        self._synced: int | None = None
        self._tell_past = tell_past
        self._past: subprocess.Popen[bytes] | None = None

    def load(self) -> Snapshot:
        """The cluster now; its job records are those of the same moment."""
        moment = self.moment()
        if self._synced is None:
            self._catch_up(moment)
            self._past = self._tell_past(self.timeline.scale, self._folder)
        else:
            self._follow(moment, self._synced)
        self._accounting.note(_SYNCED, moment.now)
        self._synced = moment.now
        # Otherwise it would stay in the process table after its end.
        if self._past is not None and self._past.poll() is not None:
            self._past = None
        return self.snapshot(moment)

    def _catch_up(self, moment: Moment) -> None:
        """Write all that is known now, and what happened since the demo last ran."""
        since = self._accounting.noted(_SYNCED)
        if since is not None:
            self._follow(moment, max(since, moment.now - self.timeline.scale.record_days * _DAY))
        self._accounting.write(rows_of(moment))
        self._accounting.write(job_row(job, moment.now) for job in moment.ended)

    def _follow(self, moment: Moment, since: int) -> None:
        changed = self.timeline.changed_between(since, moment.now)
        self._accounting.write(
            job_row(job, moment.now) for job in changed if has_record(job, moment.now) and job.submit <= moment.now
        )
        self._accounting.write(waiting_array_rows(moment))

"""Publishes the state of the load archive's collecting side as a file, for /health and /metrics."""

from __future__ import annotations

import json
import logging
import os
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ArchiveStatus:
    """State of the archive after the last sample. Times are epoch seconds.

    `waiting` samples are not stored yet. `lost` samples were taken and dropped. `missed` slots ended without a sample,
    because there was no fresh snapshot or the collector was late. Both are totals.
    """

    stored_at: int | None = None
    waiting: int = 0
    failing_since: int | None = None
    error: str | None = None
    lost: int = 0
    missed: int = 0


class StatusFile:
    """The status in a file. Two threads of the collector change it. It keeps the totals over restarts."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        before = read_status(file) or ArchiveStatus()
        self._status = ArchiveStatus(stored_at=before.stored_at, lost=before.lost, missed=before.missed)

    @property
    def current(self) -> ArchiveStatus:
        """The last status."""
        return self._status

    def update(self, *, lost: int = 0, missed: int = 0, **changes: Any) -> None:
        """Adds to the totals `lost` and `missed`, changes other fields and writes the file."""
        with self._lock:
            status = self._status
            self._status = replace(status, lost=status.lost + lost, missed=status.missed + missed, **changes)
            temporary = self._file.with_suffix(".new")
            try:
                temporary.write_text(json.dumps(asdict(self._status)))
                os.replace(temporary, self._file)
            except OSError as error:
                logger.debug("Cannot write the state of the load archive to %s: %s", self._file, error)

    def restore(self) -> None:
        """Writes the file again if it was deleted."""
        if not self._file.exists():
            self.update()


def read_status(file: Path) -> ArchiveStatus | None:
    """Reads the last status. Returns None if the collector never wrote one, or the file cannot be read."""
    try:
        return ArchiveStatus(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None

"""Takes one load sample per slot from the snapshot store, and maintains the archive in small steps."""

from __future__ import annotations

import json
import logging
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import orjson

from slurm_rest_api.archive.sample import Sample, make_sample, slot_of
from slurm_rest_api.archive.tables import LEVELS, RAW
from slurm_rest_api.archive.time_range import KEEP_10_MINUTES_SECONDS
from slurm_rest_api.archive.writer import ArchiveWriter
from slurm_rest_api.errors import ArchiveError, StoreError
from slurm_rest_api.slurmapi.shared import pacing
from slurm_rest_api.slurmapi.store.reader import StoreReader

logger = logging.getLogger(__name__)

_MAX_WAITING: Final = 1440
"""Samples kept in memory while the archive cannot be written."""

_MAX_BACKOFF_SECONDS: Final = 600.0
_POLL_SECONDS: Final = 5.0
"""Interval of tries in a slot without a sample, because there was no fresh snapshot."""

_STEPS_A_SLOT: Final = 20
_GRACE_SLOTS: Final = 2
"""A roll-up is made this many slots after its end, because other hosts may still be writing."""


@dataclass(frozen=True)
class ArchiveStatus:
    """State of the sampler after its last step. Times are epoch seconds.

    `waiting` samples are not stored yet. `lost` samples were dropped since `failing_since`, because too many waited.
    """

    stored_at: int | None = None
    waiting: int = 0
    failing_since: int | None = None
    error: str | None = None
    lost: int = 0


class Sampler:
    """Stores one sample per slot, from the snapshot store alone. Call `tick()` in each slot."""

    def __init__(
        self,
        snapshots: StoreReader,
        store: ArchiveWriter,
        *,
        width: int,
        keep_seconds: int,
        status_file: Path,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._snapshots = snapshots
        self._store = store
        self.width = width
        self._keep_seconds = keep_seconds
        self._status_file = status_file
        self._now = now
        self._clock = clock
        self._waiting: deque[Sample] = deque(maxlen=_MAX_WAITING)
        self._status = ArchiveStatus()
        self._taken: int | None = None
        self._failures = 0
        self._retry_at = 0.0

    def seconds_to_next_tick(self) -> float:
        """Returns the seconds to the next slot, or to the next try while the current slot has no sample."""
        now = self._now()
        slot = slot_of(now, self.width)
        left = slot + self.width - now
        return left if self._taken == slot else min(left, _POLL_SECONDS)

    def tick(self) -> None:
        """Takes the sample of the current slot if it has none, stores waiting samples, and maintains the archive."""
        sample = self._take()
        if sample is not None:
            self._enqueue(sample)
        if self._clock() < self._retry_at:
            self._publish(replace(self._status, waiting=len(self._waiting)))
            return
        try:
            self._write()
            self._maintain()
        except ArchiveError as error:
            self._fail(str(error))
        else:
            self._succeed()

    def close(self) -> None:
        """Closes the archive."""
        self._store.close()

    def _enqueue(self, sample: Sample) -> None:
        self._taken = sample["time"]
        if len(self._waiting) == _MAX_WAITING:
            if not self._status.lost:
                logger.error(
                    "The load archive cannot be written and %d samples wait. The oldest samples are dropped.",
                    _MAX_WAITING,
                )
            self._status = replace(self._status, lost=self._status.lost + 1)
        self._waiting.append(sample)

    def _take(self) -> Sample | None:
        """Returns the sample of the current slot, or None if it was taken already or no fresh snapshot exists."""
        now = self._now()
        if slot_of(now, self.width) == self._taken:
            return None
        try:
            with self._snapshots.view() as view:
                status = None if view is None else view.status()
                if view is None or status is None or status.loaded_at is None or status.interval_seconds is None:
                    return None
                # After the clock was set back, old data has a time in the future.
                if (
                    pacing.is_stale(now, status.loaded_at, status.interval_seconds)
                    or status.loaded_at > now + self.width
                ):
                    return None
                usage = orjson.loads(view.document("usage_summary"))
        except StoreError as error:
            logger.warning("Cannot take a load sample: %s", error)
            return None
        return make_sample(slot_of(now, self.width), usage)

    def _write(self) -> None:
        while self._waiting:
            sample = self._waiting[0]
            if self._store.add(sample):
                self._status = replace(self._status, stored_at=sample["time"])
            self._waiting.popleft()

    def _maintain(self) -> None:
        now = int(self._now())
        self._store.roll_up(now - _GRACE_SLOTS * self.width, _STEPS_A_SLOT)
        self._store.prune(RAW, now - self._keep_seconds)
        self._store.prune(LEVELS[600], now - KEEP_10_MINUTES_SECONDS)

    def _fail(self, error: str) -> None:
        self._failures += 1
        if self._failures == 1:
            logger.error("%s Samples wait in memory until it can be written.", error)
        self._retry_at = self._clock() + min(self.width * 2.0 ** min(self._failures - 1, 10), _MAX_BACKOFF_SECONDS)
        since = self._status.failing_since or int(self._now())
        self._publish(replace(self._status, waiting=len(self._waiting), failing_since=since, error=error))

    def _succeed(self) -> None:
        if self._failures:
            logger.info("The load archive can be written again after %d failed attempts.", self._failures)
        self._failures = 0
        self._publish(ArchiveStatus(self._status.stored_at))

    def _publish(self, status: ArchiveStatus) -> None:
        self._status = status
        temporary = self._status_file.with_suffix(".new")
        try:
            temporary.write_text(json.dumps(asdict(status)))
            os.replace(temporary, self._status_file)
        except OSError as error:
            logger.debug("Cannot write the sampler's state to %s: %s", self._status_file, error)


def read_status(file: Path) -> ArchiveStatus | None:
    """Reads the sampler's last state, or None if it never ran here or the file cannot be read."""
    try:
        return ArchiveStatus(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None

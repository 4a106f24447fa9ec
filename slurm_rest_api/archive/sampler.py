"""Takes a load sample of the snapshot store once a slot, and keeps the archive in order in small steps."""

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

_MOST_WAITING: Final = 1440
"""Samples kept in memory while the archive cannot be written."""

_LONGEST_WAIT_SECONDS: Final = 600.0
_LOOK_AGAIN_SECONDS: Final = 5.0
"""In a slot that has no sample yet, because there was nothing fresh to take it from."""

_STEPS_A_SLOT: Final = 20
_GRACE_SLOTS: Final = 2
"""A wider sample is made this many slots after its end: other hosts may still be writing."""


@dataclass(frozen=True)
class ArchiveStatus:
    """What the sampler did last; times are epoch seconds.

    `waiting` samples could not be stored yet, and `lost` were dropped since `failing_since` because too many waited.
    """

    stored_at: int | None = None
    waiting: int = 0
    failing_since: int | None = None
    error: str | None = None
    lost: int = 0


class Sampler:
    """Stores a sample whenever `tick()` is called in a slot that has none; never asks Slurm for anything."""

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
        self._waiting: deque[Sample] = deque(maxlen=_MOST_WAITING)
        self._status = ArchiveStatus()
        self._taken: int | None = None
        self._failures = 0
        self._retry_at = 0.0

    def seconds_to_next_tick(self) -> float:
        """From now to the begin of the next slot; less while the present one has no sample."""
        now = self._now()
        slot = slot_of(now, self.width)
        left = slot + self.width - now
        return left if self._taken == slot else min(left, _LOOK_AGAIN_SECONDS)

    def tick(self) -> None:
        """Take the sample of the present slot if it has none, store what waits, then make and prune a little."""
        sample = self._take()
        if sample is not None:
            self._keep_waiting(sample)
        if self._clock() < self._retry_at:
            self._publish(replace(self._status, waiting=len(self._waiting)))
            return
        try:
            self._write()
            self._keep_in_order()
        except ArchiveError as error:
            self._fail(str(error))
        else:
            self._succeed()

    def close(self) -> None:
        """Let go of the archive."""
        self._store.close()

    def _keep_waiting(self, sample: Sample) -> None:
        self._taken = sample["time"]
        if len(self._waiting) == _MOST_WAITING:
            if not self._status.lost:
                logger.error("The load archive fails for so long that the oldest samples waiting for it are lost.")
            self._status = replace(self._status, lost=self._status.lost + 1)
        self._waiting.append(sample)

    def _take(self) -> Sample | None:
        """The sample of the present slot; None if it was taken, or nothing there is true of this moment."""
        now = self._now()
        if slot_of(now, self.width) == self._taken:
            return None
        try:
            with self._snapshots.view() as view:
                status = None if view is None else view.status()
                if view is None or status is None or status.loaded_at is None or status.interval_seconds is None:
                    return None
                # A clock that was set back makes data look younger than it can be.
                if (
                    pacing.is_stale(now, status.loaded_at, status.interval_seconds)
                    or status.loaded_at > now + self.width
                ):
                    return None
                if view.collection("tally") is None:
                    # An older version of the service wrote this snapshot.
                    return None
                usage, tally = (orjson.loads(view.document(name)) for name in ("usage_compact", "tally"))
        except StoreError as error:
            logger.warning("No load sample could be taken: %s", error)
            return None
        return make_sample(slot_of(now, self.width), usage, tally)

    def _write(self) -> None:
        while self._waiting:
            sample = self._waiting[0]
            if self._store.add(sample):
                self._status = replace(self._status, stored_at=sample["time"])
            self._waiting.popleft()

    def _keep_in_order(self) -> None:
        now = int(self._now())
        self._store.roll_up(now - _GRACE_SLOTS * self.width, _STEPS_A_SLOT)
        self._store.prune(RAW, now - self._keep_seconds)
        self._store.prune(LEVELS[600], now - KEEP_10_MINUTES_SECONDS)

    def _fail(self, error: str) -> None:
        self._failures += 1
        if self._failures == 1:
            logger.error("%s Samples wait in memory until it can be.", error)
        self._retry_at = self._clock() + min(self.width * 2.0 ** min(self._failures - 1, 10), _LONGEST_WAIT_SECONDS)
        since = self._status.failing_since or int(self._now())
        self._publish(replace(self._status, waiting=len(self._waiting), failing_since=since, error=error))

    def _succeed(self) -> None:
        if self._failures:
            logger.info("The load archive is written again after %d failed tries.", self._failures)
        self._failures = 0
        self._publish(ArchiveStatus(self._status.stored_at))

    def _publish(self, status: ArchiveStatus) -> None:
        self._status = status
        temporary = self._status_file.with_suffix(".new")
        try:
            temporary.write_text(json.dumps(asdict(status)))
            os.replace(temporary, self._status_file)
        except OSError as error:
            logger.debug("The state of the load archive could not be told in %s: %s", self._status_file, error)


def read_status(file: Path) -> ArchiveStatus | None:
    """What the sampler told last; None when it never ran here, or its word cannot be read."""
    try:
        return ArchiveStatus(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None

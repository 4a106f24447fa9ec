"""Takes one load sample per slot from the snapshot store, when it is due, whatever the archive does."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

import orjson

from slurm_rest_api.archive.sample import Sample, make_sample, slot_of
from slurm_rest_api.archive.spool import Spool
from slurm_rest_api.archive.spool_writer import SpoolWriter
from slurm_rest_api.archive.status import StatusFile
from slurm_rest_api.errors import StoreError
from slurm_rest_api.slurmapi.shared import pacing
from slurm_rest_api.slurmapi.store.reader import StoreReader

logger = logging.getLogger(__name__)

_POLL_SECONDS: Final = 5.0
"""Interval of tries in a slot without a sample, because there was no fresh snapshot."""


class Sampler:
    """Puts one sample per slot into `spool`, from the snapshot store alone. Call `tick()` in each slot.

    `writer` stores the samples in its own thread.
    """

    def __init__(
        self,
        snapshots: StoreReader,
        spool: Spool,
        writer: SpoolWriter,
        status: StatusFile,
        *,
        width: int,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._snapshots = snapshots
        self._spool = spool
        self._writer = writer
        self._status = status
        self.width = width
        self._now = now
        self._clock = clock
        self._taken: int | None = None
        # The slot of the last tick, and the time of the monotonic clock.
        self._last_tick: tuple[int, float] | None = None

    def seconds_to_next_tick(self) -> float:
        """Returns the seconds to the next slot, or to the next try while the current slot has no sample."""
        now = self._now()
        slot = slot_of(now, self.width)
        left = slot + self.width - now
        return left if self._taken == slot else min(left, _POLL_SECONDS)

    def tick(self) -> None:
        """Takes the sample of the current slot if it has none, and lets the writer store what waits."""
        missed, dropped = self._count_missed(), 0
        sample = self._take()
        if sample is not None:
            dropped = self._spool.put(sample)
            self._taken = sample["time"]
        self._status.update(waiting=len(self._spool), lost=dropped, missed=missed)
        self._writer.wake()

    def restore_status(self) -> None:
        """Publishes the state again if its file was deleted."""
        self._status.restore()

    def close(self) -> None:
        """Closes the archive. Samples that wait are stored after the next start."""
        self._writer.close()

    def _count_missed(self) -> int:
        """Returns the number of slots without a sample that have ended since the last tick."""
        slot, moment = slot_of(self._now(), self.width), self._clock()
        before, self._last_tick = self._last_tick, (slot, moment)
        if before is None or slot <= before[0]:
            return 0
        # A clock that is set forward leaves a gap, but no slot has passed.
        passed = min((slot - before[0]) // self.width, round((moment - before[1]) / self.width))
        return max(0, passed - 1) + (self._taken != before[0])

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

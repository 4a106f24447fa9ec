"""Stores waiting samples in the archive, in a thread of its own, and maintains the archive in small steps."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from slurm_rest_api.archive.spool import DamagedSample, Spool
from slurm_rest_api.archive.status import StatusFile
from slurm_rest_api.archive.tables import LEVELS, RAW
from slurm_rest_api.archive.time_range import KEEP_10_MINUTES_SECONDS
from slurm_rest_api.archive.writer import ArchiveWriter
from slurm_rest_api.errors import ArchiveError

logger = logging.getLogger(__name__)

_MAX_BACKOFF_SECONDS: Final = 600.0
_HANGING_SECONDS: Final = 60.0
"""An archive that takes longer for one step is reported as broken. Drivers with time limits fail before that."""

_STEPS_A_SLOT: Final = 20
_GRACE_SLOTS: Final = 2
"""A roll-up is made this many slots after its end, because other hosts may still be writing."""

_STOP_SECONDS: Final = 2.0


class SpoolWriter:
    """Moves samples from `spool` to `store`. The archive may hang: the sampler does not wait for it."""

    def __init__(
        self,
        spool: Spool,
        store: ArchiveWriter,
        status: StatusFile,
        *,
        width: int,
        keep_seconds: int,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool = spool
        self._store = store
        self._status = status
        self._width = width
        self._keep_seconds = keep_seconds
        self._now = now
        self._clock = clock
        self._failures = 0
        self._retry_at = 0.0
        self._step_began: float | None = None
        self._wanted = threading.Event()
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Lets the thread store what waits. The first call starts it."""
        if self._thread is None:
            # Python does not wait for a daemon thread at its end. The archive may hang then, and samples are safe.
            self._thread = threading.Thread(target=self._run, name="archive", daemon=True)
            self._thread.start()
        self._wanted.set()
        self._report_hang()

    def close(self) -> None:
        """Ends the thread and closes the archive, unless it hangs."""
        self._is_stopping = True
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
        if self._thread is None or not self._thread.is_alive():
            self._store.close()
        if self._spool.unsaved:
            logger.error("%d load samples are lost, because only memory had them.", self._spool.unsaved)

    def step(self) -> None:
        """Stores all waiting samples and maintains the archive. After a failure it does nothing for a while."""
        if self._clock() < self._retry_at:
            return
        self._step_began = self._clock()
        try:
            self._write()
            self._maintain()
        except ArchiveError as error:
            self._fail(str(error))
        else:
            self._succeed()
        finally:
            self._step_began = None

    def _run(self) -> None:
        while not self._is_stopping:
            self._wanted.wait()
            self._wanted.clear()
            if not self._is_stopping:
                self._step_safely()

    def _step_safely(self) -> None:
        try:
            self.step()
        except Exception:
            # The next step may succeed. Without this thread no sample would be stored.
            logger.exception("Storing load samples failed.")
            self._fail("Storing load samples failed. The log of the collector has the cause.")

    def _write(self) -> None:
        while not self._is_stopping:
            try:
                sample = self._spool.oldest()
            except DamagedSample as error:
                logger.error("%s", error)
                self._status.update(lost=1)
                continue
            if sample is None:
                return
            try:
                is_new = self._store.add(sample)
            except ArchiveError:
                self._spool.put_back()
                raise
            self._spool.remove(sample)
            stored = {"stored_at": sample["time"]} if is_new else {}
            self._status.update(waiting=len(self._spool), **stored)
            self._step_began = self._clock()

    def _maintain(self) -> None:
        now = int(self._now())
        self._store.roll_up(now - _GRACE_SLOTS * self._width, _STEPS_A_SLOT)
        self._store.prune(RAW, now - self._keep_seconds)
        self._store.prune(LEVELS[600], now - KEEP_10_MINUTES_SECONDS)

    def _fail(self, error: str) -> None:
        self._failures += 1
        if self._status.current.error is None:
            logger.error("%s Samples wait until it can be written.", error)
        self._retry_at = self._clock() + min(self._width * 2.0 ** min(self._failures - 1, 10), _MAX_BACKOFF_SECONDS)
        since = self._status.current.failing_since or int(self._now())
        self._status.update(waiting=len(self._spool), failing_since=since, error=error)

    def _succeed(self) -> None:
        if self._status.current.error is not None:
            logger.info("The load archive can be written again after %d failed attempts.", self._failures)
        self._failures = 0
        self._status.update(waiting=len(self._spool), failing_since=None, error=None)

    def _report_hang(self) -> None:
        began = self._step_began
        if began is None or self._clock() - began < _HANGING_SECONDS or self._status.current.error is not None:
            return
        error = f"The load archive has not answered for {_HANGING_SECONDS:g} s. Check its database or disk."
        logger.error("%s Samples wait until it does.", error)
        self._status.update(error=error, failing_since=int(self._now() - _HANGING_SECONDS))

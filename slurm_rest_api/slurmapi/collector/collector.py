"""The collector: asks for a cycle whenever pacing says so, and publishes what went wrong when one fails."""

from __future__ import annotations

import logging
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Final, Protocol

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.date import DateTrigger

from slurm_rest_api.config import Settings
from slurm_rest_api.errors import SourceError, StoreError
from slurm_rest_api.slurmapi.collector.clock_steps import watch_clock
from slurm_rest_api.slurmapi.collector.cycle import CycleReport
from slurm_rest_api.slurmapi.collector.loader_process import Limits, LoaderProcess
from slurm_rest_api.slurmapi.collector.lock import only_collector
from slurm_rest_api.slurmapi.collector.refresh_requests import RefreshRequests
from slurm_rest_api.slurmapi.shared import pacing
from slurm_rest_api.slurmapi.shared.refresh_pipe import RefreshListener
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter

logger = logging.getLogger(__name__)

_REFRESH: Final = "refresh"
_SAMPLE: Final = "sample"


class Loader(Protocol):
    """What the collector needs of a loader; `LoaderProcess` is the real one."""

    def cycle(self) -> CycleReport:
        """Run one cycle; raises SourceError."""
        ...

    def interrupt(self) -> None:
        """Make a running cycle fail at once."""
        ...

    def stop(self) -> None:
        """Let go of everything."""
        ...


class Sampler(Protocol):
    """What the collector needs of the load archive; `archive.sampler.Sampler` is the real one."""

    def seconds_to_next_tick(self) -> float:
        """When `tick()` is due next."""
        ...

    def tick(self) -> None:
        """Take the sample of the present slot, if it has none."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class Collector:
    """Runs cycles one after the other until `stop()`; `run()` blocks meanwhile."""

    def __init__(
        self,
        loader: Loader,
        store: Path,
        refresh_seconds: float,
        fresh_seconds: float = 0.0,
        uniform: Callable[[float, float], float] = random.uniform,
        sampler: Sampler | None = None,
    ) -> None:
        self._loader = loader
        self._sampler = sampler
        self._writer = StoreWriter(store)
        self._refresh_seconds = refresh_seconds
        self._requests = RefreshRequests(fresh_seconds)
        self._uniform = uniform
        self._failures = 0
        self._cost = 0.0
        self._last_error = ""
        self._stopping = threading.Event()
        self._scheduling = threading.Lock()
        # UTC, so that no daylight-saving change moves a cycle. A slow cycle must not hold up a sample.
        executors = {"default": ThreadPoolExecutor(1), _SAMPLE: ThreadPoolExecutor(1)}
        self._scheduler = BlockingScheduler(timezone=UTC, executors=executors)

    def run(self) -> None:
        """Run until stopped."""
        self.schedule()
        try:
            if not self._stopping.is_set():
                with watch_clock(self.schedule):
                    self._scheduler.start()
        finally:
            self._loader.stop()
            if self._sampler is not None:
                self._sampler.close()

    def schedule(self) -> None:
        """Load and sample now: at the start, and whenever the clock was set."""
        self._schedule(_REFRESH, self._refresh_and_schedule, 0.0)
        if self._sampler is not None:
            self._schedule(_SAMPLE, self._sample_and_schedule, 0.0)

    def stop(self) -> None:
        """End `run()`; a cycle in progress is given up. May be called from a signal handler or another thread."""
        self._stopping.set()
        self._loader.interrupt()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def load_soon(self) -> None:
        """Load as soon as it may be, because a client asks for fresh data; from any thread."""
        with self._scheduling:
            seconds = self._requests.ask(time.monotonic())
            if seconds is not None and not self._stopping.is_set():
                self._schedule(_REFRESH, self._refresh_and_schedule, seconds)

    def refresh(self) -> float:
        """Run one cycle, publish its failure if it fails; returns the seconds from now to the next."""
        started = time.monotonic()
        try:
            report = self._loader.cycle()
        except SourceError as error:
            self._failures += 1
            self._publish_failure(str(error))
            return pacing.delay_after_failure(self._refresh_seconds, self._failures, self._uniform)
        self._log_success(report)
        self._cost = report.cost
        interval = pacing.interval_after_success(self._refresh_seconds, report.cost)
        return max(0.0, interval - (time.monotonic() - started))

    def _refresh_and_schedule(self) -> None:
        started = time.monotonic()
        self._requests.begin(started)
        seconds = self.refresh()
        # Whoever asks after the end is not to be put off by what was decided before.
        with self._scheduling:
            sooner = self._requests.end(time.monotonic(), None if self._failures else self._cost)
            if not self._stopping.is_set():
                delay = seconds if sooner is None else min(sooner, seconds)
                self._schedule(_REFRESH, self._refresh_and_schedule, delay)

    def _sample_and_schedule(self) -> None:
        assert self._sampler is not None
        try:
            self._sampler.tick()
        finally:
            # APScheduler logs what went wrong; the next sample may be all right.
            if not self._stopping.is_set():
                self._schedule(_SAMPLE, self._sample_and_schedule, self._sampler.seconds_to_next_tick())

    def _schedule(self, name: str, job: Callable[[], None], seconds: float) -> None:
        self._scheduler.add_job(
            job,
            DateTrigger(datetime.now(UTC) + timedelta(seconds=seconds)),
            id=name,
            executor=_SAMPLE if name == _SAMPLE else "default",
            replace_existing=True,
            misfire_grace_time=None,
            # A run makes its successor before it has quite ended itself. Only one at a time has a thread.
            max_instances=2,
        )

    def _publish_failure(self, error: str) -> None:
        if self._stopping.is_set():
            return
        is_news = error != self._last_error
        self._last_error = error
        if is_news:
            logger.error("The cluster could not be loaded: %s", error)
        try:
            self._writer.record_failure(error, time.time())
        except StoreError as cause:
            if is_news:
                logger.error("This failure could not be published: %s", cause)

    def _log_success(self, report: CycleReport) -> None:
        if self._failures:
            logger.info("The cluster is loaded again after %d failed tries.", self._failures)
        self._failures = 0
        self._last_error = ""
        logger.debug("Loaded %d jobs, %d nodes in %.3f s.", report.jobs, report.nodes, report.seconds)


def _fresh_seconds(settings: Settings) -> float:
    """A wish for fresh data must not put off the next load."""
    return min(settings.system.fresh_seconds, settings.system.refresh_seconds)


@contextmanager
def _open_door(path: Path, collector: Collector) -> Iterator[None]:
    door = RefreshListener(path, collector.load_soon)
    try:
        yield
    finally:
        door.close()


def collect(settings: Settings, open_sampler: Callable[[Settings], Sampler | None]) -> None:
    """Be this host's collector until SIGTERM or SIGINT, or wait as the standby of the one that is.

    `open_sampler` gives what archives the load, if anything does.

    Raises:
        OSError: the runtime directory cannot be made or written.
    """
    paths = RuntimePaths.of(settings)
    paths.make()
    with only_collector(paths.lock) as lock:
        loader = LoaderProcess(
            {
                "source": settings.system.source,
                "hidden": list(settings.filter.partitions),
                "refresh_seconds": settings.system.refresh_seconds,
                "store": str(paths.store),
            },
            Limits(
                cycle_seconds=settings.system.cycle_timeout_seconds,
                cycles=settings.system.recycle_cycles,
                rss_mib=settings.system.recycle_rss_mib,
            ),
            keep_open=(lock,),
        )
        collector = Collector(
            loader,
            paths.store,
            settings.system.refresh_seconds,
            _fresh_seconds(settings),
            sampler=open_sampler(settings),
        )

        def stop(_number: int, _frame: FrameType | None) -> None:
            collector.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        logger.info("Collecting from %s into %s.", settings.system.source, paths.store)
        with _open_door(paths.door, collector) if _fresh_seconds(settings) else nullcontext():
            collector.run()

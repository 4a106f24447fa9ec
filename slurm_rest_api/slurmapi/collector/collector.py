"""Schedules cycles and load samples, and publishes the errors of failed cycles.

APScheduler runs two jobs, each of which schedules its successor: the cycle and the load sample. It is a documented
dependency of the service, and its executors keep a slow cycle from delaying a sample. It sleeps by the wall clock, so
`clock_steps` watches for a clock that is set and `Collector.schedule` then schedules both jobs again.
"""

from __future__ import annotations

import logging
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final, Protocol

from apscheduler.events import EVENT_SCHEDULER_STARTED, SchedulerEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.date import DateTrigger

from slurm_rest_api.config import ConfigInUse, Settings
from slurm_rest_api.errors import SourceError, StoredFailure, StoreError
from slurm_rest_api.slurmapi.collector.clock_steps import watch_clock
from slurm_rest_api.slurmapi.collector.cycle_report import CycleReport
from slurm_rest_api.slurmapi.collector.loader_process import Limits, LoaderProcess
from slurm_rest_api.slurmapi.collector.loader_protocol import LoaderOptions
from slurm_rest_api.slurmapi.collector.lock import only_collector
from slurm_rest_api.slurmapi.collector.refresh_requests import RefreshRequests
from slurm_rest_api.slurmapi.shared import pacing
from slurm_rest_api.slurmapi.shared.refresh_pipe import RefreshListener
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.sources.base import Kind
from slurm_rest_api.slurmapi.store.writer import StoreWriter

logger = logging.getLogger(__name__)

_REFRESH: Final = "refresh"
_SAMPLE: Final = "sample"


class Loader(Protocol):
    """Interface of the loader. `LoaderProcess` implements it."""

    def cycle(self) -> CycleReport:
        """Runs one cycle. Raises SourceError."""
        ...

    def interrupt(self) -> None:
        """Makes a running cycle fail at once."""
        ...

    def stop(self) -> None:
        """Releases all resources."""
        ...


class Sampler(Protocol):
    """Interface of the load archive's sampler. `archive.sampler.Sampler` implements it."""

    def seconds_to_next_tick(self) -> float:
        """Returns the seconds until `tick()` is due."""
        ...

    def tick(self) -> None:
        """Takes the sample of the current slot, if it has none."""
        ...

    def restore_status(self) -> None:
        """Writes the published state again if it was deleted from the runtime directory."""
        ...

    def close(self) -> None:
        """Releases all resources."""
        ...


class Collector:
    """Runs cycles one after the other in `run()`, until `stop()`."""

    def __init__(
        self,
        loader: Loader,
        store: Path,
        refresh_seconds: float,
        fresh_seconds: float = 0.0,
        uniform: Callable[[float, float], float] = random.uniform,
        sampler: Sampler | None = None,
        holds_lock: Callable[[], bool] = lambda: True,
        restore_files: Callable[[], None] = lambda: None,
    ) -> None:
        self._loader = loader
        self._restore_files = restore_files
        self._holds_lock = holds_lock
        self._sampler = sampler
        self._writer = StoreWriter(store)
        self._refresh_seconds = refresh_seconds
        self._requests = RefreshRequests(fresh_seconds)
        self._uniform = uniform
        self._failures = 0
        self._least_interval = 0.0
        self._last_error = ""
        self._source = ("", "")
        self._optional_errors: dict[str, str] = {}
        self._stopping = threading.Event()
        self._scheduling = threading.Lock()
        # Number of the scheduled cycle. An earlier one that APScheduler has queued already is skipped.
        self._due = 0
        # UTC, so that no daylight-saving change moves a cycle. Two executors, so that a slow cycle delays no sample.
        executors = {"default": ThreadPoolExecutor(1), _SAMPLE: ThreadPoolExecutor(1)}
        self._scheduler = BlockingScheduler(timezone=UTC, executors=executors)
        self._scheduler.add_listener(self._end_if_stopped, EVENT_SCHEDULER_STARTED)

    def run(self) -> None:
        """Runs until stopped."""
        self.schedule()
        try:
            if not self._stopping.is_set():
                with watch_clock(self.schedule):
                    self._scheduler.start()
        except JobLookupError:
            # `stop()` removes all jobs. APScheduler may be about to remove one that it has just begun.
            if not self._stopping.is_set():
                raise
        finally:
            self._loader.stop()
            if self._sampler is not None:
                self._sampler.close()

    def schedule(self) -> None:
        """Schedules a load and a sample for now: at the start, and after the clock was set."""
        with self._scheduling:
            self._schedule_refresh(0.0)
        if self._sampler is not None:
            self._schedule(_SAMPLE, self._sample_and_schedule, 0.0)

    def stop(self) -> None:
        """Ends `run()` and aborts a running cycle. Call it from another thread than that of `run()`."""
        self._stopping.set()
        self._loader.interrupt()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _end_if_stopped(self, _event: SchedulerEvent) -> None:
        """Ends a scheduler that starts after `stop()`, for which it was not running yet."""
        if self._stopping.is_set() and self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def refresh_soon(self) -> None:
        """Schedules a load for a client that asks for fresh data, as soon as allowed. Can be called from any thread."""
        with self._scheduling:
            seconds = self._requests.request(time.monotonic())
            if seconds is not None and not self._stopping.is_set():
                self._schedule_refresh(seconds)

    def refresh(self) -> float:
        """Runs one cycle and publishes its failure. Returns the seconds from now to the next cycle.

        Ends the collector instead if its lock file was deleted. Its supervisor starts another, which recreates it.
        """
        started = time.monotonic()
        if not self._holds_lock():
            logger.warning("The lock file of the collector was deleted. The collector ends, to be started again.")
            self.stop()
            return self._refresh_seconds
        self._restore_files()
        if self._sampler is not None:
            # A sample may be due much later.
            self._sampler.restore_status()
        try:
            report = self._loader.cycle()
        except SourceError as error:
            self._failures += 1
            self._publish_failure(str(error), is_stored=isinstance(error, StoredFailure))
            return pacing.delay_after_failure(self._refresh_seconds, self._failures, self._uniform)
        self._log_success(report)
        self._least_interval = report.least_interval
        interval = pacing.interval_after_success(self._refresh_seconds, report.least_interval)
        return max(0.0, interval - (time.monotonic() - started))

    def _refresh_and_schedule(self, number: int) -> None:
        with self._scheduling:
            if number != self._due:
                return
            self._requests.started(time.monotonic())
        seconds = self._refresh_seconds
        try:
            seconds = self.refresh()
        finally:
            # APScheduler logs an error. The next load may succeed.
            # Locked, so that a request after this point sees the new schedule.
            with self._scheduling:
                sooner = self._requests.finished(time.monotonic(), None if self._failures else self._least_interval)
                if not self._stopping.is_set():
                    delay = seconds if sooner is None else min(sooner, seconds)
                    self._schedule_refresh(delay)

    def _sample_and_schedule(self) -> None:
        assert self._sampler is not None
        try:
            self._sampler.tick()
        finally:
            # APScheduler logs the error. The next sample may succeed.
            if not self._stopping.is_set():
                self._schedule(_SAMPLE, self._sample_and_schedule, self._sampler.seconds_to_next_tick())

    def _schedule_refresh(self, seconds: float) -> None:
        """Schedules the next cycle in place of the one that is due. Call it with the lock `_scheduling`."""
        self._due += 1
        self._schedule(_REFRESH, partial(self._refresh_and_schedule, self._due), seconds)

    def _schedule(self, name: str, job: Callable[[], None], seconds: float) -> None:
        self._scheduler.add_job(
            job,
            DateTrigger(datetime.now(UTC) + timedelta(seconds=seconds)),
            id=name,
            executor=_SAMPLE if name == _SAMPLE else "default",
            replace_existing=True,
            misfire_grace_time=None,
            # A job schedules its successor before it has ended, and a request may replace one that waits for the
            # thread. APScheduler would drop what exceeds a limit. Each executor has one thread, so they never overlap.
            max_instances=sys.maxsize,
        )

    def _publish_failure(self, error: str, *, is_stored: bool) -> None:
        """Logs the failure, and stores it if the loader has not done that. The loader has ended in that case."""
        if self._stopping.is_set():
            return
        is_news = error != self._last_error
        self._last_error = error
        if is_news:
            logger.error("Cannot load the cluster: %s", error)
        if is_stored:
            return
        try:
            self._writer.record_failure(error, time.time())
            # The next loader writes the store.
            self._writer.close()
        except StoreError as cause:
            if is_news:
                logger.error("Cannot publish this failure: %s", cause)

    def _log_success(self, report: CycleReport) -> None:
        if self._failures:
            logger.info("The cluster is loaded again after %d failed attempts.", self._failures)
        self._failures = 0
        self._last_error = ""
        self._log_optional_errors(report.optional_errors)
        if (report.source_detail, report.source_parts) != self._source:
            self._source = (report.source_detail, report.source_parts)
            logger.info("Source of the cluster's state: %s.", report.source_detail)
            if report.source_parts:
                logger.info("Parts of the cluster's state: %s.", report.source_parts)
        logger.debug("Loaded %d jobs, %d nodes in %.3f s.", report.jobs, report.nodes, report.seconds)

    def _log_optional_errors(self, errors: dict[str, str]) -> None:
        """Logs each error of an optional kind once."""
        for kind, error in errors.items():
            if self._optional_errors.get(kind) != error:
                logger.error("Cannot read %s: %s The last ones are kept.", kind.replace("_", " "), error)
        for kind in self._optional_errors.keys() - errors.keys():
            logger.info("The %s are read again.", kind.replace("_", " "))
        self._optional_errors = errors


def _fresh_seconds(settings: Settings) -> float:
    """Returns `fresh_seconds`, limited to `refresh_seconds` so that a request never delays the next load."""
    return min(settings.system.fresh_seconds, settings.system.refresh_seconds)


def _intervals(settings: Settings) -> dict[Kind, float]:
    """Returns the seconds between two readings of each optional kind that is on. 0 is each load."""
    system = settings.system
    found: dict[Kind, float] = {}
    if system.reservations:
        found["reservations"] = 0.0
    if system.licenses:
        found["licenses"] = 0.0
    if system.fair_share_seconds:
        found["fair_share"] = system.fair_share_seconds
    if system.priority_factors_seconds:
        found["priority_factors"] = system.priority_factors_seconds
    return found


@contextmanager
def _listening(path: Path, collector: Collector) -> Iterator[None]:
    listener = RefreshListener(path, collector.refresh_soon)
    try:
        yield
    finally:
        listener.close()


def collect(settings: Settings, open_sampler: Callable[[Settings], Sampler | None]) -> None:
    """Runs this host's collector until SIGTERM or SIGINT. Waits as standby while another collector runs.

    `open_sampler` returns the sampler of the load archive; None if there is no archive.

    Raises:
        OSError: the runtime directory cannot be created or written.
    """
    paths = RuntimePaths.of(settings)
    paths.make()
    copy = ConfigInUse.of_environment()
    with only_collector(paths.lock) as lock:
        loader = LoaderProcess(
            LoaderOptions(
                source=settings.system.source,
                hidden=tuple(settings.filter.partitions),
                refresh_seconds=settings.system.refresh_seconds,
                store=str(paths.store),
                slurm_bin_dir=settings.system.commands_dir,
                cycle_seconds=settings.system.cycle_timeout_seconds,
                intervals=_intervals(settings),
            ),
            Limits(
                cycle_seconds=settings.system.cycle_timeout_seconds,
                cycles=settings.system.recycle_cycles,
                rss_mib=settings.system.recycle_rss_mib,
            ),
            keep_open=(lock.descriptor,),
        )
        collector = Collector(
            loader,
            paths.store,
            settings.system.refresh_seconds,
            _fresh_seconds(settings),
            sampler=open_sampler(settings),
            holds_lock=lock.is_at_path,
            restore_files=(lambda: None) if copy is None else partial(copy.restore, settings),
        )

        def stop(_number: int, _frame: FrameType | None) -> None:
            # In a thread, because the handler may interrupt code that holds a lock which `stop()` needs.
            threading.Thread(target=collector.stop, name="stop").start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        logger.info("Collecting from %s into %s.", settings.system.source, paths.store)
        with _listening(paths.refresh_pipe, collector) if _fresh_seconds(settings) else nullcontext():
            collector.run()

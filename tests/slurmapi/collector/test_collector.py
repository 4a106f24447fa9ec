"""The collector: its schedule, and the failures that it publishes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from apscheduler.schedulers.blocking import BlockingScheduler

from slurm_rest_api.errors import SourceError
from slurm_rest_api.slurmapi.collector.collector import Collector
from slurm_rest_api.slurmapi.collector.cycle_report import CycleReport
from slurm_rest_api.slurmapi.store.reader import Status, StoreReader
from tests.waiting import GIVE_UP_SECONDS, wait_for


class FakeLoader:
    """Returns outcomes of cycles from a list: the least interval of a success, or the message of a failure."""

    def __init__(self, *outcomes: float | str) -> None:
        self.outcomes = list(outcomes)
        self.cycles = 0
        self.parts = ""
        self.stopped = threading.Event()

    def cycle(self) -> CycleReport:
        outcome = self.outcomes[min(self.cycles, len(self.outcomes) - 1)]
        self.cycles += 1
        if isinstance(outcome, str):
            raise SourceError(outcome)
        # By the clock it took longer: it had to wait for a processor.
        return CycleReport(
            seconds=5 * outcome,
            least_interval=outcome,
            rpcs=6,
            jobs=1,
            nodes=1,
            partitions=1,
            source_detail="fake cluster",
            source_parts=self.parts,
        )

    def interrupt(self) -> None:
        pass

    def stop(self) -> None:
        self.stopped.set()


def collector(loader: FakeLoader, store: Path, refresh_seconds: float = 10.0) -> Collector:
    return Collector(loader, store, refresh_seconds, uniform=lambda low, high: high)


def status(store: Path) -> Status:
    with StoreReader(store).view() as view:
        assert view is not None
        return view.status()


def test_cycles_are_paced_from_start_to_start(tmp_path: Path) -> None:
    seconds = collector(FakeLoader(1.0), tmp_path / "store").refresh()
    assert 9.9 < seconds <= 10.0


def test_an_expensive_cycle_delays_the_next(tmp_path: Path) -> None:
    seconds = collector(FakeLoader(120.0), tmp_path / "store").refresh()
    assert 119.9 < seconds <= 120.0


def test_failures_back_off_and_are_published_with_their_start(tmp_path: Path) -> None:
    store = tmp_path / "store"
    subject = collector(FakeLoader("refused", "refused", "timed out", 1.0, "refused"), store)
    assert [subject.refresh() for _ in range(3)] == [10.0, 20.0, 40.0]
    found = status(store)
    assert (found.error, found.failures) == ("timed out", 3)
    assert found.failing_since is not None
    subject.refresh()
    assert subject.refresh() == 10.0


def test_each_failure_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    subject = collector(FakeLoader("refused", "refused", "refused", 1.0), tmp_path / "store")
    for _ in range(4):
        subject.refresh()
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [
        "Cannot load the cluster: refused",
        "The cluster is loaded again after 3 failed attempts.",
        "Source of the cluster's state: fake cluster.",
    ]


def test_the_source_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    subject = collector(FakeLoader(1.0), tmp_path / "store")
    for _ in range(3):
        subject.refresh()
    assert [record.getMessage() for record in caplog.records] == ["Source of the cluster's state: fake cluster."]


def test_the_parts_are_logged_once_and_when_they_change(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    loader = FakeLoader(1.0)
    subject = collector(loader, tmp_path / "store")
    for parts in ("jobs from pyslurm", "jobs from pyslurm", "jobs from commands, because of a fault"):
        loader.parts = parts
        subject.refresh()
    messages = [record.getMessage() for record in caplog.records]
    assert [message for message in messages if message.startswith("Parts")] == [
        "Parts of the cluster's state: jobs from pyslurm.",
        "Parts of the cluster's state: jobs from commands, because of a fault.",
    ]


def test_a_store_that_cannot_be_written_does_not_end_the_collector(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    subject = collector(FakeLoader("refused"), tmp_path / "file" / "store")
    assert subject.refresh() == 10.0


def test_it_runs_cycle_after_cycle_until_it_is_stopped(tmp_path: Path) -> None:
    loader = FakeLoader(0.0)
    subject = collector(loader, tmp_path / "store", refresh_seconds=0.01)
    thread = threading.Thread(target=subject.run)
    thread.start()
    wait_for("three cycles", lambda: loader.cycles >= 3)
    subject.stop()
    thread.join(GIVE_UP_SECONDS)
    assert not thread.is_alive()
    assert loader.stopped.is_set()


def test_a_collector_stopped_before_its_start_runs_no_cycle(tmp_path: Path) -> None:
    loader = FakeLoader(0.0)
    subject = collector(loader, tmp_path / "store")
    subject.stop()
    subject.run()
    assert loader.cycles == 0


def test_a_collector_that_is_stopped_while_it_starts_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = FakeLoader(0.0)
    subject = collector(loader, tmp_path / "store")

    @contextmanager
    def stopping(_on_step: Callable[[], None]) -> Iterator[None]:
        subject.stop()
        yield

    # After `run()` has found that it is not stopped, and before its scheduler runs.
    monkeypatch.setattr("slurm_rest_api.slurmapi.collector.collector.watch_clock", stopping)
    thread = threading.Thread(target=subject.run, daemon=True)
    thread.start()
    thread.join(GIVE_UP_SECONDS)
    assert not thread.is_alive()
    assert loader.stopped.is_set()


def test_no_load_is_dropped_because_others_wait_for_the_thread(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loader = FakeLoader(0.0)
    waiting, going_on = threading.Event(), threading.Event()

    def hold() -> None:
        waiting.set()
        going_on.wait()

    subject = Collector(loader, tmp_path / "store", 0.0, restore_files=hold)
    thread = threading.Thread(target=subject.run)
    thread.start()
    try:
        wait_for("the first load", waiting.is_set)
        # As after steps of the clock: each replaces the one before, which APScheduler has queued already.
        for _ in range(5):
            subject.schedule()
            time.sleep(0.05)
        going_on.set()
        wait_for("more loads", lambda: loader.cycles > 20)
    finally:
        going_on.set()
        subject.stop()
        thread.join(GIVE_UP_SECONDS)
    assert "skipped" not in caplog.text


def test_a_stop_while_the_scheduler_removes_a_job_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = FakeLoader(0.0)
    subject = collector(loader, tmp_path / "store")
    remove = BlockingScheduler.remove_job

    def stop_and_remove(scheduler: BlockingScheduler, *arguments: str) -> None:
        subject.stop()
        remove(scheduler, *arguments)

    monkeypatch.setattr(BlockingScheduler, "remove_job", stop_and_remove)
    subject.run()
    assert loader.stopped.is_set()


def test_an_unexpected_error_does_not_end_the_loads(tmp_path: Path) -> None:
    loader, faults = FakeLoader(0.0), [OSError("a fault"), ValueError("another")]

    def restore() -> None:
        if faults:
            raise faults.pop()

    subject = Collector(loader, tmp_path / "store", 0.01, restore_files=restore)
    thread = threading.Thread(target=subject.run)
    thread.start()
    try:
        wait_for("loads", lambda: loader.cycles > 2)
    finally:
        subject.stop()
        thread.join(GIVE_UP_SECONDS)
    assert not faults


class CountingSampler:
    """A sampler with slots of 0.05 s."""

    def __init__(self) -> None:
        self.ticks = 0
        self.closed = False

    def restore_status(self) -> None:
        pass

    def seconds_to_next_tick(self) -> float:
        return 0.05

    def tick(self) -> None:
        self.ticks += 1
        if self.ticks == 2:
            raise ValueError("a sample that cannot be made")

    def close(self) -> None:
        self.closed = True


def test_samples_are_taken_in_each_slot_during_cycles(tmp_path: Path) -> None:
    sampler = CountingSampler()
    sampled = Collector(FakeLoader(0.0), tmp_path / "store", 60.0, sampler=sampler)
    thread = threading.Thread(target=sampled.run)
    thread.start()
    try:
        wait_for("three samples", lambda: sampler.ticks >= 3)
        # As after the clock was set: both jobs are scheduled again.
        sampled.schedule()
        before = sampler.ticks
        wait_for("more samples", lambda: sampler.ticks >= before + 2)
    finally:
        sampled.stop()
        thread.join(GIVE_UP_SECONDS)
    assert not thread.is_alive()
    assert sampler.closed


def test_a_cycle_that_is_due_at_the_end_of_the_last_one_runs(tmp_path: Path) -> None:
    loader = FakeLoader(0.0)
    subject = collector(loader, tmp_path / "store", refresh_seconds=0.0)
    thread = threading.Thread(target=subject.run)
    thread.start()
    try:
        assert wait_for("many cycles", lambda: loader.cycles > 500)
    finally:
        subject.stop()
        thread.join()


def test_collector_whose_lock_was_deleted_ends_without_another_load(tmp_path: Path) -> None:
    loader, held = FakeLoader(0.0), [True, False]
    subject = Collector(loader, tmp_path / "store", 0.01, holds_lock=lambda: held.pop(0) if held else False)
    subject.run()
    assert loader.cycles == 1
    assert loader.stopped.is_set()

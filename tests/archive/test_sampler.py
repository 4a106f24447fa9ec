"""The sampler: one sample per slot from the snapshot store."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from slurm_rest_api.archive.sample import Sample
from slurm_rest_api.archive.sampler import Sampler
from slurm_rest_api.archive.spool import Spool
from slurm_rest_api.archive.spool_writer import SpoolWriter
from slurm_rest_api.archive.status import ArchiveStatus, StatusFile, read_status
from slurm_rest_api.archive.writer import ArchiveWriter
from slurm_rest_api.config import SystemSettings
from slurm_rest_api.errors import ArchiveError
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.reader import StoreReader
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.archive.databases import all_samples, open_store, slots, sqlite_settings
from tests.builders import make_job, make_node, make_partition, make_running_job, make_snapshot
from tests.fakes import FakeSource


class FailingStore:
    """An archive that cannot be written while `error` is set."""

    def __init__(self, store: ArchiveWriter) -> None:
        self._store = store
        self.error: str | None = "The load archive cannot be written: disk full"
        self.tries = 0

    def add(self, sample: Sample) -> bool:
        self.tries += 1
        if self.error is not None:
            raise ArchiveError(self.error)
        return self._store.add(sample)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


class Clock:
    """Wall clock and monotonic clock, set by the test."""

    def __init__(self) -> None:
        self.wall = 0.0
        self.steady = 0.0

    def go(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def system(tmp_path: Path) -> SystemSettings:
    return sqlite_settings(tmp_path)


@pytest.fixture
def cycle(source: FakeSource, paths: RuntimePaths) -> Cycle:
    """Cycles 10 s apart, so that data is stale after 30 s."""
    return Cycle(source, StoreWriter(paths.store), hidden=[], refresh_seconds=10.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, source: FakeSource, cycle: Cycle) -> Clock:
    """Returns a clock at the time of a cycle that has just finished."""
    clock = Clock()
    clock.wall = 1_800_000_000.0
    monkeypatch.setattr("slurm_rest_api.slurmapi.collector.cycle.time.time", lambda: clock.wall)
    source.snapshot = make_snapshot(
        [make_running_job(1, "rack001", cpus=2, memory_mib=4000), make_job(2)],
        [make_node(alloc_cpus=2, alloc_mem=4000, gres=["gpu:2"], gres_used=["gpu:1"], state="MIXED")],
        [make_partition()],
    )
    cycle.run()
    return clock


class StepByStep(SpoolWriter):
    """Stores samples in the thread of the sampler, so that a test sees them after each tick."""

    def wake(self) -> None:
        self.step()


@pytest.fixture
def make(paths: RuntimePaths, system: SystemSettings, clock: Clock, tmp_path: Path) -> Callable[..., Sampler]:
    folders = itertools.count()

    def make(store: object | None = None, most: int = 1000) -> Sampler:
        spool, status = Spool(tmp_path / f"waiting-{next(folders)}", most), StatusFile(paths.archive_status)
        writer = StepByStep(
            spool,
            store or open_store(system),  # type: ignore[arg-type]
            status,
            width=60,
            keep_seconds=86400,
            now=lambda: clock.wall,
            clock=lambda: clock.steady,
        )
        return Sampler(
            StoreReader(paths.store),
            spool,
            writer,
            status,
            width=60,
            now=lambda: clock.wall,
            clock=lambda: clock.steady,
        )

    return make


def load_again(source: FakeSource, cycle: Cycle, jobs: Sequence[dict[str, object]] = ()) -> None:
    source.snapshot = make_snapshot(jobs, [make_node()], [make_partition()])
    cycle.run()


def test_a_sample_has_the_fields_of_2018_and_the_counts(
    make: Callable[..., Sampler], system: SystemSettings, clock: Clock
) -> None:
    make().tick()
    assert all_samples(system) == [
        {
            "time": 1_800_000_000,
            "total_load": 0.5,
            "total_cpus": 4,
            "total_mem": 8000,
            "alloc_cpus": 2,
            "alloc_mem": 4000,
            "alloc_gpus": 1,
            "total_gpus": 2,
            "jobs_running": 1,
            "jobs_pending": 1,
            "tasks_running": 1,
            "tasks_pending": 1,
            "jobs_pending_by_reason": {"Priority": 1},
            "nodes_by_state": {"MIXED": 1},
            "partitions": {
                "main": {
                    "alloc_cpus": 2,
                    "alloc_mem": 4000,
                    "total_cpus": 4,
                    "total_mem": 8000,
                    "total_nodes": 1,
                    "total_used_cpus_on_active_nodes": 2,
                    "total_used_mem_on_active_nodes": 4000,
                    "partition_load": 0.5,
                    "state": "UP",
                    "alloc_gpus": 1,
                    "total_gpus": 2,
                    "jobs_running": 1,
                    "jobs_pending": 1,
                    "tasks_running": 1,
                    "tasks_pending": 1,
                    "jobs_pending_by_reason": {"Priority": 1},
                    "nodes_by_state": {"MIXED": 1},
                }
            },
        }
    ]


def test_each_slot_gets_one_sample(
    make: Callable[..., Sampler], system: SystemSettings, clock: Clock, source: FakeSource, cycle: Cycle
) -> None:
    sampler, other = make(), make()
    for _ in range(3):
        sampler.tick()
        other.tick()
        clock.go(31)
        load_again(source, cycle)
    assert slots(system) == [1_800_000_000, 1_800_000_060]
    assert sampler.seconds_to_next_tick() == 27


def test_a_clock_that_is_set_back_makes_no_second_sample_of_a_slot(
    make: Callable[..., Sampler], system: SystemSettings, clock: Clock, source: FakeSource, cycle: Cycle
) -> None:
    sampler = make()
    sampler.tick()
    clock.go(60)
    load_again(source, cycle)
    sampler.tick()
    clock.wall -= 3600
    # The snapshot is from the future now, until the next cycle.
    sampler.tick()
    load_again(source, cycle)
    sampler.tick()
    clock.wall += 3600
    load_again(source, cycle)
    sampler.tick()
    assert slots(system) == [1_800_000_060 - 3600, 1_800_000_000, 1_800_000_060]


def test_a_slot_without_a_sample_is_tried_again(
    make: Callable[..., Sampler], system: SystemSettings, clock: Clock, source: FakeSource, cycle: Cycle
) -> None:
    clock.go(40)
    sampler = make()
    sampler.tick()
    assert slots(system) == []
    assert sampler.seconds_to_next_tick() == 5
    clock.go(17)
    assert sampler.seconds_to_next_tick() == 3
    load_again(source, cycle)
    sampler.tick()
    assert slots(system) == [1_800_000_000]
    assert sampler.seconds_to_next_tick() == 3
    clock.go(3)
    sampler.tick()
    assert sampler.seconds_to_next_tick() == 60


def test_a_store_of_an_older_release_gives_no_sample(
    make: Callable[..., Sampler], system: SystemSettings, paths: RuntimePaths
) -> None:
    with sqlite3.connect(paths.store) as connection:
        connection.execute("PRAGMA user_version = 3")
    make().tick()
    assert slots(system) == []


def test_stale_data_gives_no_sample(make: Callable[..., Sampler], system: SystemSettings, clock: Clock) -> None:
    clock.go(31)
    make().tick()
    assert slots(system) == []


def test_without_a_snapshot_there_is_no_sample(
    make: Callable[..., Sampler], system: SystemSettings, paths: RuntimePaths
) -> None:
    paths.store.unlink()
    make().tick()
    assert slots(system) == []


def test_samples_wait_for_an_archive_that_fails(
    make: Callable[..., Sampler],
    system: SystemSettings,
    clock: Clock,
    source: FakeSource,
    cycle: Cycle,
    paths: RuntimePaths,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = FailingStore(open_store(system))
    sampler = make(store)
    for _ in range(6):
        sampler.tick()
        clock.go(60)
        load_again(source, cycle)
    status = read_status(paths.archive_status)
    assert status is not None
    assert status.error == "The load archive cannot be written: disk full"
    assert status.failing_since == 1_800_000_000
    # Tried at once, then after one, two and four minutes.
    assert store.tries == 3
    assert sum("disk full" in record.message for record in caplog.records) == 1
    store.error = None
    clock.go(600)
    load_again(source, cycle)
    sampler.tick()
    assert slots(system) == [1_800_000_000 + 60 * number for number in (0, 1, 2, 3, 4, 5, 16)]
    status = read_status(paths.archive_status)
    assert status is not None
    assert (status.error, status.waiting, status.stored_at) == (None, 0, 1_800_000_960)


def test_dropped_samples_are_counted(
    make: Callable[..., Sampler],
    system: SystemSettings,
    clock: Clock,
    source: FakeSource,
    cycle: Cycle,
    paths: RuntimePaths,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = FailingStore(open_store(system))
    sampler = make(store, most=3)
    for _ in range(5):
        sampler.tick()
        clock.go(60)
        load_again(source, cycle)
    status = read_status(paths.archive_status)
    assert status is not None
    assert (status.waiting, status.lost) == (3, 2)
    assert sum("oldest samples are dropped" in record.message for record in caplog.records) == 1
    store.error = None
    clock.go(600)
    load_again(source, cycle)
    sampler.tick()
    assert slots(system) == [1_800_000_000 + 60 * number for number in (3, 4, 15)]
    # The totals stay, also over a restart.
    assert read_status(paths.archive_status) == ArchiveStatus(stored_at=1_800_000_900, lost=3, missed=10)
    make(store).tick()
    assert read_status(paths.archive_status) == ArchiveStatus(stored_at=1_800_000_900, lost=3, missed=10)


def test_the_sampler_rolls_up_and_prunes_the_archive(
    make: Callable[..., Sampler], system: SystemSettings, clock: Clock, source: FakeSource, cycle: Cycle
) -> None:
    sampler = make()
    for _ in range(14):
        sampler.tick()
        clock.go(60)
        load_again(source, cycle)
    clock.go(2 * 86400)
    load_again(source, cycle)
    sampler.tick()
    # The old samples are deleted, their 10-minute roll-ups are kept.
    assert slots(system) == [1_800_000_000 + 14 * 60 + 2 * 86400]
    with sqlite3_connection(system) as connection:
        assert connection.execute("SELECT time, weight FROM load_10_minutes").fetchall() == [
            (1_800_000_000, 10),
            (1_800_000_600, 4),
        ]


def sqlite3_connection(system: SystemSettings) -> sqlite3.Connection:
    return sqlite3.connect(system.archive_path)


def test_deleted_status_is_published_again(make: Callable[..., Sampler], paths: RuntimePaths) -> None:
    sampler = make()
    sampler.tick()
    published = paths.archive_status.read_text()
    paths.archive_status.unlink()
    sampler.restore_status()
    assert paths.archive_status.read_text() == published

"""An archive that hangs: samples are taken when they are due, none is lost, and all of it is published."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from slurm_rest_api.archive.sample import Sample
from slurm_rest_api.archive.spool import Spool
from slurm_rest_api.archive.spool_writer import SpoolWriter
from slurm_rest_api.archive.status import StatusFile, read_status
from slurm_rest_api.archive.writer import ArchiveWriter
from slurm_rest_api.config import SystemSettings
from tests.archive.databases import open_store, slots, sqlite_settings
from tests.archive.samples import make_sample
from tests.waiting import GIVE_UP_SECONDS, wait_for

# Puts 6 samples while the archive's file is locked by another process, and says so.
_COLLECTOR = """
import sys, time
from pathlib import Path
from tests.archive.samples import make_sample
from tests.archive.test_spool_writer import spool_writer
folder = Path(sys.argv[1])
spool, writer, status = spool_writer(folder)
for number in range(1, 7):
    status.update(lost=spool.put(make_sample(60 * number)), waiting=len(spool))
    writer.wake()
print("taken", flush=True)
time.sleep(3600)
"""


class HangingStore:
    """An archive that does not answer until `answers` is set."""

    def __init__(self, store: ArchiveWriter) -> None:
        self._store = store
        self.answers = threading.Event()
        self.is_asked = threading.Event()

    def add(self, sample: Sample) -> bool:
        self.is_asked.set()
        assert self.answers.wait(GIVE_UP_SECONDS)
        return self._store.add(sample)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def spool_writer(
    folder: Path, store: object | None = None, clock: list[float] | None = None
) -> tuple[Spool, SpoolWriter, StatusFile]:
    """Returns the parts of a collector with an SQLite archive in `folder`."""
    spool, status = Spool(folder / "waiting"), StatusFile(folder / "status.json")
    writer = SpoolWriter(
        spool,
        store or open_store(sqlite_settings(folder)),  # type: ignore[arg-type]
        status,
        width=60,
        keep_seconds=2**40,
        now=lambda: 10_000.0,
        clock=(lambda: clock[0]) if clock else (lambda: 0.0),
    )
    return spool, writer, status


@pytest.fixture
def system(tmp_path: Path) -> SystemSettings:
    return sqlite_settings(tmp_path)


def test_samples_are_taken_while_the_archive_hangs(
    system: SystemSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, clock = HangingStore(open_store(system)), [0.0]
    spool, writer, status = spool_writer(tmp_path, store, clock)
    for number in range(1, 21):
        # Each returns at once: otherwise this test would hang here.
        spool.put(make_sample(60 * number))
        status.update(waiting=len(spool))
        writer.wake()
    assert store.is_asked.wait(GIVE_UP_SECONDS)
    clock[0] += 59
    writer.wake()
    assert status.current.error is None
    clock[0] += 1
    for _ in range(3):
        writer.wake()
    published = read_status(tmp_path / "status.json")
    assert published is not None
    assert published.error == "The load archive has not answered for 60 s. Check its database or disk."
    assert (published.waiting, published.failing_since, published.lost) == (20, 9_940, 0)
    assert sum("has not answered" in record.message for record in caplog.records) == 1
    store.answers.set()
    wait_for("all samples to be stored", lambda: status.current.waiting == 0 and status.current.error is None)
    assert slots(system) == [60 * number for number in range(1, 21)]
    writer.close()


def test_the_end_of_the_collector_does_not_wait_for_an_archive_that_hangs(
    system: SystemSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slurm_rest_api.archive.spool_writer._STOP_SECONDS", 0.01)
    threads_before = set(threading.enumerate())
    store = HangingStore(open_store(system))
    spool, writer, _ = spool_writer(tmp_path, store)
    spool.put(make_sample(60))
    writer.wake()
    assert store.is_asked.wait(GIVE_UP_SECONDS)
    writer.close()
    assert len(Spool(tmp_path / "waiting")) == 1
    store.answers.set()
    wait_for("the thread to end", lambda: set(threading.enumerate()) <= threads_before)


def test_a_kill_while_the_archive_is_locked_loses_no_sample(system: SystemSettings, tmp_path: Path) -> None:
    open_store(system).add(make_sample(0))
    locked = sqlite3.connect(system.archive_path, isolation_level=None)
    locked.execute("BEGIN IMMEDIATE")
    process = subprocess.Popen([sys.executable, "-c", _COLLECTOR, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "taken\n"
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    locked.close()
    assert slots(system) == [0]

    spool, writer, status = spool_writer(tmp_path)
    assert len(spool) == 6
    writer.step()
    assert slots(system) == [60 * number for number in range(7)]
    assert (status.current.waiting, status.current.lost, status.current.stored_at) == (0, 0, 360)
    writer.close()


def test_a_sample_that_another_host_stored_is_not_stored_twice(system: SystemSettings, tmp_path: Path) -> None:
    other = open_store(system)
    other.add(make_sample(60, load=0.1))
    spool, writer, status = spool_writer(tmp_path)
    spool.put(make_sample(60))
    spool.put(make_sample(120))
    writer.step()
    assert slots(system) == [60, 120]
    assert (len(spool), status.current.stored_at) == (0, 120)


def test_a_damaged_sample_counts_as_lost(system: SystemSettings, tmp_path: Path) -> None:
    Spool(tmp_path / "waiting").put(make_sample(120))
    (tmp_path / "waiting" / "60.sample").write_bytes(b"damaged")
    _, writer, status = spool_writer(tmp_path)
    writer.step()
    assert slots(system) == [120]
    assert status.current.lost == 1


def test_an_unexpected_error_is_published_and_the_thread_goes_on(
    tmp_path: Path, system: SystemSettings, caplog: pytest.LogCaptureFixture
) -> None:
    class BrokenStore(HangingStore):
        def add(self, sample: Sample) -> bool:
            raise RuntimeError("odd")

    spool, writer, status = spool_writer(tmp_path, BrokenStore(open_store(system)))
    spool.put(make_sample(60))
    writer.wake()
    wait_for("the error to be published", lambda: status.current.error)
    assert status.current.error == "Storing load samples failed. The log of the collector has the cause."
    assert "RuntimeError: odd" in caplog.text
    writer.close()

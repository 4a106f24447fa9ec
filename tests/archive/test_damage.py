"""Damage to the archive's file and to waiting samples: what is stored heals with a backup, and no sample is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from slurm_rest_api.archive.engine import open_engine
from slurm_rest_api.archive.spool import Spool
from slurm_rest_api.archive.time_range import TimeRange
from slurm_rest_api.archive.writer import ArchiveWriter
from slurm_rest_api.config import SystemSettings
from slurm_rest_api.diagnosis.archive import check_archive
from slurm_rest_api.errors import ApiError
from tests.archive.databases import Archives, open_store, slots, sqlite_settings
from tests.archive.samples import make_sample
from tests.archive.test_spool_writer import spool_writer

STORED = [60 * number for number in range(1, 200)]
EVER = TimeRange(0, 2**40, 0)


def halved(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def overwritten(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(b"\xff" * 4096)


def overwritten_behind_the_header(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(100)
        opened.write(b"\xff" * (file.stat().st_size - 100))


def folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.fixture
def system(tmp_path: Path) -> SystemSettings:
    """Returns the settings of an archive with the samples `STORED`."""
    settings = sqlite_settings(tmp_path)
    store = open_store(settings)
    store.add_past([make_sample(slot) for slot in STORED])
    store.close()
    return settings


@pytest.mark.parametrize("damage", [halved, overwritten, overwritten_behind_the_header, folder])
def test_samples_wait_until_a_damaged_archive_is_restored(
    system: SystemSettings, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    file, backup, clock = Path(system.archive_path), tmp_path / "backup", [0.0]
    shutil.copy2(file, backup)
    damage(file)
    spool, writer, status = spool_writer(tmp_path, clock=clock)
    for slot in (STORED[-1] + 60, STORED[-1] + 120):
        spool.put(make_sample(slot))
        writer.step()
        clock[0] += 3600.0
    assert status.current.waiting == 2
    assert status.current.error is not None
    with pytest.raises(ApiError, match=r"cannot be read|names a f"):
        slots(system)
    finding = check_archive(system.model_copy(update={"archive_usage_load": True}), {})
    assert finding.verdict == "problem"
    assert finding.remedy
    if file.is_dir():
        file.rmdir()
    shutil.copy2(backup, file)
    writer.step()
    assert (status.current.waiting, status.current.lost) == (0, 0)
    assert slots(system) == [*STORED, STORED[-1] + 60, STORED[-1] + 120]
    writer.close()


@pytest.mark.parametrize("restore", [os.replace, shutil.copyfile])
def test_a_backup_may_be_restored_while_the_service_runs(
    system: SystemSettings, tmp_path: Path, restore: Callable[[Path, Path], object]
) -> None:
    file, backup, archives = Path(system.archive_path), tmp_path / "backup", Archives(system)
    store = archives.store()
    shutil.copyfile(file, backup)
    for number in range(1, 6):
        assert store.add(make_sample(STORED[-1] + 60 * number))
    reader = archives.reader()
    assert len(reader.samples(EVER, 1000)) == len(STORED) + 5
    restore(backup, file)
    assert store.add(make_sample(STORED[-1] + 600))
    assert [row.time for row in reader.samples(EVER, 1000)] == [*STORED, STORED[-1] + 600]
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    archives.close()


def test_a_sample_waits_if_the_file_is_replaced_during_its_transaction(system: SystemSettings, tmp_path: Path) -> None:
    file, backup, engine = Path(system.archive_path), tmp_path / "backup", open_engine(system, writable=True)
    shutil.copyfile(file, backup)

    def replace(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT") and backup.exists():
            os.replace(backup, file)

    event.listen(engine, "before_cursor_execute", replace)
    spool, writer, status = spool_writer(tmp_path, ArchiveWriter(engine))
    spool.put(make_sample(STORED[-1] + 60))
    writer.step()
    assert status.current.waiting == 1
    assert "deleted or replaced" in (status.current.error or "")
    _, writer, status = spool_writer(tmp_path, ArchiveWriter(engine))
    writer.step()
    assert (status.current.waiting, status.current.error) == (0, None)
    assert slots(system) == [*STORED, STORED[-1] + 60]


def test_all_samples_are_in_the_file_itself(system: SystemSettings, tmp_path: Path) -> None:
    file, copy, archives = Path(system.archive_path), tmp_path / "copy", Archives(system)
    store, reader = archives.store(), archives.reader()
    assert reader.samples(EVER, 1)
    assert store.add(make_sample(STORED[-1] + 60))
    assert os.listdir(file.parent) == [file.name]
    shutil.copyfile(file, copy)
    assert slots(SystemSettings(archive_path=str(copy)))[-1] == STORED[-1] + 60
    archives.close()


def test_the_wal_of_an_earlier_release_goes_when_no_process_uses_it(system: SystemSettings) -> None:
    file, store = Path(system.archive_path), open_store(system)
    with closing(sqlite3.connect(file)) as earlier:
        earlier.execute("PRAGMA journal_mode = WAL")
        earlier.execute("DELETE FROM load_sample WHERE time = ?", (STORED[-1],))
        earlier.commit()
        assert store.add(make_sample(STORED[-1] + 60))
        assert earlier.execute("SELECT max(time) FROM load_sample").fetchone() == (STORED[-1] + 60,)
    assert store.add(make_sample(STORED[-1] + 120))
    assert os.listdir(file.parent) == [file.name]
    assert slots(system) == [*STORED[:-1], STORED[-1] + 60, STORED[-1] + 120]


def test_web_workers_roll_back_the_transaction_of_a_killed_collector(system: SystemSettings, tmp_path: Path) -> None:
    file, crashed = Path(system.archive_path), tmp_path / "crashed"
    stored = file.read_bytes()
    with closing(sqlite3.connect(file)) as connection:
        # Writes pages to the file before the end of the transaction.
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("UPDATE load_sample SET time = -time, body = zeroblob(5000)")
        # The files that a kill would leave at this moment.
        shutil.copytree(file.parent, crashed)
    left = SystemSettings(archive_path=str(crashed / file.name))
    assert Path(left.archive_path).read_bytes() != stored
    assert slots(left) == STORED
    assert os.listdir(crashed) == [file.name]


def test_web_workers_cannot_write(system: SystemSettings) -> None:
    archives = Archives(system)
    with archives.engine().connect() as connection, pytest.raises(OperationalError, match="readonly"):
        connection.exec_driver_sql("DELETE FROM load_sample")
    archives.close()


def test_an_emptied_archive_begins_again(system: SystemSettings, tmp_path: Path) -> None:
    os.truncate(system.archive_path, 0)
    spool, writer, status = spool_writer(tmp_path)
    spool.put(make_sample(60))
    writer.step()
    assert status.current.error is None
    assert slots(system) == [60]
    writer.close()


def test_damaged_waiting_samples_are_counted_and_the_others_stored(system: SystemSettings, tmp_path: Path) -> None:
    waiting = tmp_path / "waiting"
    filled = Spool(waiting)
    for number in range(1, 6):
        filled.put(make_sample(STORED[-1] + 60 * number))
    files = sorted(waiting.iterdir())
    os.truncate(files[0], 0)
    os.truncate(files[1], files[1].stat().st_size // 2)
    files[2].write_bytes(b"\xff" * 100)
    files[3].unlink()
    files[3].mkdir()
    (waiting / "notes.txt").write_text("of an administrator")
    _, writer, status = spool_writer(tmp_path)
    writer.step()
    assert (status.current.waiting, status.current.lost) == (0, 4)
    assert slots(system) == [*STORED, STORED[-1] + 300]
    assert {file.name for file in waiting.iterdir()} == {files[3].name, "notes.txt"}
    writer.close()


def test_a_waiting_folder_that_is_a_file_keeps_samples_in_memory(system: SystemSettings, tmp_path: Path) -> None:
    (tmp_path / "waiting").write_text("")
    spool, writer, status = spool_writer(tmp_path)
    spool.put(make_sample(STORED[-1] + 60))
    assert spool.unsaved == 1
    writer.step()
    assert (status.current.waiting, status.current.lost) == (0, 0)
    assert slots(system) == [*STORED, STORED[-1] + 60]
    writer.close()


def test_the_writer_closes_the_archive_to_other_users(system: SystemSettings) -> None:
    file = Path(system.archive_path)
    file.chmod(0o664)
    store = open_store(system)
    assert store.add(make_sample(STORED[-1] + 60))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert modes[file.name] == 0o660
    assert [name for name, mode in modes.items() if mode & stat.S_IRWXO] == []
    store.close()

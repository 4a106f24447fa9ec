"""The archive in an SQLite file: the contract of all archives, and faults of files."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event

from slurm_rest_api.archive.engine import archive_file, open_engine
from slurm_rest_api.archive.writer import ArchiveWriter
from slurm_rest_api.config import SystemSettings
from slurm_rest_api.errors import ArchiveError
from tests.archive.databases import Archives, open_store, slots, sqlite_settings
from tests.archive.samples import make_sample
from tests.archive.writer_contract import CHECKS
from tests.waiting import wait_for


@pytest.mark.parametrize("check", CHECKS)
def test_the_contract_of_every_archive(check: Callable[[Archives], None], tmp_path: Path) -> None:
    archives = Archives(sqlite_settings(tmp_path))
    check(archives)
    archives.close()


def test_writer_creates_the_file_and_its_folder(tmp_path: Path) -> None:
    settings = sqlite_settings(tmp_path)
    assert open_store(settings).add(make_sample(60))
    assert (tmp_path / "archive" / "load.sqlite").stat().st_size > 0


def test_a_relative_path_is_in_the_state_directory() -> None:
    settings = SystemSettings(archive_path="load.sqlite")
    assert archive_file(settings, {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}) == Path("/var/lib/a/load.sqlite")
    assert archive_file(settings, {}) == Path.cwd() / "load.sqlite"
    assert archive_file(SystemSettings(archive_path="/data/l.sqlite"), {"STATE_DIRECTORY": "/x"}) == Path(
        "/data/l.sqlite"
    )


_WRITER = """
import sys
from pathlib import Path
from tests.archive.databases import Archives, open_store, sqlite_settings
from tests.archive.samples import make_sample
store = open_store(sqlite_settings(Path(sys.argv[1])))
slot = int(sys.argv[2])
while True:
    slot += 60
    store.add(make_sample(slot, partitions=tuple(f"p{n}" for n in range(20))))
    print(slot, flush=True)
    store.roll_up(slot, 5)
"""


def test_stored_samples_survive_a_killed_writer(tmp_path: Path) -> None:
    settings = sqlite_settings(tmp_path)
    file = tmp_path / "archive" / "load.sqlite"
    message = 0
    log = tmp_path / "message"
    for _ in range(5):
        with log.open("w") as output:
            writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path), str(message)], stdout=output)
            try:
                wait_for("samples to be written", lambda: len(log.read_text().splitlines()) >= 25)
            finally:
                os.kill(writer.pid, signal.SIGKILL)
                writer.wait()
        message = max(int(line) for line in log.read_text().splitlines() if line.endswith("0"))
        with sqlite3.connect(file) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        # The sample that was being written may be missing. Every other is stored.
        assert slots(settings) in (list(range(60, message + 60, 60)), list(range(60, message + 120, 60)))
        message = slots(settings)[-1]


@pytest.mark.parametrize(
    ("url", "limited"),
    [
        ("mysql+pymysql://u@h/d", {"connect_timeout", "read_timeout", "write_timeout"}),
        ("postgresql+psycopg://u@h/d", {"connect_timeout", "options", "tcp_user_timeout", "answer_seconds"}),
        ("postgresql+psycopg://u@h/d?options=-c%20work_mem=1MB", {"connect_timeout", "answer_seconds"}),
    ],
)
def test_hanging_server_is_given_up(url: str, limited: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests with real servers use these.
    monkeypatch.setattr("slurm_rest_api.archive.engine._CONNECT", {})
    engine = open_engine(SystemSettings.model_validate({"archive_url": url}), writable=False)
    given: dict[str, object] = {}

    class Asked(Exception):
        """Ends the attempt to connect."""

    def look(_dialect: object, _record: object, _args: object, parameters: dict[str, object]) -> None:
        given.update(parameters)
        raise Asked

    event.listen(engine, "do_connect", look)
    with pytest.raises(Asked):
        engine.connect()
    assert {name for name in given if "seconds" in name or "timeout" in name or name == "options"} >= limited
    assert "statement_timeout" in str(given.get("options")) or "options" not in limited


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "it is not the URL of a database"),
        ("oracle+nothing://u:hunter2@h/d", "its driver is not installed"),
        ("postgresql+pg8000://u:hunter2@h/d", "its driver is not installed"),
    ],
)
def test_error_about_a_url_omits_its_password(url: str, words: str) -> None:
    with pytest.raises(ArchiveError) as caught:
        open_engine(SystemSettings.model_validate({"archive_url": url}), writable=True)
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_folder_that_cannot_be_created_is_an_error_until_it_can(tmp_path: Path) -> None:
    (tmp_path / "disk").write_text("not mounted yet")
    store = open_store(SystemSettings(archive_path=str(tmp_path / "disk" / "load.sqlite")))
    for _ in range(2):
        with pytest.raises(ArchiveError, match="The folder of the load archive"):
            store.add(make_sample(60))
    (tmp_path / "disk").unlink()
    assert store.add(make_sample(60))


def test_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    settings = sqlite_settings(tmp_path)
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "load.sqlite").write_text("these are no tables" * 100)
    with pytest.raises(ArchiveError, match="is not an SQLite database"):
        open_store(settings).add(make_sample(60))


@pytest.mark.parametrize("replaced", [False, True])
def test_a_deleted_file_is_created_again(replaced: bool, tmp_path: Path) -> None:
    settings = sqlite_settings(tmp_path)
    store = open_store(settings)
    assert store.add(make_sample(60))
    for file in (tmp_path / "archive").iterdir():
        file.rename(tmp_path / file.name)
    if replaced:
        other = open_store(settings)
        assert other.add(make_sample(120))
        other.close()
    assert store.add(make_sample(180))
    with closing(sqlite3.connect(tmp_path / "archive" / "load.sqlite")) as connection:
        times = connection.execute("SELECT time FROM load_sample ORDER BY time").fetchall()
    assert times == ([(120,), (180,)] if replaced else [(180,)])


def test_a_full_disk_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    engine = open_engine(sqlite_settings(tmp_path), writable=True)
    store = ArchiveWriter(engine)
    assert store.add(make_sample(60))
    # SQLite takes the size that the file has as its limit, and reports a full disk at the next page.
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 1"))
    with pytest.raises(ArchiveError, match=r"disk is full\. Free space"):
        store.add_past([make_sample(slot) for slot in range(120, 12_000, 60)])

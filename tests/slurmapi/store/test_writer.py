"""The snapshot store, written and read in real files."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

import pytest

from slurm_rest_api.errors import StoreError
from slurm_rest_api.slurmapi.store import schema
from slurm_rest_api.slurmapi.store.host_run import host_run, is_of_run, new_generation
from slurm_rest_api.slurmapi.store.index_columns import COLUMNS, INDEXED
from slurm_rest_api.slurmapi.store.reader import StoreReader
from slurm_rest_api.slurmapi.store.record_writer import Loaded, Row
from slurm_rest_api.slurmapi.store.version import StoreVersionReader
from slurm_rest_api.slurmapi.store.writer import StoreWriter

ALICE = b'{"user_name":"alice"}'
BOB = b'{"user_name":"bob"}'
NO_VALUES = (None,) * len(COLUMNS["queue"])


def loaded(at: float) -> Loaded:
    return Loaded(
        source="fake", source_detail="fake cluster", loaded_at=at, interval_seconds=10.0, cycle_seconds=0.5, rpcs=6
    )


def rows(jobs: Mapping[int, bytes | None]) -> Iterator[Row]:
    return (Row(key, body, lambda: NO_VALUES) for key, body in jobs.items())


def write(
    writer: StoreWriter, jobs: dict[int, bytes], at: float = 1000.0, meanwhile: Callable[[], None] = lambda: None
) -> None:
    with writer.cycle() as cycle:
        cycle.replace_records("queue", rows(jobs), at)
        meanwhile()
        cycle.replace_records("nodes", iter([]), at)
        cycle.replace_records("partitions", iter([]), at)
        cycle.replace_document("stats", b"{}", 1, at)
        cycle.finish(loaded(at))


def queue(reader: StoreReader) -> dict[int | str, bytes]:
    with reader.view() as view:
        assert view is not None
        return {key: body for batch in view.batches("queue") for key, body in batch}


def versions(path: Path) -> dict[int, int]:
    with sqlite3.connect(path) as connection:
        found = dict(connection.execute("SELECT key, version FROM queue"))
    connection.close()
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "snapshot.sqlite"


def test_there_is_no_view_before_the_first_cycle(path: Path) -> None:
    with StoreReader(path).view() as view:
        assert view is None


def test_records_are_read_in_key_order(path: Path) -> None:
    write(StoreWriter(path), {20: BOB, 3: ALICE})
    assert list(queue(StoreReader(path)).items()) == [(3, ALICE), (20, BOB)]


def test_more_records_than_fit_a_batch_are_all_read(path: Path) -> None:
    jobs = {number: b'{"job_id":%d}' % number for number in range(1, 1502)}
    write(StoreWriter(path), jobs)
    assert queue(StoreReader(path)) == jobs


def test_a_store_has_all_indexes_after_its_first_cycle(path: Path) -> None:
    write(StoreWriter(path), {3: ALICE})
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT name FROM sqlite_master WHERE tbl_name = 'queue_index' AND sql LIKE 'CREATE INDEX%'"
        assert {name for (name,) in connection.execute(query)} == {f"queue_by_{names[0]}" for names in INDEXED["queue"]}


def test_only_rows_that_changed_get_the_new_version(path: Path) -> None:
    writer = StoreWriter(path)
    write(writer, {1: ALICE, 2: ALICE, 3: ALICE})
    write(writer, {1: ALICE, 2: BOB, 4: ALICE})
    assert versions(path) == {1: 1, 2: 2, 4: 2}


def test_a_new_writer_writes_only_rows_that_changed(path: Path) -> None:
    write(StoreWriter(path), {1: ALICE, 2: ALICE})
    write(StoreWriter(path), {1: ALICE, 2: BOB})
    assert versions(path) == {1: 1, 2: 2}


def test_a_collection_changes_its_version_only_with_its_rows(path: Path) -> None:
    writer, reader = StoreWriter(path), StoreReader(path)
    write(writer, {1: ALICE}, at=1000.0)
    write(writer, {1: ALICE}, at=1010.0)
    with reader.view() as view:
        assert view is not None
        found, status = view.collection("queue"), view.status()
    assert found is not None
    assert (found.version, found.changed_at, found.total) == (1, 1000.0, 1)
    assert (status.version, status.loaded_at, status.cycles, status.rpcs) == (2, 1010.0, 2, 12)


def test_a_failed_cycle_leaves_the_store_unchanged(path: Path) -> None:
    writer, reader = StoreWriter(path), StoreReader(path)
    write(writer, {1: ALICE})
    with pytest.raises(ZeroDivisionError), writer.cycle() as cycle:
        cycle.replace_records("queue", (Row(1, b"%d" % (1 // zero), lambda: NO_VALUES) for zero in (1, 0)), 1010.0)
    assert queue(reader) == {1: ALICE}
    write(writer, {1: BOB})
    assert queue(reader) == {1: BOB}


def test_a_view_keeps_its_version_while_the_next_cycle_commits(path: Path) -> None:
    writer, reader = StoreWriter(path), StoreReader(path)
    write(writer, {1: ALICE}, at=1000.0)
    with reader.view() as view:
        write(writer, {1: BOB}, at=1010.0)
        assert view is not None
        assert view.status().loaded_at == 1000.0
        assert list(view.batches("queue")) == [[(1, ALICE)]]
    assert queue(reader) == {1: BOB}


def test_a_failure_is_published_and_the_next_success_clears_it(path: Path) -> None:
    writer, reader = StoreWriter(path), StoreReader(path)
    write(writer, {1: ALICE})
    writer.record_failure("connection refused", 1010.0)
    writer.record_failure("connection refused", 1030.0)
    with reader.view() as view:
        assert view is not None
        status = view.status()
    assert (status.error, status.failures, status.failing_since) == ("connection refused", 2, 1010.0)
    write(writer, {1: ALICE}, at=1040.0)
    with reader.view() as view:
        assert view is not None
        status = view.status()
    assert (status.error, status.failures, status.failing_since) == (None, 0, None)


def test_the_file_may_be_deleted_at_any_time(path: Path) -> None:
    writer, reader = StoreWriter(path), StoreReader(path)
    write(writer, {1: ALICE})
    assert queue(reader) == {1: ALICE}
    path.unlink()
    with reader.view() as view:
        assert view is None
    write(writer, {1: ALICE, 2: BOB})
    assert queue(reader) == {1: ALICE, 2: BOB}


@pytest.mark.parametrize("is_new", [False, True])
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_a_file_that_is_deleted_during_a_cycle_is_created_by_the_next(path: Path, suffix: str, is_new: bool) -> None:
    writer, file = StoreWriter(path), path.with_name(path.name + suffix)
    if not is_new:
        write(writer, {1: ALICE})
    with suppress(StoreError):
        write(writer, {1: ALICE, 2: BOB}, meanwhile=file.unlink)
    write(writer, {2: BOB})
    assert queue(StoreReader(path)) == {2: BOB}


@pytest.mark.parametrize("suffixes", [["-wal"], ["-shm"], ["-wal", "-shm"]], ids=str)
@pytest.mark.parametrize("replacement", [None, b"", b"garbage" * 5000], ids=["deleted", "empty", "garbage"])
def test_wal_may_be_deleted_or_replaced_at_any_time(path: Path, suffixes: list[str], replacement: bytes | None) -> None:
    writer = StoreWriter(path)
    write(writer, {1: ALICE})
    old = StoreReader(path)
    assert queue(old) == {1: ALICE}
    for suffix in suffixes:
        file = path.with_name(path.name + suffix)
        file.unlink()
        if replacement is not None:
            file.write_bytes(replacement)
    write(writer, {1: ALICE, 2: BOB})
    for reader in (old, StoreReader(path)):
        assert queue(reader) == {1: ALICE, 2: BOB}
    write(writer, {2: BOB})
    assert queue(old) == queue(StoreReader(path)) == {2: BOB}


def test_failure_after_the_wal_was_deleted_does_not_hinder_the_next_cycle(path: Path) -> None:
    writer, failing = StoreWriter(path), StoreWriter(path)
    write(writer, {1: ALICE})
    failing.record_failure("down", 1000.0)
    path.with_name(path.name + "-wal").unlink()
    with suppress(StoreError):
        failing.record_failure("down", 1010.0)
    write(writer, {1: ALICE, 2: BOB})
    assert queue(StoreReader(path)) == {1: ALICE, 2: BOB}


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_files_are_closed_to_others_whatever_the_umask(path: Path, umask: int) -> None:
    path.parent.mkdir(mode=0o755)
    before = os.umask(umask)
    try:
        writer = StoreWriter(path)
        write(writer, {1: ALICE})
    finally:
        os.umask(before)
    assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
        "snapshot.sqlite": 0o600, "snapshot.sqlite-wal": 0o600, "snapshot.sqlite-shm": 0o600
    }  # fmt: skip


def test_each_store_file_is_another_generation(path: Path) -> None:
    writer, reader = StoreWriter(path), StoreReader(path)
    generations = set()
    for _ in range(2):
        write(writer, {1: ALICE})
        with reader.view() as view:
            assert view is not None
            generations.add(view.status().generation)
        path.unlink()
    assert len(generations) == 2


def test_a_file_of_another_host_or_boot_keeps_its_records_and_gets_a_new_generation(path: Path) -> None:
    """A copied machine continues the versions of the other with other data, so they must not look the same."""
    reader = StoreReader(path)

    def generation() -> str:
        with reader.view() as view:
            assert view is not None
            return view.status().generation

    write(StoreWriter(path, run="first-boot"), {1: ALICE})
    first = generation()
    write(StoreWriter(path, run="first-boot"), {1: ALICE})
    assert generation() == first
    StoreWriter(path, run="next-boot").record_failure("slurmctld does not answer", 1000.0)
    assert generation() != first
    assert queue(reader) == {1: ALICE}


def test_the_run_of_a_host_is_the_same_for_each_of_its_processes() -> None:
    assert host_run() == host_run()
    assert re.fullmatch(r"[0-9a-f]{12}", host_run())
    assert is_of_run(new_generation(host_run()), host_run())


def test_a_corrupt_file_is_recreated(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is not a database" * 100)
    write(StoreWriter(path), {1: ALICE})
    assert queue(StoreReader(path)) == {1: ALICE}


def test_a_file_of_another_layout_is_recreated(path: Path) -> None:
    write(StoreWriter(path), {1: ALICE})
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    write(StoreWriter(path), {2: BOB})
    assert queue(StoreReader(path)) == {2: BOB}


@pytest.mark.parametrize("layout", [0, schema.LAYOUT - 1])
def test_readers_see_no_store_in_a_file_of_another_layout(path: Path, layout: int) -> None:
    write(StoreWriter(path), {1: ALICE})
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {layout}")
    connection.execute("ALTER TABLE status RENAME COLUMN generation TO run")
    connection.close()
    with StoreReader(path).view() as view:
        assert view is None
    assert StoreVersionReader(path).current() is None


def test_a_corrupt_file_is_an_error_for_readers(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is not a database" * 100)
    with pytest.raises(StoreError, match="file is not a database"), StoreReader(path).view():
        pass


def test_a_full_disk_is_reported_with_advice(tmp_path: Path) -> None:
    advice = r"disk is full\. Free space on its disk, or set `system\.runtime_dir`\.$"
    writer = StoreWriter(tmp_path / "snapshot.sqlite")
    with closing(sqlite3.connect(":memory:")) as full:
        full.execute("PRAGMA max_page_count = 1")
        with pytest.raises(StoreError, match=advice), writer.cycle():
            full.execute("CREATE TABLE one (value)")


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file/snapshot\.sqlite cannot be opened for writing"):
        write(StoreWriter(tmp_path / "file" / "snapshot.sqlite"), {})


def test_a_row_without_a_body_keeps_the_stored_record(path: Path) -> None:
    writer = StoreWriter(path)
    write(writer, {1: ALICE, 2: ALICE})
    with writer.cycle() as cycle:
        assert cycle.continues
        assert cycle.replace_records("queue", rows({1: None, 3: BOB}), 1010.0) == 2
        cycle.finish(loaded(1010.0))
    assert queue(StoreReader(path)) == {1: ALICE, 3: BOB}
    assert versions(path) == {1: 1, 3: 2}
    write(writer, {1: ALICE, 3: BOB})
    assert versions(path) == {1: 1, 3: 2}


def test_a_row_without_a_body_that_is_not_stored_fails_the_cycle(path: Path) -> None:
    writer = StoreWriter(path)
    write(writer, {1: ALICE})
    with pytest.raises(StoreError, match=r"^Record 2 was not sent and is not stored\. "), writer.cycle() as cycle:
        cycle.replace_records("queue", rows({1: None, 2: None}), 1010.0)
    assert queue(StoreReader(path)) == {1: ALICE}
    with writer.cycle() as cycle:
        assert not cycle.continues


def test_only_a_cycle_after_a_finished_one_of_the_same_writer_continues(path: Path) -> None:
    writer = StoreWriter(path)
    with writer.cycle() as cycle:
        assert not cycle.continues
    with writer.cycle() as cycle:
        assert cycle.continues
    path.unlink()
    with writer.cycle() as cycle:
        assert not cycle.continues
    with StoreWriter(path).cycle() as cycle:
        assert not cycle.continues

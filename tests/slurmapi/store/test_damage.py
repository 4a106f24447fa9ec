"""Damage to the files of the store while readers have them open: the next cycle writes a whole store again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from slurm_rest_api.slurmapi.store.reader import StoreReader
from slurm_rest_api.slurmapi.store.version import StoreVersionReader
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.slurmapi.store.test_writer import ALICE, BOB, queue, rows, write


def emptied(file: Path) -> None:
    os.truncate(file, 0)


def halved(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def overwritten(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(b"\xff" * 4096)


@pytest.mark.parametrize("damage", [emptied, halved, overwritten])
@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_the_next_cycle_writes_a_whole_store(tmp_path: Path, suffix: str, damage: Callable[[Path], None]) -> None:
    path = tmp_path / "run" / "snapshot.sqlite"
    writer, reader, version = StoreWriter(path), StoreReader(path), StoreVersionReader(path)
    for jobs in ({1: ALICE}, {1: BOB, 2: ALICE}):
        write(writer, jobs)
    assert queue(reader) == {1: BOB, 2: ALICE}
    before = version.current()
    damage(path.with_name(path.name + suffix))
    write(writer, {1: BOB, 3: ALICE})
    assert queue(reader) == {1: BOB, 3: ALICE}
    after = version.current()
    # The contents may have forked, so no client may take a version of before for one of now.
    assert before is not None
    assert after is not None
    assert after[0] != before[0]


def test_readers_keep_the_old_version_until_the_new_file_is_full(tmp_path: Path) -> None:
    path = tmp_path / "run" / "snapshot.sqlite"
    writer, reader, version = StoreWriter(path), StoreReader(path), StoreVersionReader(path)
    write(writer, {1: ALICE, 2: BOB})
    assert queue(reader) == {1: ALICE, 2: BOB}
    before = version.current()
    path.with_name(f"{path.name}-wal").unlink()
    with pytest.raises(ZeroDivisionError), writer.cycle():
        1 / 0  # noqa: B018 - a source that fails while it is read
    assert version.current() == before
    assert queue(reader) == {1: ALICE, 2: BOB}
    with writer.cycle() as cycle:
        cycle.replace_records("queue", rows({3: BOB}), 1000.0)
        # A client that asks now gets the last load, not the empty file.
        assert queue(reader) == {1: ALICE, 2: BOB}
    assert queue(reader) == {3: BOB}
    assert version.current() != before
    assert [file.name for file in path.parent.glob("*.new*")] == []


def test_an_untouched_store_keeps_its_generation(tmp_path: Path) -> None:
    path = tmp_path / "run" / "snapshot.sqlite"
    writer, version = StoreWriter(path), StoreVersionReader(path)
    generations = set()
    for number in range(5):
        write(writer, {number: ALICE})
        writer.record_failure("slurmctld does not answer", 1000.0)
        found = version.current()
        assert found is not None
        generations.add(found[0])
    assert len(generations) == 1

"""Counter files on a full file system: the counters go on in memory, and are written once there is room."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict

from slurm_rest_api.metrics.counter_file import CounterFile


class Disk:
    """A file system with room for files of `room` bytes."""

    def __init__(self, room: int) -> None:
        self.room = room

    def allocate(self, descriptor: int, offset: int, length: int) -> None:
        if offset + length > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.posix_fallocate(descriptor, offset, length)


def stored(path: Path) -> dict[str, float]:
    rows = MmapedDict.read_all_values_from_file(str(path))  # type: ignore[no-untyped-call]
    return {key.strip(): value for key, value, *_ in rows}


def write(file: MmapedDict, key: str, value: float) -> None:
    file.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]


def read(file: MmapedDict, key: str) -> float:
    value, _timestamp = file.read_value(key)  # type: ignore[no-untyped-call]
    return float(value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "counter_1.db"


def test_all_blocks_of_a_file_are_allocated(path: Path) -> None:
    file = CounterFile(str(path))
    write(file, "one", 1.0)
    for number in range(3000):
        write(file, f"key-{number}", float(number))
    assert path.stat().st_size > 1 << 16
    # Without holes, a write to a mapped page needs no room.
    assert path.stat().st_blocks * 512 >= path.stat().st_size
    assert stored(path)["key-2999"] == 2999.0
    again = CounterFile(str(path))
    assert read(again, "key-2999") == 2999.0
    assert read(again, "one") == 1.0


def test_a_file_of_the_library_with_holes_is_filled(path: Path) -> None:
    library = MmapedDict(str(path))  # type: ignore[no-untyped-call]
    write(library, "one", 1.0)
    library.close()  # type: ignore[no-untyped-call]
    file = CounterFile(str(path))
    assert read(file, "one") == 1.0
    assert path.stat().st_blocks * 512 >= path.stat().st_size


def test_without_room_counters_are_in_memory_until_there_is_some(path: Path) -> None:
    disk = Disk(room=0)
    file = CounterFile(str(path), disk.allocate)
    write(file, "one", 1.0)
    assert not file.is_stored
    assert not path.exists()
    assert not file.store()
    disk.room = 1 << 20
    assert file.store()
    write(file, "two", 2.0)
    assert stored(path) == {"one": 1.0, "two": 2.0}


def test_a_file_that_cannot_grow_keeps_what_it_has(path: Path) -> None:
    disk = Disk(room=1 << 16)
    file = CounterFile(str(path), disk.allocate)
    keys = [f"key-{number}" for number in range(5000)]
    for key in keys:
        write(file, key, 1.0)
    assert not file.is_stored
    assert 1000 < len(stored(path)) < 3000
    assert path.stat().st_size == 1 << 16
    disk.room = 1 << 20
    assert file.store()
    for key in keys:
        write(file, key, 2.0)
    assert stored(path) == dict.fromkeys(keys, 2.0)


def test_a_worker_that_starts_without_room_continues_its_file(path: Path) -> None:
    first = CounterFile(str(path))
    write(first, "one", 7.0)
    first.close()
    disk = Disk(room=0)
    second = CounterFile(str(path), disk.allocate)
    assert read(second, "one") == 7.0
    write(second, "one", 8.0)
    assert stored(path) == {"one": 7.0}
    disk.room = 1 << 20
    assert second.store()
    assert stored(path) == {"one": 8.0}


@pytest.mark.parametrize("content", [b"x" * 100, b"\xff" * 70_000])
def test_a_damaged_file_begins_again(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    file = CounterFile(str(path))
    write(file, "one", 1.0)
    assert stored(path) == {"one": 1.0}

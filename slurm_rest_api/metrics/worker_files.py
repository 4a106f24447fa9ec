"""Names the counter files of one web worker, and notices that they were deleted or damaged.

prometheus_client maps each file into memory. It goes on with a deleted file, whose counters are then in no sum. It
opens new files when the identifier of the process changes.
"""

from __future__ import annotations

import json
import logging
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from prometheus_client.mmap_dict import MmapedDict

from slurm_rest_api.metrics.counter_file import DAMAGED, HEADER_BYTES, CounterFile

logger = logging.getLogger(__name__)

_CHECK_SECONDS: Final = 1.0


class WorkerFiles:
    """The files of worker number `worker` in `folder`: `*_3.db`, after the first deletion `*_3.1.db`, and so on."""

    def __init__(self, folder: Path, worker: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._worker = worker
        self._clock = clock
        self._next_check = clock() + _CHECK_SECONDS
        self._opened: list[CounterFile] = []
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            remove_damaged(folder, self._own())
        except OSError as error:
            # For example a read-only file system. The counters are kept in memory.
            logger.warning("The folder %s cannot be written: %s.", folder, error.strerror)
        self._generation = max((_generation(path) for path in self._own()), default=0)
        self._known = self._inodes()

    def identifier(self) -> str:
        """Returns the identifier in the names of the current files. Called for each count, so it checks rarely."""
        now = self._clock()
        if now >= self._next_check:
            self._next_check = now + _CHECK_SECONDS
            self._check()
        return str(self._worker) if self._generation == 0 else f"{self._worker}.{self._generation}"

    def open(self, filename: str) -> CounterFile:
        """Opens a file of this worker. The library calls it for each kind of counter."""
        # The library closes all files before it opens others.
        self._opened = [*(file for file in self._opened if not file.is_closed), CounterFile(filename)]
        # Known from now on, so that a deletion before the next check is noticed, too.
        self._known |= self._inodes()
        return self._opened[-1]

    def _check(self) -> None:
        self._store()
        found = self._inodes()
        if any(found.get(path) != inode for path, inode in self._known.items()):
            logger.warning("The counters for /metrics in %s were deleted. They begin again at 0.", self._folder)
            for path in self._own():
                path.unlink(missing_ok=True)
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._generation += 1
            found = {}
        self._known = found

    def _store(self) -> None:
        waiting = [file for file in self._opened if not file.is_stored]
        stored = [file.store() for file in waiting]
        if waiting and all(stored):
            logger.warning("The counters for /metrics in %s are written again.", self._folder)

    def _inodes(self) -> dict[Path, int]:
        inodes = {}
        for path in self._own():
            try:
                inodes[path] = path.stat().st_ino
            except FileNotFoundError:
                # Deleted since the folder was listed.
                continue
        return inodes

    def _own(self) -> list[Path]:
        return [*self._folder.glob(f"*_{self._worker}.db"), *self._folder.glob(f"*_{self._worker}.*.db")]


def remove_damaged(folder: Path, paths: list[Path] | None = None) -> None:
    """Removes the files of `folder` that cannot be read, so that the others can be summed up."""
    for path in folder.glob("*.db") if paths is None else paths:
        try:
            for _ in _values(path):
                pass
        except FileNotFoundError:
            continue
        except DAMAGED as error:
            logger.warning("The counters for /metrics in %s are damaged (%s). They begin again at 0.", path, error)
            path.unlink(missing_ok=True)


def _values(path: Path) -> Iterator[object]:
    with path.open("rb") as file:
        # The number of bytes in use, with the header.
        if struct.unpack("i", file.read(4))[0] < HEADER_BYTES:
            raise ValueError("invalid header")
    read: Callable[[str], Iterator[tuple[str, float, float, int]]] = MmapedDict.read_all_values_from_file
    for key, *value in read(str(path)):
        json.loads(key)
        yield value


def _generation(path: Path) -> int:
    middle = path.name.removesuffix(".db").rpartition("_")[2].partition(".")[2]
    return int(middle) if middle.isdecimal() else 0

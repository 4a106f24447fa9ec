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

logger = logging.getLogger(__name__)

DAMAGED: Final = (
    struct.error,
    json.JSONDecodeError,
    UnicodeDecodeError,
    RuntimeError,
    ValueError,
    KeyError,
    IndexError,
)
"""What prometheus_client raises for a file with other content."""

_CHECK_SECONDS: Final = 1.0
_HEADER_BYTES: Final = 8


class WorkerFiles:
    """The files of worker number `worker` in `folder`: `*_3.db`, after the first deletion `*_3.1.db`, and so on."""

    def __init__(self, folder: Path, worker: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._worker = worker
        self._clock = clock
        self._next_check = clock() + _CHECK_SECONDS
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_damaged(folder, self._own())
        self._generation = max((_generation(path) for path in self._own()), default=0)
        self._known = self._inodes()

    def identifier(self) -> str:
        """Returns the identifier in the names of the current files. Called for each count, so it checks rarely."""
        now = self._clock()
        if now >= self._next_check:
            self._next_check = now + _CHECK_SECONDS
            self._check()
        return str(self._worker) if self._generation == 0 else f"{self._worker}.{self._generation}"

    def _check(self) -> None:
        found = self._inodes()
        if any(found.get(path) != inode for path, inode in self._known.items()):
            logger.warning("The counters for /metrics in %s were deleted. They begin again at 0.", self._folder)
            for path in self._own():
                path.unlink(missing_ok=True)
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._generation += 1
            found = {}
        self._known = found

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
        if struct.unpack("i", file.read(4))[0] < _HEADER_BYTES:
            raise ValueError("invalid header")
    read: Callable[[str], Iterator[tuple[str, float, float, int]]] = MmapedDict.read_all_values_from_file
    for key, *value in read(str(path)):
        json.loads(key)
        yield value


def _generation(path: Path) -> int:
    middle = path.name.removesuffix(".db").rpartition("_")[2].partition(".")[2]
    return int(middle) if middle.isdecimal() else 0

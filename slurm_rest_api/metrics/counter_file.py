"""Keeps the counters of one worker in a file that has all its blocks, or in memory while the file cannot be written.

prometheus_client extends a file without writing to it, and maps it into memory. On a full file system Linux ends a
process that writes to such a page (SIGBUS). So this module allocates the blocks first.
"""

from __future__ import annotations

import json
import logging
import mmap
import os
import struct
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
HEADER_BYTES: Final = 8

_FIRST_BYTES: Final = 1 << 16
# An entry has the length of its key (4 bytes), the key, padding (at most 8 bytes) and two numbers.
_ENTRY_BYTES: Final = 4 + 8 + 16

Allocate = Callable[[int, int, int], None]
"""Allocates the blocks of a part of a file: descriptor, offset, length (posix_fallocate(3)). Raises OSError."""


class CounterFile(MmapedDict):
    """The counters of the file `filename`, in the format of `MmapedDict`. Its methods raise no OSError.

    While the file cannot be written, the counters are in memory and in no sum. `store()` writes them to the file.
    """

    def __init__(self, filename: str, allocate: Allocate = os.posix_fallocate) -> None:
        # The base class would open the file without its blocks.
        self._path = Path(filename)
        self._allocate = allocate
        self._descriptor: int | None
        # None once it is closed.
        self._m: mmap.mmap | None  # type: ignore[assignment]
        try:
            self._descriptor, self._m = _mapped(self._path, 0, allocate)
        except OSError as error:
            self._log(error)
            self._descriptor, self._m = None, _in_memory(_content(self._path))
        self._capacity = len(self._m)
        self._positions: dict[str, int] = {}
        self._used = int.from_bytes(self._m[:4], "little", signed=True)
        try:
            if self._used > HEADER_BYTES:
                read: Callable[[], Iterator[tuple[str, float, float, int]]] = self._read_all_values
                self._positions = {key: position for key, _, _, position in read()}
        except DAMAGED:
            self._used = 0
        if self._used < HEADER_BYTES:
            self._used = HEADER_BYTES
            self._m[:4] = self._used.to_bytes(4, "little")

    @property
    def is_stored(self) -> bool:
        """Returns False while the counters are in memory only."""
        return self._descriptor is not None

    @property
    def is_closed(self) -> bool:
        """Returns True after `close()`."""
        return self._m is None

    def store(self) -> bool:
        """Writes counters that are in memory to the file. Returns False if that is still impossible."""
        assert self._m is not None
        content = self._m[:]
        try:
            descriptor, mapped = _mapped(self._path, len(content), self._allocate)
        except OSError:
            return False
        mapped[: len(content)] = content
        self._descriptor, self._m, self._capacity = descriptor, mapped, len(mapped)
        return True

    def close(self) -> None:
        """Closes the file. The counters cannot be used any more."""
        if self._m is not None:
            self._m.close()
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._m = self._descriptor = None

    def _init_value(self, key: str) -> None:
        needed = self._used + len(key.encode()) + _ENTRY_BYTES
        if needed > self._capacity:
            self._grow(needed)
        add: Callable[[str], None] = super()._init_value
        add(key)

    def _grow(self, needed: int) -> None:
        assert self._m is not None
        capacity = self._capacity
        while capacity < needed:
            capacity *= 2
        if self._descriptor is not None:
            try:
                self._allocate(self._descriptor, 0, capacity)
                self._m, self._capacity = mmap.mmap(self._descriptor, capacity), capacity
            except OSError as error:
                self._log(error)
                os.close(self._descriptor)
                self._descriptor = None
        if self._descriptor is None:
            self._m = _in_memory(self._m[:], capacity)
            self._capacity = len(self._m)

    def _log(self, error: OSError) -> None:
        logger.warning(
            "The counters for /metrics in %s cannot be written: %s. They are kept in memory until they can.",
            self._path.parent,
            error.strerror,
        )


def _mapped(path: Path, length: int, allocate: Allocate) -> tuple[int, mmap.mmap]:
    """Opens the file with at least `length` bytes, and maps it. Removes a new file that finds no room."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        wanted = max(length, size, _FIRST_BYTES)
        allocate(descriptor, 0, wanted)
        return descriptor, mmap.mmap(descriptor, wanted)
    except OSError:
        if os.fstat(descriptor).st_size == 0:
            path.unlink(missing_ok=True)
        os.close(descriptor)
        raise


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        # A missing file has no counters. The reason why it cannot be written is logged already.
        return b""


def _in_memory(content: bytes, length: int = _FIRST_BYTES) -> mmap.mmap:
    memory = mmap.mmap(-1, max(length, len(content)))
    memory[: len(content)] = content
    return memory

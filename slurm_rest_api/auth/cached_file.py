"""Keeps the parsed content of a file, and reads it again after the file was replaced or written in place."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

Content = TypeVar("Content")

# The clock of file systems advances every few milliseconds, so two writes may leave the same times.
_SETTLED_SECONDS: Final = 1.0


class CachedFile(Generic[Content]):
    """The content of the file at `path`, as `parse` returns it. `check` gets the file's status first.

    Both raise ValueError for a file that cannot be used.
    """

    def __init__(
        self, path: Path, parse: Callable[[bytes], Content], check: Callable[[os.stat_result], None] | None = None
    ) -> None:
        self.path = path
        self._parse = parse
        self._check = check
        self._known: tuple[tuple[int, ...] | None, Content] | None = None

    def content(self) -> Content:
        """Returns the current content. An unchanged file costs one stat(2).

        Raises:
            OSError: the file cannot be read.
            ValueError: it cannot be used. The earlier content is returned again once the file is the earlier one.
        """
        known = self._known
        if known is not None and known[0] is not None and known[0] == _identity(self.path.stat()):
            return known[1]
        with self.path.open("rb") as file:
            # Before reading, so that a write in the meantime shows in the next call.
            status = os.fstat(file.fileno())
            if self._check is not None:
                self._check(status)
            content = self._parse(file.read())
        is_settled = abs(time.time() - status.st_ctime) > _SETTLED_SECONDS
        self._known = (_identity(status) if is_settled else None, content)
        return content


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_mode)

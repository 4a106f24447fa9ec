"""Rendered answers as files: made once per version, by whichever worker is asked first, sent by all of them."""

from __future__ import annotations

import fcntl
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

# Level 1: on job records it is four times as fast as level 6 for a third more bytes.
_GZIP_LEVEL: Final = 1
_GZIP_WINDOW: Final = 31


class PreparedBodies:
    """The folder of prepared bodies; any number of processes and threads may use it at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, name: str, tag: str, *, gzip: bool, render: Callable[[], Iterable[bytes]]) -> BinaryIO:
        """The body of `name` at version `tag`, open for reading; `render` is called when nobody has made it yet.

        Raises:
            OSError: it cannot be written, most likely because the disk is full; nothing is left behind.
        """
        ending = ".json.gz" if gzip else ".json"
        path = self._folder / f"{name}-{tag}{ending}"
        try:
            return path.open("rb")
        except FileNotFoundError:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(self._folder / f"{name}{ending}.lock"):
            try:
                return path.open("rb")
            except FileNotFoundError:
                chunks = render()
                self._write(path, compress(chunks) if gzip else chunks)
            self._forget_others(path, name, ending)
            return path.open("rb")

    def _write(self, path: Path, chunks: Iterable[bytes]) -> None:
        descriptor, temporary = tempfile.mkstemp(dir=self._folder, prefix="making-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(chunks)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise

    def _forget_others(self, path: Path, name: str, ending: str) -> None:
        for other in self._folder.glob(f"{name}-*{ending}"):
            if other != path:
                other.unlink(missing_ok=True)


def compress(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """`chunks` as one gzip stream."""
    compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    for chunk in chunks:
        if compressed := compressor.compress(chunk):
            yield compressed
    yield compressor.flush()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

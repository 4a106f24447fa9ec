"""Rendered answers as files: made once per version, by whichever worker is asked first, sent by all of them."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from slurm_rest_api.web.compression import compress


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


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

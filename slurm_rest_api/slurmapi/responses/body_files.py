"""Stores rendered response bodies as files, once per version, for all web workers of the host."""

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
    """A folder of rendered bodies. Any number of processes and threads may use it at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, name: str, tag: str, *, gzip: bool, render: Callable[[], Iterable[bytes]]) -> BinaryIO:
        """Opens the body of `name` at version `tag` for reading. Calls `render` if its file does not exist yet.

        Raises:
            OSError: the file cannot be written, most likely because the disk is full. No partial file remains.
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
            self._remove_other_versions(path, name, ending)
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

    def _remove_other_versions(self, path: Path, name: str, ending: str) -> None:
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

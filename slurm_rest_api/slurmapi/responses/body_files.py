"""Stores rendered response bodies as files, once per version, for all web workers of the host."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from slurm_rest_api.web.compression import Coding, compress

ENDINGS: Final[dict[Coding, str]] = {"identity": ".json", "gzip": ".json.gz", "zstd": ".json.zst"}
"""How the name of a file ends, by the content coding of the body in it."""

UNFINISHED: Final = "making-"
"""How the name of a file begins that a worker is writing."""


class PreparedBodies:
    """A folder of rendered bodies. Any number of processes and threads may use it at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, name: str, tag: str, coding: Coding, render: Callable[[], Iterable[bytes]]) -> BinaryIO:
        """Opens the body of `name` at version `tag` for reading. Calls `render` if its file does not exist yet.

        Raises:
            OSError: the file cannot be written, most likely because the disk is full. No partial file remains.
        """
        ending = ENDINGS[coding]
        path = self._folder / f"{name}-{tag}{ending}"
        try:
            return path.open("rb")
        except FileNotFoundError:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(self._folder / f"{name}{ending}.lock"):
            try:
                return path.open("rb")
            except FileNotFoundError:
                self._write(path, compress(render(), coding))
            self._remove_other_versions(path, name, ending)
            return path.open("rb")

    def _write(self, path: Path, chunks: Iterable[bytes]) -> None:
        descriptor, temporary = tempfile.mkstemp(dir=self._folder, prefix=UNFINISHED)
        try:
            with os.fdopen(descriptor, "wb") as file:
                # Released by the kernel if this worker is killed, so that another one may delete the file.
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                file.writelines(chunks)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _remove_other_versions(self, path: Path, name: str, ending: str) -> None:
        for other in self._folder.glob(f"{name}-*{ending}"):
            if other != path:
                other.unlink(missing_ok=True)
        # Those of a route that was large are older, too.
        for other in self._folder.glob(f"{name}-*~*"):
            other.unlink(missing_ok=True)
        remove_abandoned(self._folder)


def remove_abandoned(folder: Path) -> None:
    """Removes the unfinished files in `folder` whose writers were killed."""
    for unfinished in folder.glob(f"{UNFINISHED}*"):
        _remove_if_abandoned(unfinished)


def _remove_if_abandoned(path: Path) -> None:
    """Removes the unfinished body at `path` if the worker that wrote it was killed."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
    except (BlockingIOError, FileNotFoundError):
        # Its writer works on it, or has just finished.
        return


def try_lock(path: Path) -> int | None:
    """Locks the file `path`. Returns a descriptor that holds the lock until it is closed, None if another has it.

    Raises:
        OSError: the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

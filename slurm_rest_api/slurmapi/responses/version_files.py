"""Stores rendered versions of large routes as files, with the metadata of their responses.

A file carries the metadata in its name, so that it appears whole by one rename. Its modification time is the last load
that had this version. Its access time is the last time that a client asked for it.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from slurm_rest_api.slurmapi.responses.body_files import ENDINGS, UNFINISHED, remove_abandoned
from slurm_rest_api.slurmapi.shared import pacing
from slurm_rest_api.web.compression import Coding, compress

_CODINGS: Final = {ending: coding for coding, ending in ENDINGS.items()}
_FILE_NAME: Final = re.compile(
    r"(?P<etag>[^~-]+-\d+-[^~-]+)~(?P<changed_at>[\d.]+)~(?P<loaded_at>[\d.]+)~(?P<interval_seconds>[\d.]+)"
    r"~(?P<cycle_seconds>[\d.]+)~(?P<failed>[01])"
    r"(?P<ending>\.json(?:\.gz|\.zst)?)"
)
# More frequent notes of requests would cost more than they tell.
_NOTE_SECONDS: Final = 1.0
# A folder's time of change comes from a clock that ticks each 10 ms or more often.
_CLOCK_TICK_NS: Final = 20_000_000
# A file system keeps nanoseconds, a float of today's times less.
_ROUNDING_SECONDS: Final = 0.001


@dataclass(frozen=True)
class RenderedVersion:
    """A rendered version of a route. Times are epoch seconds. `failed`: it was stale when it was rendered.

    `interval_seconds` is from load to load as planned, `cycle_seconds` the time that a load takes.
    """

    etag: str
    changed_at: float
    loaded_at: float
    interval_seconds: float
    cycle_seconds: float
    failed: bool

    @property
    def generation(self) -> str:
        """The store's generation. Versions are comparable only within it."""
        return self.etag.split("-", 1)[0]

    @property
    def number(self) -> int:
        """The number of the version in its generation."""
        return int(self.etag.split("-", 2)[1])

    @property
    def pace_seconds(self) -> float:
        """The seconds from load to load. A host that is too slow takes longer for a load than is planned."""
        return max(self.interval_seconds, self.cycle_seconds)

    @property
    def stale_from(self) -> float:
        """The epoch second from which the version is stale."""
        return pacing.stale_from(self.loaded_at, self.interval_seconds)


@dataclass(frozen=True)
class VersionFile:
    """A file with a rendered version. `asked_at` is when a client last asked for it, in epoch seconds."""

    path: Path
    version: RenderedVersion
    coding: Coding
    asked_at: float


class VersionFiles:
    """A folder of rendered versions. Any number of processes and threads may read it, one at a time writes a route."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def unchanged_check(self) -> Callable[[], bool] | None:
        """Returns a function that returns True until a file appears or disappears. Call it before `of_route`.

        Returns None if a file has done so within the last moment: a further one at once might not be seen.
        """
        try:
            changed_ns = self._folder.stat().st_mtime_ns
        except OSError:
            return None
        if abs(time.time_ns() - changed_ns) < _CLOCK_TICK_NS:
            return None
        return partial(self._is_unchanged_since, changed_ns)

    def _is_unchanged_since(self, changed_ns: int) -> bool:
        try:
            return self._folder.stat().st_mtime_ns == changed_ns
        except OSError:
            return False

    def of_route(self, name: str) -> list[VersionFile]:
        """Returns the files of the route `name`, the newest first."""
        try:
            paths = [path for path in self._folder.iterdir() if path.name.startswith(f"{name}-")]
        except (FileNotFoundError, NotADirectoryError):
            return []
        files = [file for path in paths if (file := _read(path, name)) is not None]
        return sorted(files, key=lambda file: (file.version.number, file.version.loaded_at), reverse=True)

    def write(
        self, name: str, version: RenderedVersion, pieces: Iterable[bytes], asked_at: Mapping[Coding, float]
    ) -> None:
        """Writes the body `pieces` of a version. Of the other versions of the route, the one before stays.

        nginx opens a file after a worker has named it, so the version before stays until the next one is written.
        `asked_at` has the content codings to write, and when clients last asked for each, in epoch seconds.

        Raises:
            OSError: a file cannot be written, most likely because the disk is full. No partial file remains.
        """
        before = [file.version for file in self.of_route(name)[:1]]
        # Before the new files need the space.
        self._remove_others(name, before)
        with ExitStack() as stack:
            unfinished = {coding: stack.enter_context(_Unfinished(self._folder)) for coding in asked_at}
            for coding, part in unfinished.items():
                pieces = part.take(pieces, coding)
            for _ in pieces:
                pass
            for coding, part in unfinished.items():
                part.publish(self._folder / _file_name(name, version, coding), asked_at[coding], version.loaded_at)
        self._remove_others(name, [version, *(older for older in before if _is_older(older, version))])
        remove_abandoned(self._folder)

    def _remove_others(self, name: str, kept: Iterable[RenderedVersion]) -> None:
        beginnings = tuple(f"{name}-{version.etag}~" for version in kept)
        for path in self._folder.glob(f"{name}-*"):
            if not path.name.startswith(beginnings):
                path.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Removes all versions of the route `name`, so that no client gets one of them any more."""
        for file in self.of_route(name):
            file.path.unlink(missing_ok=True)

    def note_request(self, file: VersionFile, loaded_at: float, now: float) -> None:
        """Notes that a client asked for `file` at `now`, when the load at `loaded_at` had its version."""
        is_noted = 0.0 <= now - file.asked_at < _NOTE_SECONDS and loaded_at - file.version.loaded_at < _ROUNDING_SECONDS
        if is_noted:
            return
        try:
            os.utime(file.path, (now, max(file.version.loaded_at, loaded_at)))
        except FileNotFoundError:
            # The next version has replaced it.
            return


class _Unfinished:
    """A file that appears under its name once it is whole. Otherwise it is removed at the end of the `with` block."""

    def __init__(self, folder: Path) -> None:
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=UNFINISHED)
        self._path = Path(name)
        self._file: BinaryIO = os.fdopen(descriptor, "wb")
        # Released by the kernel if this worker is killed, so that another one may delete the file.
        fcntl.flock(descriptor, fcntl.LOCK_EX)

    def __enter__(self) -> _Unfinished:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def take(self, pieces: Iterable[bytes], coding: Coding) -> Iterator[bytes]:
        """Yields the pieces and writes them, compressed with `coding`."""
        source = iter(pieces)
        if coding == "identity":
            for piece in source:
                self._file.write(piece)
                yield piece
            return
        passed: list[bytes] = []

        def passing() -> Iterator[bytes]:
            for piece in source:
                passed.append(piece)
                yield piece

        for compressed in compress(passing(), coding):
            self._file.write(compressed)
            yield from passed
            passed.clear()

    def publish(self, path: Path, asked_at: float, loaded_at: float) -> None:
        """Gives the whole file its name and its times."""
        self._file.flush()
        os.utime(self._path, (asked_at, loaded_at))
        self._path.replace(path)


def _is_older(version: RenderedVersion, other: RenderedVersion) -> bool:
    return version.generation == other.generation and version.number < other.number


def _file_name(name: str, version: RenderedVersion, coding: Coding) -> str:
    times = f"{version.changed_at!r}~{version.loaded_at!r}~{version.interval_seconds!r}~{version.cycle_seconds!r}"
    return f"{name}-{version.etag}~{times}~{version.failed:d}{ENDINGS[coding]}"


def _read(path: Path, name: str) -> VersionFile | None:
    """Reads the metadata of a file. Returns None for one that another release has named, or that is removed."""
    found = _FILE_NAME.fullmatch(path.name.removeprefix(f"{name}-"))
    if found is None:
        return None
    try:
        status = path.stat()
        version = RenderedVersion(
            found["etag"],
            float(found["changed_at"]),
            float(found["loaded_at"]),
            float(found["interval_seconds"]),
            float(found["cycle_seconds"]),
            found["failed"] == "1",
        )
    except FileNotFoundError:
        return None
    return VersionFile(
        path,
        replace(version, loaded_at=max(version.loaded_at, status.st_mtime)),
        _CODINGS[found["ending"]],
        status.st_atime,
    )

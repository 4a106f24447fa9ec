"""Keeps load samples in a folder from the moment they are taken until the archive has stored them.

Each sample is one file, which is on the disk before the sample counts as taken. So samples survive a crash of the
collector, and a power failure, while the archive hangs.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from pathlib import Path
from typing import Final

import orjson
import zstandard

from slurm_rest_api.archive.sample import Sample
from slurm_rest_api.archive.tables import pack, read

logger = logging.getLogger(__name__)

MAX_SAMPLES: Final = 10_000
"""A week of samples, one a minute."""

_MAX_UNSAVED: Final = 1440
_NAME: Final = re.compile(r"(\d+)\.sample")


class Spool:
    """Samples in `folder`, at most `most`. A full spool drops the oldest sample.

    If the folder cannot be written, samples are kept in memory. One thread may put samples while another stores them.
    """

    def __init__(self, folder: Path, most: int = MAX_SAMPLES) -> None:
        self._folder = folder
        self._most = most
        self._lock = threading.Lock()
        self._saved = _slots_in(folder)
        self._unsaved: dict[int, Sample] = {}
        self._storing: int | None = None
        self._is_broken = False
        self._is_full = False

    def __len__(self) -> int:
        """Returns the number of samples."""
        return len(self._saved) + len(self._unsaved)

    @property
    def unsaved(self) -> int:
        """Number of samples that only memory has."""
        return len(self._unsaved)

    def put(self, sample: Sample) -> int:
        """Adds a sample. Returns the number of samples that were dropped for it."""
        with self._lock:
            self._unsaved[sample["time"]] = sample
            self._save()
            dropped = 0
            while len(self) > self._most or len(self._unsaved) > _MAX_UNSAVED:
                self._drop_oldest()
                dropped += 1
        if dropped and not self._is_full:
            logger.error(
                "The load archive cannot be written, and %d samples wait. The oldest samples are dropped.", len(self)
            )
        self._is_full = dropped > 0
        return dropped

    def oldest(self) -> Sample | None:
        """Returns the oldest sample, None if there is none. It is kept until `remove()` or `put_back()`.

        Raises:
            DamagedSample: its file cannot be read. The file was removed.
        """
        with self._lock:
            slot = self._storing = self._oldest_slot()
            if slot is None:
                return None
            if slot in self._unsaved:
                return self._unsaved[slot]
            try:
                return read(self._file(slot).read_bytes())
            except (OSError, zstandard.ZstdError, orjson.JSONDecodeError) as error:
                self._remove(slot)
                raise DamagedSample(f"The load sample {self._file(slot)} cannot be read: {error}.") from error

    def remove(self, sample: Sample) -> None:
        """Removes a sample that is stored."""
        with self._lock:
            self._storing = None
            self._remove(sample["time"])

    def put_back(self) -> None:
        """Lets the oldest sample be dropped again, because it could not be stored."""
        with self._lock:
            self._storing = None

    def _save(self) -> None:
        """Writes the samples that only memory has."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for slot in sorted(self._unsaved):
                _write(self._file(slot), pack(self._unsaved[slot]))
                self._saved.add(slot)
                del self._unsaved[slot]
        except OSError as error:
            if not self._is_broken:
                logger.error(
                    "The folder of waiting load samples %s cannot be written: %s. They wait in memory, and are lost if"
                    " the collector ends.",
                    self._folder,
                    error.strerror,
                )
            self._is_broken = True
        else:
            self._is_broken = False

    def _drop_oldest(self) -> None:
        slots = sorted(self._saved | self._unsaved.keys() if len(self) > self._most else self._unsaved)
        self._remove(next(slot for slot in slots if slot != self._storing or len(slots) == 1))

    def _oldest_slot(self) -> int | None:
        return min(self._saved | self._unsaved.keys(), default=None)

    def _remove(self, slot: int) -> None:
        self._unsaved.pop(slot, None)
        self._saved.discard(slot)
        try:
            self._file(slot).unlink(missing_ok=True)
        except OSError as error:
            # At the next start it is found again, and its slot already has a sample.
            logger.warning("The load sample %s cannot be removed: %s.", self._file(slot), error.strerror)

    def _file(self, slot: int) -> Path:
        return self._folder / f"{slot}.sample"


class DamagedSample(Exception):
    """The file of a sample cannot be read."""


def _slots_in(folder: Path) -> set[int]:
    try:
        return {int(match[1]) for name in os.listdir(folder) if (match := _NAME.fullmatch(name))}
    except OSError:
        # The first sample creates the folder, or reports why it cannot.
        return set()


def _write(file: Path, body: bytes) -> None:
    """Writes a file as a whole, onto the disk."""
    temporary = file.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        output.write(body)
        output.flush()
        os.fsync(output.fileno())
    os.replace(temporary, file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

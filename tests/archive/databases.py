"""Archives in each kind of database, for tests that run over all of them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from slurm_rest_api.archive.engine import open_engine
from slurm_rest_api.archive.reader import ArchiveReader, ComputedSample, StoredSample
from slurm_rest_api.archive.sample import Sample
from slurm_rest_api.archive.tables import read
from slurm_rest_api.archive.time_range import TimeRange
from slurm_rest_api.archive.writer import ArchiveWriter
from slurm_rest_api.config import SystemSettings

EVER = 2**40


def sqlite_settings(folder: Path) -> SystemSettings:
    """Returns settings of an archive in a new file."""
    return SystemSettings.model_validate({"archive_path": str(folder / "archive" / "load.sqlite")})


def sample_of(part: StoredSample | ComputedSample) -> Sample:
    """Returns a result of the reader as a sample."""
    return part.sample if isinstance(part, ComputedSample) else read(part.body)


def open_store(settings: SystemSettings) -> ArchiveWriter:
    """Opens the writing side."""
    return ArchiveWriter(open_engine(settings, writable=True))


def open_reader(settings: SystemSettings) -> ArchiveReader:
    """Opens the reading side."""
    return ArchiveReader(open_engine(settings, writable=False))


def slots(settings: SystemSettings) -> list[int]:
    """Returns the slots of all raw samples."""
    return [row.time for row in open_reader(settings).samples(TimeRange(0, EVER, 0), 10**6)]


def all_samples(settings: SystemSettings) -> list[Sample]:
    """Returns all raw samples."""
    return [read(row.body) for row in open_reader(settings).samples(TimeRange(0, EVER, 0), 10**6)]


class Archives:
    """Opens writers and readers of one archive. `close()` closes all of them."""

    def __init__(self, settings: SystemSettings) -> None:
        self._settings = settings
        self._engines: list[Engine] = []

    def store(self) -> ArchiveWriter:
        """Opens a new writer."""
        return ArchiveWriter(self._open(writable=True))

    def reader(self) -> ArchiveReader:
        """Opens a new reader."""
        return ArchiveReader(self._open(writable=False))

    def engine(self) -> Engine:
        """Opens a new reader's engine, to inspect the tables."""
        return self._open(writable=False)

    def samples(self) -> list[Sample]:
        """Returns all raw samples."""
        return [read(row.body) for row in self.reader().samples(TimeRange(0, EVER, 0), 10**6)]

    def close(self) -> None:
        """Closes every connection."""
        for engine in self._engines:
            engine.dispose()

    def _open(self, *, writable: bool) -> Engine:
        engine = open_engine(self._settings, writable=writable)
        self._engines.append(engine)
        return engine

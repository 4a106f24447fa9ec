"""Settings of archives in each kind of database; what a test over all of them is parametrised with."""

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
    """An archive in a file of its own."""
    return SystemSettings.model_validate({"archive_path": str(folder / "archive" / "load.sqlite")})


def sample_of(part: StoredSample | ComputedSample) -> Sample:
    """What a reader found, as a sample."""
    return part.sample if isinstance(part, ComputedSample) else read(part.body)


def open_store(settings: SystemSettings) -> ArchiveWriter:
    """The writing side."""
    return ArchiveWriter(open_engine(settings, writable=True))


def open_reader(settings: SystemSettings) -> ArchiveReader:
    """The reading side."""
    return ArchiveReader(open_engine(settings, writable=False))


def slots(settings: SystemSettings) -> list[int]:
    """The slots of all samples as they were taken."""
    return [row.time for row in open_reader(settings).samples(TimeRange(0, EVER, 0), 10**6)]


def all_samples(settings: SystemSettings) -> list[Sample]:
    """All samples as they were taken."""
    return [read(row.body) for row in open_reader(settings).samples(TimeRange(0, EVER, 0), 10**6)]


class Archives:
    """Any number of writers and readers of one archive; `close()` closes all of them."""

    def __init__(self, settings: SystemSettings) -> None:
        self._settings = settings
        self._engines: list[Engine] = []

    def store(self) -> ArchiveWriter:
        """A new writer."""
        return ArchiveWriter(self._open(writable=True))

    def reader(self) -> ArchiveReader:
        """A new reader."""
        return ArchiveReader(self._open(writable=False))

    def engine(self) -> Engine:
        """A new reader's engine, for a look at the tables."""
        return self._open(writable=False)

    def samples(self) -> list[Sample]:
        """All samples as they were taken."""
        return [read(row.body) for row in self.reader().samples(TimeRange(0, EVER, 0), 10**6)]

    def close(self) -> None:
        """Close every connection."""
        for engine in self._engines:
            engine.dispose()

    def _open(self, *, writable: bool) -> Engine:
        engine = open_engine(self._settings, writable=writable)
        self._engines.append(engine)
        return engine

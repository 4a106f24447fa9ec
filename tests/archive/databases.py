"""Settings of archives in each kind of database; what a test over all of them is parametrised with."""

from __future__ import annotations

from pathlib import Path

from slurm_rest_api.archive.engine import open_engine
from slurm_rest_api.archive.reader import ArchiveReader
from slurm_rest_api.archive.sample import Sample
from slurm_rest_api.archive.store import ArchiveStore
from slurm_rest_api.archive.tables import RAW, read
from slurm_rest_api.archive.window import Window
from slurm_rest_api.config import SystemSettings

EVER = 2**40


def sqlite_settings(folder: Path) -> SystemSettings:
    """An archive in a file of its own."""
    return SystemSettings.model_validate({"archive_path": str(folder / "archive" / "load.sqlite")})


def open_store(settings: SystemSettings) -> ArchiveStore:
    """The writing side."""
    return ArchiveStore(open_engine(settings, writable=True))


def open_reader(settings: SystemSettings) -> ArchiveReader:
    """The reading side."""
    return ArchiveReader(open_engine(settings, writable=False))


def slots(settings: SystemSettings) -> list[int]:
    """The slots of all samples as they were taken."""
    return [row.time for row in open_reader(settings).samples(Window(0, EVER, 0), 10**6)]


def all_samples(settings: SystemSettings) -> list[Sample]:
    """All samples as they were taken."""
    return [read(row.body) for row in open_reader(settings).samples(Window(0, EVER, 0), 10**6)]


__all__ = ["RAW", "all_samples", "open_reader", "open_store", "slots", "sqlite_settings"]

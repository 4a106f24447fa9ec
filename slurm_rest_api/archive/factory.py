"""Builds the web worker's part of the load archive from the settings."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from slurm_rest_api.archive.engine import open_engine
from slurm_rest_api.archive.reader import ArchiveReader
from slurm_rest_api.archive.time_range import Retention
from slurm_rest_api.archive.views import Archive
from slurm_rest_api.config import Settings, SystemSettings

_DAY_SECONDS = 86400


def open_archive(settings: Settings, threads: int = 2) -> Archive | None:
    """Builds the web worker's part. Returns None when `system.archive_usage_load` is off.

    At most `threads` threads of this process read the archive at a time.

    Raises:
        ArchiveError: the archive cannot be opened with these settings.
    """
    system = settings.system
    if not system.archive_usage_load:
        return None
    return Archive(
        reader=open_reader(system, threads),
        retention=Retention(system.archive_wait_time, system.archive_keep_days * _DAY_SECONDS, system.load_max_samples),
        hidden=frozenset(settings.filter.partitions),
        source=system.source_name,
    )


def open_reader(system: SystemSettings, threads: int = 2) -> ArchiveReader:
    """Creates the reader of an archive, for at most `threads` requests at a time.

    Raises:
        ArchiveError: the archive cannot be opened with these settings.
    """
    engine = open_engine(system, writable=False, connections=threads)
    # A try to reach the server needs no free connection of the pool.
    trial = open_engine(system, writable=False, connections=0)

    def answers() -> bool:
        try:
            with trial.connect():
                return True
        except SQLAlchemyError:
            return False

    return ArchiveReader(engine, threads, answers)

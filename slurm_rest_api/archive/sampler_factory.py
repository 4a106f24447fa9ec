"""Builds the collector's part of the load archive from the settings. It imports no web library."""

from __future__ import annotations

import logging

from slurm_rest_api.archive.engine import archive_file, open_engine, spool_folder
from slurm_rest_api.archive.file_kind import require_archive_file
from slurm_rest_api.archive.sampler import Sampler
from slurm_rest_api.archive.spool import Spool
from slurm_rest_api.archive.spool_writer import SpoolWriter
from slurm_rest_api.archive.status import StatusFile
from slurm_rest_api.archive.writer import ArchiveWriter
from slurm_rest_api.config import Settings, SystemSettings
from slurm_rest_api.errors import NotAnArchive
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.reader import StoreReader

logger = logging.getLogger(__name__)

_DAY_SECONDS = 86400


def open_sampler(settings: Settings) -> Sampler:
    """Builds the collector's part.

    Raises:
        ArchiveError: the archive cannot be opened with these settings.
    """
    system = settings.system
    if system.archive_url is None:
        _report_other_file(system)
    paths = RuntimePaths.of(settings)
    spool, status = Spool(spool_folder(system)), StatusFile(paths.archive_status)
    width = system.archive_wait_time
    writer = SpoolWriter(
        spool,
        ArchiveWriter(open_engine(system, writable=True)),
        status,
        width=width,
        keep_seconds=system.archive_keep_days * _DAY_SECONDS,
    )
    snapshots = StoreReader(paths.store, system.store_statement_seconds)
    return Sampler(snapshots, spool, writer, status, width=width)


def _report_other_file(system: SystemSettings) -> None:
    """Logs at the start that `archive_path` is no archive. The live routes need none, so the start goes on."""
    file = archive_file(system)
    try:
        require_archive_file(file)
    except NotAnArchive as error:
        logger.error("%s The file is %s.", error, file)

"""Checks that the load archive can be read and written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from slurm_rest_api.archive.access import has_all_tables
from slurm_rest_api.archive.engine import archive_file
from slurm_rest_api.archive.file_kind import is_tinydb
from slurm_rest_api.config import SystemSettings
from slurm_rest_api.diagnosis.finding import Finding
from slurm_rest_api.errors import ArchiveError

_NAME: Final = "load archive"
_NEW_FILE: Final = "Set `system.archive_path` to a new file such as archive.sqlite, then run"
_CREATABLE: Final = "Set `system.archive_path` to a file that the service's user can create, or create its folder."


def check_archive(system: SystemSettings, environ: Mapping[str, str]) -> Finding:
    """Opens the archive and reads its tables. Changes nothing: a missing file or table is created by the collector."""
    if not system.archive_usage_load:
        return Finding(_NAME, "ok", "Not checked, because `system.archive_usage_load` is off.")
    if system.archive_url is None:
        file = archive_file(system, environ)
        named = system.model_copy(update={"archive_path": str(file)})
        try:
            return _opened(named, str(file)) if file.exists() else _missing(file)
        except OSError as error:
            # For example no right to read a folder above it.
            return Finding(_NAME, "problem", f"{file} cannot be read: {error.strerror}.", _CREATABLE)
    return _opened(system, "The database of `system.archive_url`")


def _opened(system: SystemSettings, name: str) -> Finding:
    if system.archive_url is None and (fault := _file_fault(Path(name))) is not None:
        return fault
    try:
        complete = has_all_tables(system)
    except ArchiveError as error:
        return Finding(
            _NAME,
            "problem",
            f"{name} cannot be used: {str(error).rstrip('.')}.",
            "Check `system.archive_path` or `system.archive_url`, and the rights of the service's user.",
        )
    if complete:
        return Finding(_NAME, "ok", f"{name} can be opened and has its tables.")
    return Finding(_NAME, "ok", f"{name} can be opened. The collector creates the tables that are missing.")


def _file_fault(file: Path) -> Finding | None:
    if is_tinydb(file):
        return Finding(
            _NAME,
            "problem",
            f"{file} is the load archive of the 2018 release (TinyDB).",
            f"{_NEW_FILE} `slurm-rest-api import-archive {file}`.",
        )
    # SQLite makes its journal next to the file.
    for path, rights in ((file, os.R_OK | os.W_OK), (file.parent, os.W_OK | os.X_OK)):
        if not os.access(path, rights):
            message = f"{path} is not writable for this user."
            return Finding(_NAME, "problem", message, "Change its owner, or run the check as the service's user.")
    return None


def _missing(file: Path) -> Finding:
    target = Path(os.path.realpath(file))
    # The path of a loop ends with a link.
    if file.is_symlink() and (target.is_symlink() or not target.parent.is_dir()):
        return Finding(_NAME, "problem", f"{file} is a symbolic link that leads into no folder.", _CREATABLE)
    folder = next(path for path in file.absolute().parents if os.path.lexists(path))
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return Finding(_NAME, "ok", f"{file} does not exist yet and can be created.")
    message = f"{file} does not exist, and this user cannot create it in {folder}."
    return Finding(_NAME, "problem", message, _CREATABLE)

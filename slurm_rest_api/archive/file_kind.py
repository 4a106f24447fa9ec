"""Recognizes the file at `archive_path`: an SQLite database, the TinyDB file of the 2018 release, or another file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from slurm_rest_api.errors import NotAnArchive

# Source: https://www.sqlite.org/fileformat.html, "Magic Header String".
_SQLITE: Final = b"SQLite format 3\0"
_BEGINNING_BYTES: Final = 64

TINYDB_ADVICE: Final = (
    "Set it to a new file such as archive.sqlite, restart the service, and run `slurm-rest-api import-archive FILE`"
    " with the TinyDB file."
)


def is_tinydb(file: Path) -> bool:
    """Returns True if `file` begins like a TinyDB file, which is one JSON object."""
    return _beginning(file).lstrip().startswith(b"{")


def require_archive_file(file: Path) -> None:
    """Checks that `file` is an SQLite database, empty, or missing. An unreadable file is left to SQLite.

    Raises:
        NotAnArchive: it is another kind of file. The message says what to do.
    """
    if file.is_dir():
        raise NotAnArchive("`system.archive_path` names a folder. Set it to a file such as archive.sqlite.")
    beginning = _beginning(file)
    if not beginning or beginning.startswith(_SQLITE):
        return
    if is_tinydb(file):
        raise NotAnArchive(
            f"`system.archive_path` names the load archive of the 2018 release (TinyDB). {TINYDB_ADVICE}"
        )
    raise NotAnArchive(
        "`system.archive_path` names a file that is not an SQLite database. Set it to a new file such as"
        " archive.sqlite, or restore the archive from a backup, and restart the service."
    )


def _beginning(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_BEGINNING_BYTES)
    except OSError:
        # Missing or unreadable. SQLite reports which.
        return b""

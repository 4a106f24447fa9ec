"""Reads the store's current version cheaply (one row), to validate cached responses."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from slurm_rest_api.errors import StoreError
from slurm_rest_api.slurmapi.store import schema

StoreVersion = tuple[str, int, int]
"""Generation and version of the store, and the loads that have failed since. Equal versions have equal contents."""


class _Connection(threading.local):
    """One read-only connection per thread, so that threads never block each other."""

    inode = -1
    connection: sqlite3.Connection | None = None


class StoreVersionReader:
    """Reads the version of the store at `path`, from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened = _Connection()

    def current(self) -> StoreVersion | None:
        """Returns the store's current version, or None if there is no store of this layout.

        Raises:
            StoreError: the file exists but cannot be read.
        """
        try:
            connection = self._connect(self._path.stat().st_ino)
        except FileNotFoundError:
            return None
        except sqlite3.Error as error:
            raise StoreError(f"The snapshot store cannot be read: {error}") from error
        try:
            version: StoreVersion = connection.execute("SELECT generation, version, failures FROM status").fetchone()
        except sqlite3.Error as error:
            _raise_unless_other_layout(connection, error)
            return None
        return version

    def _connect(self, inode: int) -> sqlite3.Connection:
        # No other file gets the inode of a file that is open.
        opened = self._opened
        if opened.connection is None or opened.inode != inode:
            if opened.connection is not None:
                opened.connection.close()
                opened.connection = None
            opened.connection = schema.connect_readonly(self._path)
            opened.inode = inode
        return opened.connection


def _raise_unless_other_layout(connection: sqlite3.Connection, failure: sqlite3.Error) -> None:
    """Checks the layout only after a failure, because every request reads the version."""
    try:
        is_other_layout = not schema.has_current_layout(connection)
    except sqlite3.Error:
        is_other_layout = False
    if not is_other_layout:
        raise StoreError(f"The snapshot store cannot be read: {failure}") from failure

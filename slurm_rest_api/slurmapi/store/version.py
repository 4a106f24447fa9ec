"""Whether the store is still as it was, for less than a look into it costs."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from slurm_rest_api.errors import StoreError
from slurm_rest_api.slurmapi.store import schema

StoreVersion = tuple[str, int, int]
"""The life of the store, its version, and how many loads have failed since. Equal moments are of the same contents."""


class _Opened(threading.local):
    """The store as the present thread has it open; none waits for the look of another."""

    inode = -1
    connection: sqlite3.Connection | None = None


class StoreVersionReader:
    """Watches the store at `path`, from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened = _Opened()

    def moment(self) -> StoreVersion | None:
        """The moment that the store is at; None when there is none.

        Raises:
            StoreError: the file is there but cannot be read.
        """
        try:
            connection = self._connection(self._path.stat().st_ino)
            moment: StoreVersion = connection.execute("SELECT run, version, failures FROM status").fetchone()
        except FileNotFoundError:
            return None
        except sqlite3.Error as error:
            raise StoreError(f"The snapshot store cannot be read: {error}") from error
        return moment

    def _connection(self, inode: int) -> sqlite3.Connection:
        """A file that is held open keeps its number from every other file."""
        opened = self._opened
        if opened.connection is None or opened.inode != inode:
            if opened.connection is not None:
                opened.connection.close()
                opened.connection = None
            opened.connection = schema.connect_readonly(self._path)
            opened.inode = inode
        return opened.connection

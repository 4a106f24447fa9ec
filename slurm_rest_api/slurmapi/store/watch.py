"""Whether the store is still as it was, for less than a look into it costs."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from slurm_rest_api.errors import StoreError
from slurm_rest_api.slurmapi.store import schema

Moment = tuple[int, int]
"""Two that are equal, from the same watch, are of the same contents; they say nothing else."""


class StoreWatch:
    """Watches the store at `path`, from any thread; SQLite counts what others write to the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._opened: tuple[int, sqlite3.Connection] | None = None
        self._files = 0

    def moment(self) -> Moment | None:
        """The moment that the store is at; None when there is none.

        Raises:
            StoreError: the file is there but cannot be read.
        """
        try:
            with self._lock:
                connection = self._connection(self._path.stat().st_ino)
                return self._files, connection.execute("PRAGMA data_version").fetchone()[0]
        except FileNotFoundError:
            return None
        except sqlite3.Error as error:
            raise StoreError(f"The snapshot store cannot be read: {error}") from error

    def _connection(self, inode: int) -> sqlite3.Connection:
        """The count belongs to a connection. A file that is held open keeps its number from every other file."""
        if self._opened is None or self._opened[0] != inode:
            if self._opened is not None:
                self._opened[1].close()
                self._opened = None
            self._opened = inode, schema.connect_readonly(self._path)
            self._files += 1
        return self._opened[1]

"""Opens the snapshot store for writing: one transaction a cycle, and failures of cycles."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from slurm_rest_api.errors import StoreError
from slurm_rest_api.slurmapi.store import host_run, schema
from slurm_rest_api.slurmapi.store.index_columns import KINDS, Kind
from slurm_rest_api.slurmapi.store.record_writer import StoreCycle, WrittenRows, read_written_rows

logger = logging.getLogger(__name__)


class FileState(NamedTuple):
    """Shows if another program replaced or changed a file. An inode of -1 is a missing file."""

    inode: int = -1
    size: int = 0
    modified_ns: int = 0


class StoreWriter:
    """The only writer of the snapshot store at `path`.

    It keeps a hash of each row, so that a cycle writes only the rows that changed.
    Its files may be deleted or damaged at any time: the next `cycle()` recreates them. `run` names this host since its
    boot. A file of another run keeps its records and gets a new generation, because versions may have forked.
    """

    def __init__(self, path: Path, run: str | None = None) -> None:
        self._path = path
        self._run = host_run.host_run() if run is None else run
        self._connection: sqlite3.Connection | None = None
        self._files: tuple[FileState, ...] = ()
        self._written: Mapping[Kind, WrittenRows] | None = None

    @contextmanager
    def cycle(self) -> Iterator[StoreCycle]:
        """Opens one transaction. It commits at the end of the `with` block, and rolls back on any error.

        Raises:
            StoreError: the file cannot be written (full disk, missing permission).
        """
        try:
            connection = self._open(recreate=True)
            connection.execute("BEGIN IMMEDIATE")
            written = self._written or {kind: read_written_rows(connection, kind) for kind in KINDS}
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise StoreError(f"The snapshot store {self._path} cannot be opened for writing: {error}") from error
        try:
            version = int(connection.execute("SELECT version FROM status").fetchone()[0]) + 1
            cycle = StoreCycle(connection, version, written, continues=self._written is not None)
            yield cycle
            connection.execute("COMMIT")
            self._files = _files(self._path)
            self._written = {**written, **cycle.written}
        except sqlite3.Error as error:
            self.close()
            raise StoreError(f"The snapshot store {self._path} cannot be written: {error}") from error
        except BaseException:
            # Closing rolls back, and drops the hashes of rows that were never committed.
            self.close()
            raise

    def record_failure(self, error: str, at: float) -> None:
        """Stores that a cycle failed at epoch second `at`. The data stays as it was.

        Raises:
            StoreError: the file cannot be written.
        """
        try:
            connection = self._open(recreate=False)
            connection.execute(
                "UPDATE status SET error = ?, failures = failures + 1, failing_since = coalesce(failing_since, ?)",
                # SQLite holds valid Unicode only, and the error may quote a program.
                (error.encode("utf-8", "replace").decode(), at),
            )
            self._files = _files(self._path)
        except (sqlite3.Error, OSError) as cause:
            self.close()
            raise StoreError(f"The snapshot store {self._path} cannot be written: {cause}") from cause

    def close(self) -> None:
        """Closes the file and drops all hashes. The next use opens it again."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._written = None

    def _open(self, *, recreate: bool) -> sqlite3.Connection:
        """Returns the open connection, or a new one if a file at the path is another one by now, or was changed.

        With `recreate`, a store that lost its WAL, or that another program changed, is created again: it may have a
        part of a cycle. SQLite itself would write on, and readers would fail at the pages that are lost.
        """
        files = _files(self._path)
        if self._connection is not None and self._files == files:
            return self._connection
        is_damaged = self._connection is not None and self._files[0].inode == files[0].inode
        self.close()
        self._connection = self._create() if is_damaged and recreate else self._open_or_create()
        # A first read makes SQLite create the WAL and its index.
        self._connection.execute("SELECT version FROM status").fetchone()
        self._files = _files(self._path)
        return self._connection

    def _open_or_create(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._path.exists():
            connection = schema.connect_writable_or_none(self._path)
            if connection is not None:
                self._renew_generation(connection)
                return connection
            logger.warning("Snapshot store %s is corrupt or has another layout. Recreating it.", self._path)
        return self._create()

    def _create(self) -> sqlite3.Connection:
        return schema.create(self._path, host_run.new_generation(self._run))

    def _renew_generation(self, connection: sqlite3.Connection) -> None:
        (generation,) = connection.execute("SELECT generation FROM status").fetchone()
        if not host_run.is_of_run(generation, self._run):
            connection.execute("UPDATE status SET generation = ?", (host_run.new_generation(self._run),))


def _files(path: Path) -> tuple[FileState, ...]:
    """Returns the states of the store's file, its WAL and the WAL's index. Readers change the index only."""
    wal, index = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    return _state(path), _state(wal), FileState(_state(index).inode)


def _state(path: Path) -> FileState:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return FileState()
    return FileState(found.st_ino, found.st_size, found.st_mtime_ns)

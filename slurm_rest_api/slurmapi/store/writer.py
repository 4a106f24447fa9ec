"""Opens the snapshot store for writing: one transaction a cycle, and failures of cycles."""

from __future__ import annotations

import errno
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
from slurm_rest_api.slurmapi.store.record_writer import KnownRows, StoreCycle, read_written_rows

logger = logging.getLogger(__name__)


class FileState(NamedTuple):
    """Shows if another program replaced or changed a file. An inode of -1 is a missing file."""

    inode: int = -1
    size: int = 0
    modified_ns: int = 0

    @property
    def exists(self) -> bool:
        """True if the file is there."""
        return self.inode != -1


class StoreWriter:
    """The only writer of the snapshot store at `path`.

    It keeps a hash of each row, so that a cycle writes only the rows that changed.
    Its files may be deleted or damaged at any time: the next `cycle()` recreates them. It fills a new file next to the
    old one, which readers use until the new one has everything. `run` names this host since its boot. A file of another
    run keeps its records and gets a new generation, because versions may have forked.
    """

    def __init__(self, path: Path, run: str | None = None) -> None:
        self._path = path
        self._run = host_run.host_run() if run is None else run
        self._connection: sqlite3.Connection | None = None
        self._files: tuple[FileState, ...] = ()
        self._written: Mapping[Kind, KnownRows] | None = None
        self._is_damaged = False
        self._is_new = False
        self._has_room_for_two = True

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
            self._close_after_failure()
            raise StoreError(_failure(self._path, "opened for writing", error)) from error
        try:
            version = int(connection.execute("SELECT version FROM status").fetchone()[0]) + 1
            cycle = StoreCycle(connection, version, written, continues=self._written is not None)
            yield cycle
            connection.execute("COMMIT")
            if self._is_new:
                self._replace_file()
            self._files = _files(self._path)
            self._written = {**written, **cycle.written}
            self._is_damaged, self._has_room_for_two = False, True
        except sqlite3.Error as error:
            self._close_after_failure()
            raise StoreError(_failure(self._path, "written", error)) from error
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
            raise StoreError(_failure(self._path, "written", cause)) from cause

    def close(self) -> None:
        """Closes the file and drops all hashes. The next use opens it again."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._written = None
        if self._is_new:
            self._is_new = False
            try:
                schema.delete(self._new_path)
            except OSError as error:
                logger.warning("%s cannot be deleted: %s.", self._new_path, error.strerror)

    def _close_after_failure(self) -> None:
        # There may be no room for two files. The next cycle then deletes the old one first.
        self._has_room_for_two = not self._is_new
        self.close()

    @property
    def _new_path(self) -> Path:
        return self._path.with_name(f"{self._path.name}.new")

    def _open(self, *, recreate: bool) -> sqlite3.Connection:
        """Returns the open connection, or a new one if a file at the path is another one by now, or was changed.

        With `recreate`, a store that lost its WAL, or that another program changed, is created again: it may have a
        part of a cycle. SQLite itself would write on, and readers would fail at the pages that are lost. The connection
        is then to a file with another name.
        """
        files = _files(self._path)
        # An open store has three files. One may have been deleted during the last cycle, before `_files` was read.
        if self._connection is not None and self._files == files and all(file.exists for file in files):
            return self._connection
        is_in_use = self._connection is not None and not self._is_new
        if is_in_use and files[0].exists and files[0].inode == self._files[0].inode:
            logger.warning("Another program has changed snapshot store %s. Recreating it.", self._path)
            # Until a cycle succeeds: the file alone may be of an earlier version.
            self._is_damaged = True
        self.close()
        if self._is_damaged and recreate and files[0].exists:
            self._connection = self._create(aside=True)
        else:
            self._connection = self._open_or_create(aside=recreate)
        # A first read makes SQLite create the WAL and its index.
        self._connection.execute("SELECT version FROM status").fetchone()
        self._files = _files(self._path)
        return self._connection

    def _open_or_create(self, *, aside: bool) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Without a file, readers report that the first load is running as soon as there is an empty one.
        exists = self._path.exists()
        if exists:
            connection = schema.connect_writable_or_none(self._path)
            if connection is not None:
                self._renew_generation(connection)
                return connection
            logger.warning("Snapshot store %s is corrupt or has another layout. Recreating it.", self._path)
        return self._create(aside=aside and exists)

    def _create(self, *, aside: bool) -> sqlite3.Connection:
        """Creates an empty store. With `aside` it gets another name until `_replace_file()`."""
        self._is_new = aside and self._has_room_for_two
        path = self._new_path if self._is_new else self._path
        return schema.create(path, host_run.new_generation(self._run))

    def _replace_file(self) -> None:
        """Gives the new file the name of the old one. Readers notice it by the inode."""
        assert self._connection is not None
        # Moves the WAL into the file. Closing the connection would do that, too, but would not report a failure.
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()
        self._connection = None
        try:
            schema.replace(self._new_path, self._path)
        except OSError as error:
            raise StoreError(f"The snapshot store {self._path} cannot be replaced: {error}") from error
        self._is_new = False
        self._connection = schema.connect_writable(self._path)
        self._connection.execute("SELECT version FROM status").fetchone()

    def _renew_generation(self, connection: sqlite3.Connection) -> None:
        (generation,) = connection.execute("SELECT generation FROM status").fetchone()
        if not host_run.is_of_run(generation, self._run):
            connection.execute("UPDATE status SET generation = ?", (host_run.new_generation(self._run),))


def _failure(path: Path, action: str, error: sqlite3.Error | OSError) -> str:
    text = f"The snapshot store {path} cannot be {action}: {error}"
    is_full = getattr(error, "sqlite_errorname", None) == "SQLITE_FULL" or getattr(error, "errno", None) == errno.ENOSPC
    return f"{text}. Free space on its disk, or set `system.runtime_dir`." if is_full else text


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

"""Reads the snapshot store: everything inside one `view()` belongs to the same moment."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from slurm_rest_api.errors import StoreError
from slurm_rest_api.slurmapi.store import schema
from slurm_rest_api.slurmapi.store.index_columns import Kind
from slurm_rest_api.slurmapi.store.queries import RecordQueries

_BATCH: Final = 200


@dataclass(frozen=True)
class Status:
    """The collector's last word. Times are epoch seconds; None is "never" or "nothing".

    `run` names one life of the store file: versions of different runs cannot be compared.
    """

    run: str
    version: int
    source: str | None
    loaded_at: float | None
    interval_seconds: float | None
    cycle_seconds: float | None
    cycles: int
    rpcs: int
    failures: int
    failing_since: float | None
    error: str | None


@dataclass(frozen=True)
class Collection:
    """When something last changed (`version`, `changed_at` in epoch seconds), and how many records it has.

    Every key that went after version `tombstones_complete_from` is remembered.
    """

    version: int
    changed_at: float
    total: int
    tombstones_complete_from: int


class StoreView(RecordQueries):
    """Reads one version of the store. It is valid only inside `StoreReader.view()`."""

    def status(self) -> Status:
        """The status row."""
        columns = ", ".join(field.name for field in fields(Status))
        return Status(*self._connection.execute(f"SELECT {columns} FROM status").fetchone())

    def collection(self, name: str) -> Collection | None:
        """What is known of `name`; None when it was never loaded."""
        query = "SELECT version, changed_at, total, complete_from FROM collection WHERE name = ?"
        row = self._connection.execute(query, (name,)).fetchone()
        return None if row is None else Collection(*row)

    def batches(self, kind: Kind) -> Iterator[list[tuple[int | str, bytes]]]:
        """Key and rendered JSON of each record of `kind`, in the order of the keys, a batch at a time."""
        rows = self._connection.execute(f"SELECT key, body FROM {kind} ORDER BY key")
        while batch := rows.fetchmany(_BATCH):
            yield batch

    def document(self, name: str) -> bytes:
        """The rendered JSON of the document `name`, which `collection(name)` has shown to exist."""
        body: bytes = self._connection.execute("SELECT body FROM document WHERE name = ?", (name,)).fetchone()[0]
        return body


class StoreReader:
    """Reads the store at `path`, from any thread, and notices when the file was deleted or made anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[tuple[int, sqlite3.Connection]] = []

    @contextmanager
    def view(self) -> Iterator[StoreView | None]:
        """A consistent view, or None when there is no store yet.

        Raises:
            StoreError: the file is there but cannot be read.
        """
        try:
            inode = self._path.stat().st_ino
        except FileNotFoundError:
            yield None
            return
        try:
            connection = self._take(inode)
            connection.execute("BEGIN")
            # A transaction sees the moment of its first read, so read now.
            filled = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'document'").fetchone()
        except sqlite3.Error as error:
            raise StoreError(f"The snapshot store cannot be read: {error}") from error
        try:
            yield StoreView(connection) if filled else None
        except sqlite3.Error as error:
            connection.close()
            raise StoreError(f"The snapshot store cannot be read: {error}") from error
        except BaseException:
            connection.close()
            raise
        connection.execute("ROLLBACK")
        with self._lock:
            self._idle.append((inode, connection))

    def _take(self, inode: int) -> sqlite3.Connection:
        with self._lock:
            while self._idle:
                opened, connection = self._idle.pop()
                if opened == inode:
                    return connection
                connection.close()
        return schema.connect_readonly(self._path)

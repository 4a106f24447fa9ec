"""Writes the snapshot store: one transaction a cycle, only rows whose bytes changed."""

from __future__ import annotations

import logging
import os
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slurm_rest_api.errors import StoreError
from slurm_rest_api.slurmapi.store import schema
from slurm_rest_api.slurmapi.store.index_columns import KINDS, Kind
from slurm_rest_api.slurmapi.store.record_writer import Known, Row, forget_old, known_of, replace_records

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """What a finished cycle says about itself; times are epoch seconds."""

    source: str
    loaded_at: float
    interval_seconds: float
    cycle_seconds: float
    rpcs: int


class StoreWriter:
    """The only writer of the snapshot store at `path`.

    It remembers a hash of each row that it wrote, so that a cycle in which little changed writes little.
    The file may be deleted or damaged at any time: the next `cycle()` makes it anew.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._inode = -1
        self._known: Mapping[Kind, Known] | None = None

    @contextmanager
    def cycle(self) -> Iterator[StoreCycle]:
        """One transaction; it is committed at the end of the `with` block, or not at all.

        Raises:
            StoreError: the file cannot be written (full disk, missing right).
        """
        try:
            connection = self._ready()
            connection.execute("BEGIN IMMEDIATE")
            known = self._known or {kind: known_of(connection, kind) for kind in KINDS}
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise StoreError(f"The snapshot store {self._path} cannot be opened for writing: {error}") from error
        try:
            version = int(connection.execute("SELECT version FROM status").fetchone()[0]) + 1
            cycle = StoreCycle(connection, version, known, continues=self._known is not None)
            yield cycle
            connection.execute("COMMIT")
            self._known = {**known, **cycle.known}
        except sqlite3.Error as error:
            self.close()
            raise StoreError(f"The snapshot store {self._path} cannot be written: {error}") from error
        except BaseException:
            # Closing rolls back, and forgets what was remembered of rows that were never committed.
            self.close()
            raise

    def record_failure(self, error: str, at: float) -> None:
        """Publish that a cycle failed at epoch second `at`; the data itself stays as it was.

        Raises:
            StoreError: the file cannot be written.
        """
        try:
            self._ready().execute(
                "UPDATE status SET error = ?, failures = failures + 1, failing_since = coalesce(failing_since, ?)",
                (error, at),
            )
        except (sqlite3.Error, OSError) as cause:
            self.close()
            raise StoreError(f"The snapshot store {self._path} cannot be written: {cause}") from cause

    def close(self) -> None:
        """Let go of the file and of everything remembered about it; the next use opens it again."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._known = None

    def _ready(self) -> sqlite3.Connection:
        if self._connection is not None and self._inode == _inode(self._path):
            return self._connection
        self.close()
        self._connection = self._open()
        self._inode = _inode(self._path)
        return self._connection

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._path.exists():
            connection = schema.connect_writable_or_none(self._path)
            if connection is not None:
                return connection
            logger.warning("The snapshot store %s is damaged or of another layout; it is made anew.", self._path)
        return schema.create(self._path, uuid.uuid4().hex)


class StoreCycle:
    """The inside of one `StoreWriter.cycle()`; `known` is what is remembered of the records as they will be.

    `continues` tells that the store is as the last cycle of this very writer left it: no cycle failed since, and nobody
    deleted the file. Only then rows may come without a body.
    """

    def __init__(
        self, connection: sqlite3.Connection, version: int, before: Mapping[Kind, Known], *, continues: bool
    ) -> None:
        self.continues = continues
        self.known: dict[Kind, Known] = {}
        self._connection = connection
        self._version = version
        self._before = before

    def replace_records(self, kind: Kind, rows: Iterable[Row], loaded_at: float) -> int:
        """Make the table `kind` hold exactly `rows` (walked once); returns how many there are.

        Raises:
            StoreError: a row without a body is not in the store.
        """
        before = self._before[kind]
        after = replace_records(self._connection, kind, rows, before, self._version)
        self.known[kind] = after
        self._touch(kind, len(after.bodies), loaded_at, changed=before.bodies != after.bodies)
        if (tombstones_complete_from := forget_old(self._connection, kind)) is not None:
            self._connection.execute(
                "UPDATE collection SET complete_from = ? WHERE name = ?", (tombstones_complete_from, kind)
            )
        return len(after.bodies)

    def replace_document(self, name: str, body: bytes, total: int, loaded_at: float) -> None:
        """Store one rendered document; `total` is what its answer says in `meta.total`."""
        row = self._connection.execute("SELECT body = ? FROM document WHERE name = ?", (body, name)).fetchone()
        changed = row is None or not row[0]
        if changed:
            self._connection.execute("INSERT OR REPLACE INTO document (name, body) VALUES (?, ?)", (name, body))
        self._touch(name, total, loaded_at, changed=changed)

    def finish(self, loaded: Loaded) -> None:
        """Write the status row: this cycle succeeded."""
        self._connection.execute(
            "UPDATE status SET version = ?, source = ?, loaded_at = ?, interval_seconds = ?, cycle_seconds = ?,"
            " cycles = cycles + 1, rpcs = rpcs + ?, failures = 0, failing_since = NULL, error = NULL",
            (
                self._version,
                loaded.source,
                loaded.loaded_at,
                loaded.interval_seconds,
                loaded.cycle_seconds,
                loaded.rpcs,
            ),
        )

    def _touch(self, name: str, total: int, loaded_at: float, *, changed: bool) -> None:
        known = self._connection.execute("SELECT 1 FROM collection WHERE name = ?", (name,)).fetchone()
        if changed or known is None:
            self._connection.execute(
                "INSERT INTO collection (name, version, changed_at, total) VALUES (?, ?, ?, ?) ON CONFLICT (name)"
                " DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at, total = excluded.total",
                (name, self._version, loaded_at, total),
            )


def _inode(path: Path) -> int:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return -1

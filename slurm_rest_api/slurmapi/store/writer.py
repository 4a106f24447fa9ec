"""Writes the snapshot store: one transaction a cycle, only rows whose bytes changed."""

from __future__ import annotations

import logging
import os
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slurm_rest_api.errors import StoreError
from slurm_rest_api.slurmapi.store import schema
from slurm_rest_api.slurmapi.store.schema import Kind

logger = logging.getLogger(__name__)

Row = tuple[int | str, bytes | None]
"""A record's key and its rendered JSON, or None for one that is as the cycle before left it."""


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
        self._hashes: dict[str, dict[int | str, int]] | None = None

    @contextmanager
    def cycle(self) -> Iterator[StoreCycle]:
        """One transaction; it is committed at the end of the `with` block, or not at all.

        Raises:
            StoreError: the file cannot be written (full disk, missing right).
        """
        try:
            connection = self._ready()
            connection.execute("BEGIN IMMEDIATE")
            hashes = self._hashes or {kind: _hashes_of(connection, kind) for kind in schema.KINDS}
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise StoreError(f"The snapshot store {self._path} cannot be opened for writing: {error}") from error
        try:
            version = int(connection.execute("SELECT version FROM status").fetchone()[0]) + 1
            cycle = StoreCycle(connection, version, hashes, continues=self._hashes is not None)
            yield cycle
            connection.execute("COMMIT")
            self._hashes = hashes | cycle.hashes
        except sqlite3.Error as error:
            self.close()
            raise StoreError(f"The snapshot store {self._path} cannot be written: {error}") from error
        except BaseException:
            # Closing rolls back, and forgets hashes of rows that were never committed.
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
        self._hashes = None

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
    """The inside of one `StoreWriter.cycle()`; `hashes` are those of the rows as they will be.

    `continues` tells that the store is as the last cycle of this very writer left it: no cycle failed since, and nobody
    deleted the file. Only then rows may come without a body.
    """

    def __init__(
        self, connection: sqlite3.Connection, version: int, known: dict[str, dict[int | str, int]], *, continues: bool
    ) -> None:
        self.continues = continues
        self._connection = connection
        self._version = version
        self._known = known
        self.hashes: dict[str, dict[int | str, int]] = {}

    def replace_records(self, kind: Kind, rows: Iterable[Row], loaded_at: float) -> int:
        """Make the table `kind` hold exactly `rows` (walked once); returns how many there are.

        Raises:
            StoreError: a row without a body is not in the store.
        """
        before = self._known.get(kind, {})
        after: dict[int | str, int] = {}
        self._connection.executemany(
            f"INSERT INTO {kind} (key, body, version) VALUES (?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET body = excluded.body, version = excluded.version",
            self._changed(rows, before, after),
        )
        gone = [(key,) for key in before if key not in after]
        self._connection.executemany(f"DELETE FROM {kind} WHERE key = ?", gone)
        self.hashes[kind] = after
        self._touch(kind, len(after), loaded_at, changed=before != after)
        return len(after)

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

    def _changed(
        self, rows: Iterable[Row], before: dict[int | str, int], after: dict[int | str, int]
    ) -> Iterator[tuple[int | str, bytes, int]]:
        for key, body in rows:
            if body is None:
                after[key] = _stored(before, key)
                continue
            after[key] = digest = hash(body)
            if before.get(key) != digest:
                yield key, body, self._version

    def _touch(self, name: str, total: int, loaded_at: float, *, changed: bool) -> None:
        known = self._connection.execute("SELECT 1 FROM collection WHERE name = ?", (name,)).fetchone()
        if changed or known is None:
            self._connection.execute(
                "INSERT OR REPLACE INTO collection (name, version, changed_at, total) VALUES (?, ?, ?, ?)",
                (name, self._version, loaded_at, total),
            )


def _hashes_of(connection: sqlite3.Connection, kind: Kind) -> dict[int | str, int]:
    return {key: hash(body) for key, body in connection.execute(f"SELECT key, body FROM {kind}")}


def _stored(before: dict[int | str, int], key: int | str) -> int:
    try:
        return before[key]
    except KeyError as error:
        raise StoreError(
            f"{key!r} was to stay as it is stored, and is not; the next cycle stores everything."
        ) from error


def _inode(path: Path) -> int:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return -1

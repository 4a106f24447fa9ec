"""Reads the snapshot store. One `view()` is one version of all its data."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, NamedTuple

from slurm_rest_api.errors import StoreError
from slurm_rest_api.slurmapi.store import schema
from slurm_rest_api.slurmapi.store.group_sums import GroupSums
from slurm_rest_api.slurmapi.store.held_jobs import HeldJobs
from slurm_rest_api.slurmapi.store.index_columns import Kind
from slurm_rest_api.slurmapi.store.priority_factors import PriorityFactorQueries
from slurm_rest_api.slurmapi.store.queries import RecordQueries
from slurm_rest_api.slurmapi.store.rank_queries import RankQueries
from slurm_rest_api.slurmapi.store.statements import StatementLimit, Statements

STATEMENT_SECONDS: Final = 10.0
"""The default time limit of a statement."""


@dataclass(frozen=True)
class Status:
    """State of the collector after its last cycle. Times are epoch seconds. None means "never" or "nothing".

    `generation` identifies the store file: versions are comparable only within a generation. `source_parts` is a JSON
    list of the parts of the state with their origins, `optional_kinds` a JSON object of `OptionalKind` by kind.
    """

    generation: str
    version: int
    source: str | None
    source_detail: str | None
    loaded_at: float | None
    interval_seconds: float | None
    cycle_seconds: float | None
    cycles: int
    rpcs: int
    failures: int
    failing_since: float | None
    error: str | None
    source_parts: str = "[]"
    replaced_texts: int = 0
    optional_kinds: str = "{}"


@dataclass(frozen=True)
class Collection:
    """Last change of one kind or document (`version`, `changed_at` in epoch seconds), and its number of records.

    Tombstones are kept of all records that were removed after version `tombstones_complete_from`.
    """

    version: int
    changed_at: float
    total: int
    tombstones_complete_from: int


class StoreView(RecordQueries, GroupSums, RankQueries, PriorityFactorQueries, HeldJobs):
    """Reads one version of the store. It is valid only inside `StoreReader.view()`."""

    def status(self) -> Status:
        """Reads the status row."""
        columns = ", ".join(field.name for field in fields(Status))
        return Status(*self._statements.execute(f"SELECT {columns} FROM status").one())

    def collection(self, name: str) -> Collection | None:
        """Reads version and size of a kind or document, or None if it was never loaded."""
        query = "SELECT version, changed_at, total, tombstones_complete_from FROM collection WHERE name = ?"
        row = self._statements.execute(query, (name,)).one()
        return None if row is None else Collection(*row)

    def batches(self, kind: Kind) -> Iterator[list[tuple[int | str, bytes]]]:
        """Reads key and rendered JSON of all records of `kind` in batches, sorted by key."""
        yield from self._statements.execute(f"SELECT key, body FROM {kind} ORDER BY key").batches()

    def document(self, name: str) -> bytes:
        """Reads the rendered JSON of the document `name`. Check with `collection(name)` that it exists."""
        body: bytes = self._statements.execute("SELECT body FROM document WHERE name = ?", (name,)).one()[0]
        return body


class StoreReader:
    """Reads the store at `path` from any thread, also after the file was deleted or recreated.

    A statement that takes longer than `statement_seconds` is interrupted.
    """

    def __init__(self, path: Path, statement_seconds: float = STATEMENT_SECONDS) -> None:
        self._path = path
        self._statement_seconds = statement_seconds
        self._lock = threading.Lock()
        self._idle: list[tuple[int, _Opened]] = []

    @contextmanager
    def view(self, has_client_gone: Callable[[], bool] | None = None) -> Iterator[StoreView | None]:
        """Opens a consistent view, or None if there is no store of this layout yet.

        Statements also end once `has_client_gone` returns True, and at the end of the view.

        Raises:
            StoreError: the file exists but cannot be read.
            StoreTooSlow: a statement exceeds its time limit.
            ClientDisconnected: the client has gone.
        """
        try:
            inode = self._path.stat().st_ino
        except FileNotFoundError:
            yield None
            return
        try:
            opened = self._take(inode)
            connection, limit = opened
            limit.has_client_gone = has_client_gone or _is_there
            statements = Statements(connection, limit)
            connection.execute("BEGIN")
            # The first read fixes the version that the transaction sees. The collector recreates other layouts.
            usable = schema.has_current_layout(connection)
        except sqlite3.Error as error:
            raise StoreError(f"The snapshot store cannot be read: {error}") from error
        try:
            yield StoreView(statements) if usable else None
        except sqlite3.Error as error:
            connection.close()
            raise StoreError(f"The snapshot store cannot be read: {error}") from error
        except BaseException:
            connection.close()
            raise
        # A statement that is still open would keep its version, and the WAL could not be emptied.
        statements.close()
        connection.execute("ROLLBACK")
        with self._lock:
            self._idle.append((inode, opened))

    def _take(self, inode: int) -> _Opened:
        with self._lock:
            while self._idle:
                opened_inode, opened = self._idle.pop()
                if opened_inode == inode:
                    return opened
                opened.connection.close()
        limit = StatementLimit(self._statement_seconds)
        return _Opened(schema.connect_readonly(self._path, limit), limit)


class _Opened(NamedTuple):
    connection: sqlite3.Connection
    limit: StatementLimit


def _is_there() -> bool:
    return False

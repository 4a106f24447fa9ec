"""Writes one cycle into the store: replaces records and documents, and keeps tombstones of removed records."""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from slurm_rest_api.errors import StoreError
from slurm_rest_api.slurmapi.shared.compact_integers import CompactIntegers
from slurm_rest_api.slurmapi.store.index_columns import CLOCK_COLUMNS, COLUMNS, OWNERS, IndexRow, Kind, Value
from slurm_rest_api.slurmapi.store.priority_factors import PRIORITY_FACTORS
from slurm_rest_api.slurmapi.store.rank_totals import write_totals
from slurm_rest_api.slurmapi.store.schema import create_indexes
from slurm_rest_api.slurmapi.store.word_tables import Key, remove_words, replace_words

MAX_TOMBSTONES: Final = 50_000
"""Tombstones kept for each kind. `since=` with a version older than the oldest tombstone gets a full response."""

_BATCH: Final = 500

# `rank_order` is null for a job without a rank, which does not depend on its priority.
_SET_PRIORITY: Final = (
    "UPDATE queue_index SET changed = ?, priority = ?, rank_order = CASE WHEN rank_order IS NOT NULL THEN ? END"
    " WHERE key = ?"
)


class Row(NamedTuple):
    """One record to be stored.

    `body` is its rendered JSON. None keeps the stored record as it is, and the other fields are ignored. With `renewed`
    the stored record gets the body that it returns for the stored one, in which only clock fields differ, or the
    priority of a job if `priority` has it.
    `index_row` returns the values of its columns. It is called only where they may have changed.
    `stable_body` is the JSON without the clock fields. None means that every byte counts as a change.
    `clock_values` are the values of `CLOCK_COLUMNS`, which are written even if only the clock fields changed.
    """

    key: Key
    body: bytes | None
    index_row: Callable[[], IndexRow] = tuple
    stable_body: bytes | None = None
    clock_values: IndexRow = ()
    renewed: Callable[[bytes], bytes] | None = None
    priority: int | None = None


@dataclass
class WrittenRows:
    """Hashes of the stored records of one kind by key, used to write only what changed."""

    body_hashes: dict[Key, int] = field(default_factory=dict)
    stable_hashes: dict[Key, int] = field(default_factory=dict)

    def compact(self, kind: Kind) -> KnownRows:
        """Returns the hashes in less memory, if the keys of `kind` are integers."""
        hashes: Mapping[Any, int] = self.body_hashes
        return KnownRows(CompactIntegers(hashes) if kind == "queue" else hashes, self.stable_hashes)


class KnownRows(NamedTuple):
    """Hashes of the records of one kind that the last cycle has stored. They cannot be changed."""

    body_hashes: Mapping[Any, int] = {}
    stable_hashes: Mapping[Any, int] = {}


@dataclass(frozen=True)
class Loaded:
    """Facts about a finished cycle, for the status row. Times are epoch seconds.

    `source_parts` is a JSON list of the origins of the parts.
    `optional_kinds` is a JSON object: how each optional kind was read.
    `replaced_texts` is the number of records in which text was replaced because it was no valid Unicode.
    """

    source: str
    source_detail: str
    loaded_at: float
    interval_seconds: float
    cycle_seconds: float
    rpcs: int
    source_parts: str = "[]"
    replaced_texts: int = 0
    optional_kinds: str = "{}"


class StoreCycle:
    """The transaction of one `StoreWriter.cycle()`. `written` has the hashes of the records after it.

    `continues` is True if the store is as the last cycle of this writer left it: no cycle failed, and the file was not
    deleted. Only then rows may come without a body.
    """

    def __init__(
        self, connection: sqlite3.Connection, version: int, before: Mapping[Kind, KnownRows], *, continues: bool
    ) -> None:
        self.continues = continues
        self.written: dict[Kind, KnownRows] = {}
        self._connection = connection
        self._version = version
        self._before = before
        self._has_changed_jobs = False

    def replace_records(self, kind: Kind, rows: Iterable[Row], loaded_at: float) -> int:
        """Makes the tables of `kind` hold exactly `rows`, which are read once. Returns their number.

        Only changed rows are written.

        Raises:
            StoreError: a row without a body is not in the store.
        """
        before, after = self._before[kind], WrittenRows()
        changed = _changed_rows(self._renewed(kind, rows), before, after)
        has_changed = False
        while batch := list(itertools.islice(changed, _BATCH)):
            self._write(kind, batch, before, after)
            has_changed = True
        if not before.body_hashes:
            create_indexes(self._connection, kind)
        removed = [key for key in before.body_hashes if key not in after.body_hashes]
        self._remove(kind, removed)
        self.written[kind] = after.compact(kind)
        total = len(after.body_hashes)
        self._update_collection(kind, total, loaded_at, changed=has_changed or bool(removed))
        complete_from = prune_tombstones(self._connection, kind)
        if complete_from is not None:
            update = "UPDATE collection SET tombstones_complete_from = ? WHERE name = ?"
            self._connection.execute(update, (complete_from, kind))
        return total

    def drop_records(self, kind: Kind, loaded_at: float) -> None:
        """Removes all records of `kind`, so that it is as if they were never loaded."""
        if self._connection.execute("SELECT 1 FROM collection WHERE name = ?", (kind,)).fetchone() is not None:
            self.replace_records(kind, (), loaded_at)
            self._connection.execute("DELETE FROM collection WHERE name = ?", (kind,))

    def replace_document(self, name: str, body: bytes, total: int, loaded_at: float) -> None:
        """Stores one rendered document. `total` becomes `meta.total` of its response."""
        row = self._connection.execute("SELECT body = ? FROM document WHERE name = ?", (body, name)).fetchone()
        changed = row is None or not row[0]
        if changed:
            self._connection.execute("INSERT OR REPLACE INTO document (name, body) VALUES (?, ?)", (name, body))
        self._update_collection(name, total, loaded_at, changed=changed)

    def store_limit_use(self, bodies: Mapping[str, bytes | None], *, is_complete: bool) -> None:
        """Stores the use of limits of the owners in `bodies`, see `held_jobs`. An owner with None is removed.

        Args:
            is_complete: The bodies are those of all owners, and all other rows are removed.
        """
        if is_complete:
            self._connection.execute("DELETE FROM limit_use")
        removed = ((owner,) for owner, body in bodies.items() if body is None)
        self._connection.executemany("DELETE FROM limit_use WHERE owner = ?", removed)
        stored = ((owner, body) for owner, body in bodies.items() if body is not None)
        self._connection.executemany("INSERT OR REPLACE INTO limit_use (owner, body) VALUES (?, ?)", stored)

    def replace_rank_totals(self) -> None:
        """Stores the sums with which ranks are computed, if a job changed in this cycle."""
        if self._has_changed_jobs:
            write_totals(self._connection)

    def replace_priority_factors(
        self, reading: bytes, rows: Callable[[], Iterable[tuple[int, bytes]]], at: float
    ) -> None:
        """Stores the sets of factors of each job, rendered, if `reading` is another one than the stored one.

        `reading` is the rendered document of the reading, see `priority_factors`. `rows` is called only then.
        """
        if self.document(PRIORITY_FACTORS) == reading:
            return
        self._connection.execute("DELETE FROM priority_factors")
        insert = "INSERT OR REPLACE INTO priority_factors (job_id, body) VALUES (?, ?)"
        total = self._connection.executemany(insert, rows()).rowcount
        self.replace_document(PRIORITY_FACTORS, reading, max(total, 0), at)

    def drop_priority_factors(self) -> None:
        """Removes all priority factors, so that it is as if they were never read."""
        if self.document(PRIORITY_FACTORS) is None:
            return
        self._connection.execute("DELETE FROM priority_factors")
        for table in ("document", "collection"):
            self._connection.execute(f"DELETE FROM {table} WHERE name = ?", (PRIORITY_FACTORS,))

    def document(self, name: str) -> bytes | None:
        """Returns the stored document `name`, None if there is none yet."""
        row = self._connection.execute("SELECT body FROM document WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def stored_values(self, kind: Kind, column: str) -> dict[Key, Value]:
        """Returns the values of one column of the stored records of `kind` by their keys."""
        return dict(self._connection.execute(f"SELECT key, {column} FROM {kind}_index").fetchall())

    def finish(self, loaded: Loaded) -> None:
        """Writes the status row: this cycle succeeded."""
        self._connection.execute(
            "UPDATE status SET version = ?, source = ?, source_detail = ?, source_parts = ?, loaded_at = ?,"
            " interval_seconds = ?, cycle_seconds = ?, cycles = cycles + 1, rpcs = rpcs + ?, replaced_texts = ?,"
            " optional_kinds = ?,"
            " failures = 0, failing_since = NULL, error = NULL",
            (
                self._version,
                loaded.source,
                loaded.source_detail,
                loaded.source_parts,
                loaded.loaded_at,
                loaded.interval_seconds,
                loaded.cycle_seconds,
                loaded.rpcs,
                loaded.replaced_texts,
                loaded.optional_kinds,
            ),
        )

    def _renewed(self, kind: Kind, rows: Iterable[Row]) -> Iterator[Row]:
        """Returns the rows, with a body where it is made from the stored one."""
        query = f"SELECT body FROM {kind} WHERE key = ?"
        for row in rows:
            if (
                row.renewed is not None
                and (stored := self._connection.execute(query, (row.key,)).fetchone()) is not None
            ):
                yield row._replace(body=row.renewed(stored[0]))
            else:
                yield row

    def _write(self, kind: Kind, batch: list[tuple[Row, bool]], before: KnownRows, after: WrittenRows) -> None:
        """Writes the body of each row, and the index row where more than the clock fields and the priority changed."""
        version = self._version
        index_rows = [(row.key, row.index_row()) for row, index_changed in batch if index_changed]
        self._has_changed_jobs |= kind == "queue" and bool(index_rows)
        replaced = [(key, values) for key, values in index_rows if key in before.body_hashes]
        self._insert_tombstones_for_former_owners(kind, replaced)
        replace_words(self._connection, kind, index_rows, [key for key, _ in replaced])
        self._connection.executemany(
            f"INSERT INTO {kind} (key, body, version) VALUES (?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET body = excluded.body, version = excluded.version",
            ((row.key, row.body, version) for row, _ in batch),
        )
        columns = ("key", "changed", "stable_hash", *COLUMNS[kind])
        self._connection.executemany(
            f"INSERT OR REPLACE INTO {kind}_index ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            ((key, version, after.stable_hashes.get(key), *values) for key, values in index_rows),
        )
        priorities = [(version, row.priority, -row.priority, row.key) for row, _ in batch if row.priority is not None]
        self._has_changed_jobs |= bool(priorities)
        self._connection.executemany(_SET_PRIORITY, priorities)
        if clock_columns := CLOCK_COLUMNS[kind]:
            self._connection.executemany(
                f"UPDATE {kind}_index SET {', '.join(f'{column} = ?' for column in clock_columns)} WHERE key = ?",
                (
                    (*row.clock_values, row.key)
                    for row, index_changed in batch
                    if row.clock_values and not index_changed
                ),
            )

    def _remove(self, kind: Kind, keys: list[Key]) -> None:
        if not keys:
            return
        self._has_changed_jobs |= kind == "queue"
        self._connection.executemany(_insert_tombstone(kind), ((self._version, key) for key in keys))
        remove_words(self._connection, kind, keys)
        for table in (kind, f"{kind}_index"):
            self._connection.executemany(f"DELETE FROM {table} WHERE key = ?", ((key,) for key in keys))

    def _insert_tombstones_for_former_owners(self, kind: Kind, index_rows: list[tuple[Key, IndexRow]]) -> None:
        """Records with a new owner are removed for their former owner, who may not see them any more."""
        owners = OWNERS[kind]
        if not owners:
            return
        positions = [COLUMNS[kind].index(column) for column in owners]
        differs = " OR ".join(f"{column} IS NOT ?" for column in owners)
        self._connection.executemany(
            f"{_insert_tombstone(kind)} AND ({differs})",
            ((self._version, key, *(values[position] for position in positions)) for key, values in index_rows),
        )

    def _update_collection(self, name: str, total: int, loaded_at: float, *, changed: bool) -> None:
        known = self._connection.execute("SELECT 1 FROM collection WHERE name = ?", (name,)).fetchone()
        if changed or known is None:
            self._connection.execute(
                "INSERT INTO collection (name, version, changed_at, total) VALUES (?, ?, ?, ?) ON CONFLICT (name)"
                " DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at, total = excluded.total",
                (name, self._version, loaded_at, total),
            )


def read_written_rows(connection: sqlite3.Connection, kind: Kind) -> KnownRows:
    """Computes the hashes of the stored records of `kind`, after a restart of the writer."""
    stable_hashes = connection.execute(f"SELECT key, stable_hash FROM {kind}_index WHERE stable_hash IS NOT NULL")
    bodies = connection.execute(f"SELECT key, body FROM {kind}")
    return WrittenRows({key: hash(body) for key, body in bodies}, dict(stable_hashes.fetchall())).compact(kind)


def prune_tombstones(connection: sqlite3.Connection, kind: Kind, limit: int = MAX_TOMBSTONES) -> int | None:
    """Deletes all tombstones but the newest `limit`.

    Returns the version after which all tombstones are kept; None if nothing was deleted.
    """
    oldest = connection.execute(
        "SELECT version FROM tombstone WHERE kind = ? ORDER BY version DESC LIMIT 1 OFFSET ?", (kind, limit)
    ).fetchone()
    if oldest is None:
        return None
    connection.execute("DELETE FROM tombstone WHERE kind = ? AND version <= ?", (kind, oldest[0]))
    return int(oldest[0])


def _changed_rows(rows: Iterable[Row], before: KnownRows, after: WrittenRows) -> Iterator[tuple[Row, bool]]:
    """Returns the rows with new bytes. The flag is True if more than the clock fields changed."""
    hashes, hash_before, stable_before = after.body_hashes, before.body_hashes.get, before.stable_hashes
    for row in rows:
        key, body = row.key, row.body
        if body is None or row.renewed is not None:
            if (kept := hash_before(key)) is None:
                raise StoreError(f"Record {key!r} was not sent and is not stored. The next cycle stores all records.")
            hashes[key] = kept
            if key in stable_before:
                after.stable_hashes[key] = stable_before[key]
        if body is None:
            continue
        hashes[key] = body_hash = hash(body)
        if row.stable_body is not None:
            after.stable_hashes[key] = _stable_hash(row.stable_body)
        if before.body_hashes.get(key) != body_hash:
            yield row, row.renewed is None and _differs(row, before, after)


def _differs(row: Row, before: KnownRows, after: WrittenRows) -> bool:
    """Returns True if more than the clock fields of a row with new bytes changed."""
    return row.stable_body is None or before.stable_hashes.get(row.key) != after.stable_hashes[row.key]


def _stable_hash(body: bytes) -> int:
    """Returns a signed 64-bit hash that is equal in every process, unlike `hash()`, because it is stored."""
    return int.from_bytes(hashlib.blake2b(body, digest_size=8).digest(), signed=True)


def _insert_tombstone(kind: Kind) -> str:
    """Returns the SQL that inserts a tombstone with the record's owner columns. It binds version and key."""
    columns = "".join(f", {column}" for column in OWNERS[kind])
    values = "".join(f", coalesce({column}, '')" for column in OWNERS[kind])
    return (
        f"INSERT OR REPLACE INTO tombstone (kind, key, version{columns})"
        f" SELECT '{kind}', key, ?{values} FROM {kind}_index WHERE key = ?"
    )

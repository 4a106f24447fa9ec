"""Makes the tables of one kind hold exactly the records of a cycle, and remembers which are gone."""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from slurm_rest_api.errors import StoreError
from slurm_rest_api.slurmapi.store.index_columns import COLUMNS, OWNERS, IndexRow, Kind

Key = int | str

MAX_TOMBSTONES: Final = 50_000
"""Keys of each kind that are remembered after their records have gone; changes since before the oldest are unknown."""

_BATCH: Final = 500


class Row(NamedTuple):
    """One record to be stored.

    `body` is its rendered JSON, or None for a record that is as the cycle before left it; nothing else counts then.
    `facts` makes the values of its columns, and is asked only where they may have changed. `still` is the JSON without
    what the clock alone changes; None where that is nothing, so that every other byte counts as a change.
    """

    key: Key
    body: bytes | None
    facts: Callable[[], IndexRow] = tuple
    still: bytes | None = None


@dataclass
class Known:
    """What is remembered of the stored records of one kind: a hash of each body, a digest of what stands still."""

    bodies: dict[Key, int] = field(default_factory=dict)
    stills: dict[Key, int] = field(default_factory=dict)


def known_of(connection: sqlite3.Connection, kind: Kind) -> Known:
    """What a writer would remember that had written the records which are stored."""
    stills = connection.execute(f"SELECT key, still FROM {kind}_facts WHERE still IS NOT NULL")
    bodies = connection.execute(f"SELECT key, body FROM {kind}")
    return Known({key: hash(body) for key, body in bodies}, dict(stills.fetchall()))


def replace_records(
    connection: sqlite3.Connection, kind: Kind, rows: Iterable[Row], before: Known, version: int
) -> Known:
    """Make the tables of `kind` hold exactly `rows` (walked once), writing only what is not so yet.

    Raises:
        StoreError: a row without a body is not in the store.
    """
    after = Known()
    columns = ("key", "changed", "still", *COLUMNS[kind])
    places = ", ".join("?" * len(columns))
    insert_facts = f"INSERT OR REPLACE INTO {kind}_facts ({', '.join(columns)}) VALUES ({places})"
    insert_body = (
        f"INSERT INTO {kind} (key, body, version) VALUES (?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET body = excluded.body, version = excluded.version"
    )
    changed = _changed(rows, before, after)
    while batch := list(itertools.islice(changed, _BATCH)):
        moved = [(row.key, row.facts()) for row, has_moved in batch if has_moved]
        _remember_owners(connection, kind, [row for row in moved if row[0] in before.bodies], version)
        connection.executemany(insert_body, ((row.key, row.body, version) for row, _ in batch))
        connection.executemany(insert_facts, ((key, version, after.stills.get(key), *facts) for key, facts in moved))
    _remove(connection, kind, [key for key in before.bodies if key not in after.bodies], version)
    return after


def _changed(rows: Iterable[Row], before: Known, after: Known) -> Iterator[tuple[Row, bool]]:
    """The rows whose bytes are new, each with whether more than the clock has moved."""
    for row in rows:
        key, body = row.key, row.body
        if body is None:
            _keep(key, before, after)
            continue
        after.bodies[key] = digest = hash(body)
        if row.still is not None:
            after.stills[key] = _digest(row.still)
        if before.bodies.get(key) != digest:
            yield row, row.still is None or before.stills.get(key) != after.stills[key]


def _keep(key: Key, before: Known, after: Known) -> None:
    try:
        after.bodies[key] = before.bodies[key]
    except KeyError as error:
        raise StoreError(
            f"{key!r} was to stay as it is stored, and is not; the next cycle stores everything."
        ) from error
    if key in before.stills:
        after.stills[key] = before.stills[key]


def _digest(still: bytes) -> int:
    """A number that is the same in every process, unlike hash(), because it is stored; SQLite's integers are signed."""
    return int.from_bytes(hashlib.blake2b(still, digest_size=8).digest(), signed=True)


def _remove(connection: sqlite3.Connection, kind: Kind, keys: list[Key], version: int) -> None:
    if not keys:
        return
    connection.executemany(_leave(kind), ((version, key) for key in keys))
    connection.executemany(f"DELETE FROM {kind} WHERE key = ?", ((key,) for key in keys))
    connection.executemany(f"DELETE FROM {kind}_facts WHERE key = ?", ((key,) for key in keys))


def _remember_owners(
    connection: sqlite3.Connection, kind: Kind, moved: list[tuple[Key, IndexRow]], version: int
) -> None:
    """Whoever sees a record no more, because its owner becomes another, has to be told that it is gone."""
    owners = OWNERS[kind]
    if not owners:
        return
    places = [COLUMNS[kind].index(column) for column in owners]
    others = " OR ".join(f"{column} IS NOT ?" for column in owners)
    connection.executemany(
        f"{_leave(kind)} AND ({others})", ((version, key, *(facts[place] for place in places)) for key, facts in moved)
    )


def _leave(kind: Kind) -> str:
    """Remembers of the record with a key that it left those who saw it, in a version."""
    columns = "".join(f", {column}" for column in OWNERS[kind])
    values = "".join(f", coalesce({column}, '')" for column in OWNERS[kind])
    return (
        f"INSERT OR REPLACE INTO gone (kind, key, version{columns})"
        f" SELECT '{kind}', key, ?{values} FROM {kind}_facts WHERE key = ?"
    )


def forget_old(connection: sqlite3.Connection, kind: Kind, remembered: int = MAX_TOMBSTONES) -> int | None:
    """Forget the keys that went before the last `remembered`; the version from which on all are known, or None."""
    oldest = connection.execute(
        "SELECT version FROM gone WHERE kind = ? ORDER BY version DESC LIMIT 1 OFFSET ?", (kind, remembered)
    ).fetchone()
    if oldest is None:
        return None
    connection.execute("DELETE FROM gone WHERE kind = ? AND version <= ?", (kind, oldest[0]))
    return int(oldest[0])

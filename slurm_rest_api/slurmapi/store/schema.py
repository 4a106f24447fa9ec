"""The tables of the snapshot store, and how its file is opened.

The store is a cache: every byte in it can be loaded again from the cluster, so a file that is damaged or
of another layout is thrown away rather than repaired or migrated.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from slurm_rest_api.slurmapi.store.array_tasks import has_task
from slurm_rest_api.slurmapi.store.index_columns import COLUMNS, INDEXED, KINDS, Kind

LAYOUT: Final = 3
BUSY_SECONDS: Final = 5.0
_READER_CACHE_KIB: Final = 256

_TABLES: Final = """
CREATE TABLE status (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    run TEXT NOT NULL,
    version INTEGER NOT NULL,
    source TEXT,
    loaded_at REAL,
    interval_seconds REAL,
    cycle_seconds REAL,
    cycles INTEGER NOT NULL DEFAULT 0,
    rpcs INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    failing_since REAL,
    error TEXT
);
CREATE TABLE collection (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    changed_at REAL NOT NULL,
    total INTEGER NOT NULL,
    complete_from INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE queue (key INTEGER PRIMARY KEY, body BLOB NOT NULL, version INTEGER NOT NULL);
CREATE TABLE nodes (key TEXT PRIMARY KEY, body BLOB NOT NULL, version INTEGER NOT NULL);
CREATE TABLE partitions (key TEXT PRIMARY KEY, body BLOB NOT NULL, version INTEGER NOT NULL);
CREATE TABLE gone (
    kind TEXT NOT NULL,
    key NOT NULL,
    user_name TEXT NOT NULL DEFAULT '',
    account TEXT NOT NULL DEFAULT '',
    version INTEGER NOT NULL,
    PRIMARY KEY (kind, key, user_name, account)
) WITHOUT ROWID;
CREATE INDEX gone_by_version ON gone (kind, version);
CREATE TABLE document (name TEXT PRIMARY KEY, body BLOB NOT NULL);
"""


def _facts_tables() -> str:
    """For each kind a narrow table beside the wide one: a filter that reads it touches no rendered record.

    `changed` is the version in which the record last changed otherwise than by the passing of time; `still` is the
    digest of the record without what the clock alone changes, where there is anything.
    """
    return "".join(_facts_table(kind) for kind in KINDS)


def _facts_table(kind: Kind) -> str:
    key = "key INTEGER PRIMARY KEY" if kind == "queue" else "key TEXT PRIMARY KEY"
    columns = ", ".join([key, "changed INTEGER NOT NULL", "still INTEGER", *COLUMNS[kind]])
    indexes = [f"CREATE INDEX {kind}_by_{column} ON {kind}_facts ({column});" for column in INDEXED[kind]]
    return f"CREATE TABLE {kind}_facts ({columns});" + "".join(indexes)


def create(path: Path, run: str) -> sqlite3.Connection:
    """Make an empty store at `path`, in place of whatever is there; `run` names this life of the store."""
    for stale in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        # A WAL that outlives its database would be replayed into the new one.
        stale.unlink(missing_ok=True)
    connection = connect_writable(path)
    connection.executescript("BEGIN;" + _TABLES + _facts_tables())
    connection.execute("INSERT INTO status (id, run, version) VALUES (1, ?, 0)", (run,))
    connection.execute(f"PRAGMA user_version = {LAYOUT}")
    connection.execute("COMMIT")
    return connection


def connect_writable(path: Path) -> sqlite3.Connection:
    """Open `path` for the one writer, in autocommit mode: transactions are begun by name."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    # The store is rebuilt from the cluster after a power cut, so waiting for the disk buys nothing.
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA journal_size_limit = 16777216")
    return connection


def connect_writable_or_none(path: Path) -> sqlite3.Connection | None:
    """Open an existing store for the writer; None when it is damaged or of another layout."""
    connection = sqlite3.connect(path)
    try:
        usable = (
            int(connection.execute("PRAGMA user_version").fetchone()[0]) == LAYOUT
            and connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"
        )
    except sqlite3.OperationalError:
        # Locked or unreadable is not damaged: throwing the file away would not help.
        raise
    except sqlite3.DatabaseError:
        usable = False
    finally:
        connection.close()
    return connect_writable(path) if usable else None


def connect_readonly(path: Path) -> sqlite3.Connection:
    """Open `path` for reading; any thread may use the connection, one at a time."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    # Rows are read once, in order, from a file that lies in memory: SQLite's own 2 MiB a connection would be a copy.
    connection.execute(f"PRAGMA cache_size = -{_READER_CACHE_KIB}")
    connection.create_function("has_task", 2, has_task, deterministic=True)
    return connection

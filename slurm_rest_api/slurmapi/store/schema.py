"""Creates the tables of the snapshot store and opens its file.

The store is a cache: the next cycle loads everything in it again. A file that is corrupt or has another layout is
therefore recreated, not repaired or migrated.
"""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Final

from slurm_rest_api.slurm.array_tasks import has_any_task, has_task
from slurm_rest_api.slurmapi.store.index_columns import (
    COLUMNS,
    DESCENDING,
    INDEXED,
    KINDS,
    WHOLE_INDEXES,
    WORD_TABLES,
    Kind,
    word_table,
)
from slurm_rest_api.slurmapi.store.job_sums import TABLE as JOB_SUMS
from slurm_rest_api.slurmapi.store.job_sums import begin_job_sums
from slurm_rest_api.slurmapi.store.statements import StatementLimit

LAYOUT: Final = 22
"""Number of the table layout. Raise it with every change of the tables, so that old files are recreated."""

BUSY_SECONDS: Final = 5.0
CHECKED_STEPS: Final = 2_000
"""Steps of SQLite between two checks of the time limit: some 50 microseconds."""
_READER_CACHE_KIB: Final = 256

_TABLES: Final = """
CREATE TABLE status (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    generation TEXT NOT NULL,
    version INTEGER NOT NULL,
    source TEXT,
    source_detail TEXT,
    source_parts TEXT NOT NULL DEFAULT '[]',
    loaded_at REAL,
    interval_seconds REAL,
    cycle_seconds REAL,
    cycles INTEGER NOT NULL DEFAULT 0,
    rpcs INTEGER NOT NULL DEFAULT 0,
    replaced_texts INTEGER NOT NULL DEFAULT 0,
    optional_kinds TEXT NOT NULL DEFAULT '{}',
    failures INTEGER NOT NULL DEFAULT 0,
    failing_since REAL,
    error TEXT
);
CREATE TABLE collection (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    changed_at REAL NOT NULL,
    total INTEGER NOT NULL,
    tombstones_complete_from INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE tombstone (
    kind TEXT NOT NULL,
    key NOT NULL,
    user_name TEXT NOT NULL DEFAULT '',
    account TEXT NOT NULL DEFAULT '',
    viewer_words TEXT NOT NULL DEFAULT '',
    version INTEGER NOT NULL,
    PRIMARY KEY (kind, key, user_name, account, viewer_words)
) WITHOUT ROWID;
CREATE INDEX tombstone_by_version ON tombstone (kind, version);
CREATE TABLE document (name TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE priority_factors (job_id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE limit_use (owner TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE rank_totals (
    rank_queue TEXT NOT NULL,
    rank_order INTEGER NOT NULL,
    submit_time INTEGER NOT NULL,
    key INTEGER NOT NULL,
    tasks INTEGER NOT NULL,
    cpus INTEGER NOT NULL,
    gpus INTEGER NOT NULL,
    at_limit INTEGER NOT NULL,
    PRIMARY KEY (rank_queue, rank_order, submit_time, key)
) WITHOUT ROWID;
"""


def _tables_of(kind: Kind) -> str:
    """Returns the SQL of the tables of a kind: rendered records, and columns, so that filters do not read bodies.

    `changed` is the version in which more than clock fields last changed. `stable_hash` is the hash of the record
    without its clock fields; null for a record that has none.
    """
    key = "key INTEGER PRIMARY KEY" if kind == "queue" else "key TEXT PRIMARY KEY"
    columns = ", ".join([key, "changed INTEGER NOT NULL", "stable_hash INTEGER", *COLUMNS[kind]])
    # The rows of a word are next to each other, in the order of their keys.
    words = [
        f"CREATE TABLE {word_table(kind, column)} (word TEXT NOT NULL, key NOT NULL, PRIMARY KEY (word, key))"
        " WITHOUT ROWID;"
        for column in WORD_TABLES[kind]
    ]
    bodies = f"CREATE TABLE {kind} ({key}, body BLOB NOT NULL, version INTEGER NOT NULL);"
    return bodies + f"CREATE TABLE {kind}_index ({columns});" + "".join(words)


def create_indexes(connection: sqlite3.Connection, kind: Kind) -> None:
    """Creates the indexes of a kind that do not exist yet, and the sums of jobs.

    Call it after the first records are written. Each row written into existing indexes takes four times as long.
    """
    for names in INDEXED[kind]:
        ordered = ", ".join(f"{name} DESC" if name in DESCENDING else name for name in names)
        columns = f"{kind}_index ({ordered}) {_without_null(names[0])}"
        connection.execute(f"CREATE INDEX IF NOT EXISTS {kind}_by_{names[0]} ON {columns}")
    if kind == "queue":
        begin_job_sums(connection)


def _without_null(column: str) -> str:
    """Returns the condition of a partial index. SQLite ignores such an index if the column is NOT NULL."""
    return "" if column in WHOLE_INDEXES else f"WHERE {column} IS NOT NULL"


def create(path: Path, generation: str) -> sqlite3.Connection:
    """Creates an empty store at `path`, without indexes, and replaces any file there.

    `generation` identifies this file: versions are comparable only within a generation.
    """
    delete(path)
    # SQLite gives the WAL the mode of the database, which would otherwise depend on the umask.
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    connection = connect_writable(path)
    connection.executescript("BEGIN;" + _TABLES + JOB_SUMS + "".join(_tables_of(kind) for kind in KINDS))
    connection.execute("INSERT INTO status (id, generation, version) VALUES (1, ?, 0)", (generation,))
    connection.execute(f"PRAGMA user_version = {LAYOUT}")
    connection.execute("COMMIT")
    return connection


def delete(path: Path) -> None:
    """Deletes a store, its WAL and the WAL's index, if they exist."""
    # A WAL that outlives its database would be replayed into the next one.
    for file in (path, *_log_files(path)):
        file.unlink(missing_ok=True)


def replace(new: Path, path: Path) -> None:
    """Puts the closed store `new` in the place of the one at `path`.

    The WAL goes first, because it would be replayed into the new file. A reader that opens the old file in between
    reads it without the last cycles, and opens the new one for its next request.
    """
    for file in _log_files(path):
        file.unlink(missing_ok=True)
    new.replace(path)


def _log_files(path: Path) -> tuple[Path, Path]:
    """Returns the paths of the WAL and of its index."""
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def connect_writable(path: Path) -> sqlite3.Connection:
    """Opens `path` for the writer, in autocommit mode: the writer begins transactions explicitly."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    # The store is loaded again after a power cut, so nothing is gained by waiting for the disk.
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA journal_size_limit = 16777216")
    # Creating an index sorts. Without this SQLite may need a file in /var/tmp, which may be read-only.
    connection.execute("PRAGMA temp_store = MEMORY")
    # A row that replaces another one runs the triggers of its removal, too.
    connection.execute("PRAGMA recursive_triggers = ON")
    return connection


def connect_writable_or_none(path: Path) -> sqlite3.Connection | None:
    """Opens an existing store for the writer. Returns None if it is corrupt or has another layout."""
    connection = sqlite3.connect(path)
    try:
        usable = has_current_layout(connection) and connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"
    except sqlite3.OperationalError:
        # A file that is locked or unreadable is not corrupt. Recreating it would not help.
        raise
    except sqlite3.DatabaseError:
        usable = False
    finally:
        connection.close()
    return connect_writable(path) if usable else None


def connect_readonly(path: Path, limit: StatementLimit | None = None) -> sqlite3.Connection:
    """Opens `path` for reading. Threads may share the connection, one at a time.

    SQLite asks `limit` every `CHECKED_STEPS` steps if it is to interrupt the statement.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    # The file is in memory (tmpfs) already, so SQLite's default cache of 2 MiB a connection would be a second copy.
    connection.execute(f"PRAGMA cache_size = -{_READER_CACHE_KIB}")
    if limit is not None:
        connection.set_progress_handler(limit.is_exceeded, CHECKED_STEPS)
    connection.create_function("has_task", 2, has_task, deterministic=True)
    connection.create_function("has_any_task", 2, _has_any_task, deterministic=True)
    return connection


def has_current_layout(connection: sqlite3.Connection) -> bool:
    """Returns True if the file has the tables of this release. Inside a transaction this starts its snapshot."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0]) == LAYOUT


def _has_any_task(tasks: str | None, wanted: str) -> bool:
    return has_any_task(tasks, sorted(json.loads(wanted)))

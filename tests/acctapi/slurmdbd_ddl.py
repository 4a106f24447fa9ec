"""CREATE TABLE statements of slurmdbd's tables in each Slurm release."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from tests.acctapi.slurmdbd_columns import COLUMNS, KEYS

RELEASES: Final = ("15.08", "17.11", "20.11", "22.05", "23.11", "24.11", "26.05")
"""One release for each version of the tables."""

OF_A_CLUSTER: Final = (
    "job_table", "assoc_table", "step_table", "event_table", "resv_table", "usage_day_table", "assoc_usage_day_table",
    "qos_usage_day_table", "wckey_usage_day_table", "wckey_table",
)  # fmt: skip

_TYPES: Final = {
    "u16": "smallint unsigned", "u32": "int unsigned", "u64": "bigint unsigned", "i8": "tinyint", "i16": "smallint",
    "i32": "int", "f64": "double",
    "d64": "double unsigned", "tt": "tinytext", "tx": "text", "lt": "longtext", "bl": "blob",
}  # fmt: skip
_TEXTS: Final = ("tt", "tx", "lt", "bl")
_GONE: Final = "-"
# Since 24.11 slurmctld assigns the key, before that the database. Its declaration is the same.
_COUNTED: Final = {"job_table": "job_db_inx", "assoc_table": "id_assoc", "qos_table": "id", "tres_table": "id"}


class ColumnShape(NamedTuple):
    """One column: its type in MariaDB, and True if it may be NULL."""

    type: str
    nullable: bool


class KeyShape(NamedTuple):
    """One key: `primary`, `unique` or `key`, and its columns, with prefix lengths as in `user(42)`."""

    kind: str
    columns: tuple[str, ...]


def tables(release: str) -> list[str]:
    """Returns the tables of the release. Tables of a cluster are listed without its name."""
    return [table for table in COLUMNS if columns(table, release)]


def columns(table: str, release: str) -> dict[str, ColumnShape]:
    """Returns the columns of a table by name."""
    return {name: ColumnShape(_TYPES[code.rstrip("?")], code.endswith("?")) for name, code in _codes(table, release)}


def keys(table: str, release: str) -> dict[str, KeyShape]:
    """Returns the keys of a table by name."""
    found = {}
    for line in KEYS[table].strip().splitlines():
        history, name, parts = line.split(" | ")
        if (kind := _at(history, release)) is not None:
            found[name] = KeyShape(kind, tuple(parts.split()))
    return found


def create_table(table: str, release: str, name: str) -> str:
    """Returns the statement that creates `table` as `name`. Every column has the default that suits its type."""
    lines = [_column(table, column, code) for column, code in _codes(table, release)]
    lines += [_key(key, shape) for key, shape in keys(table, release).items()]
    return f"CREATE TABLE `{name}` ({', '.join(lines)}) ENGINE=InnoDB"


def _codes(table: str, release: str) -> Iterator[tuple[str, str]]:
    for line in COLUMNS[table].strip().replace("\n  ", " ").splitlines():
        history, _, names = line.partition(" | ")
        if (code := _at(history, release)) is not None:
            yield from ((name, code) for name in names.split())


def _at(history: str, release: str) -> str | None:
    """Returns the entry of a history for `release`; None if there is none."""
    present = None
    for step in history.split():
        since, colon, what = step.rpartition(":")
        if not colon or _number(since) <= _number(release):
            present = what
    return None if present == _GONE else present


def _number(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))


def _column(table: str, name: str, code: str) -> str:
    kind = _TYPES[code.rstrip("?")]
    if _COUNTED.get(table) == name:
        return f"`{name}` {kind} NOT NULL AUTO_INCREMENT"
    if code.endswith("?"):
        return f"`{name}` {kind}"
    return f"`{name}` {kind} NOT NULL DEFAULT {repr('') if code in _TEXTS else 0}"


def _key(name: str, shape: KeyShape) -> str:
    quoted = ", ".join(f"`{column}`{bracket}{rest}" for column, bracket, rest in map(_parted, shape.columns))
    words = {"primary": "PRIMARY KEY", "unique": f"UNIQUE KEY `{name}`", "key": f"KEY `{name}`"}
    return f"{words[shape.kind]} ({quoted})"


def _parted(column: str) -> tuple[str, str, str]:
    return column.partition("(")

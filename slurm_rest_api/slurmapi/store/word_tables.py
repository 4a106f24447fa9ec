"""Writes the tables that find records by the words of a column, such as the jobs on a node."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from slurm_rest_api.slurmapi.store.index_columns import COLUMNS, WORD_TABLES, IndexRow, Kind, Value, word_table

Key = int | str
_Texts = tuple[Value, ...]
"""The texts of the columns of `WORD_TABLES`, such as `,main,long,`."""

_BATCH = 500


def replace_words(
    connection: sqlite3.Connection, kind: Kind, rows: Sequence[tuple[Key, IndexRow]], stored: Sequence[Key]
) -> None:
    """Stores the words of new index rows, before these replace those of the `stored` keys.

    Writes only words that differ.
    """
    columns = WORD_TABLES[kind]
    if not columns or not rows:
        return
    positions = [COLUMNS[kind].index(column) for column in columns]
    texts = [(key, tuple(values[at] for at in positions)) for key, values in rows]
    _write_differences(connection, kind, texts, _stored_texts(connection, kind, stored))


def remove_words(connection: sqlite3.Connection, kind: Kind, keys: Iterable[Key]) -> None:
    """Deletes the words of stored records, before their index rows are deleted."""
    columns = WORD_TABLES[kind]
    remaining = iter(keys)
    while columns and (batch := list(islice(remaining, _BATCH))):
        rows: list[tuple[Key, _Texts]] = [(key, (None,) * len(columns)) for key in batch]
        _write_differences(connection, kind, rows, _stored_texts(connection, kind, batch))


def _stored_texts(connection: sqlite3.Connection, kind: Kind, keys: Sequence[Key]) -> dict[Key, _Texts]:
    if not keys:
        return {}
    query = (
        f"SELECT key, {', '.join(WORD_TABLES[kind])} FROM {kind}_index WHERE key IN (SELECT value FROM json_each(?))"
    )
    return {key: tuple(texts) for key, *texts in connection.execute(query, (json.dumps(keys),))}


def _write_differences(
    connection: sqlite3.Connection, kind: Kind, rows: Sequence[tuple[Key, _Texts]], before: Mapping[Key, _Texts]
) -> None:
    none: _Texts = (None,) * len(WORD_TABLES[kind])
    for number, column in enumerate(WORD_TABLES[kind]):
        changed = [
            (key, _words_of(old[number]), _words_of(new[number]))
            for key, new in rows
            if (old := before.get(key, none))[number] != new[number]
        ]
        table = word_table(kind, column)
        connection.executemany(
            f"DELETE FROM {table} WHERE word = ? AND key = ?", _pairs((key, old - new) for key, old, new in changed)
        )
        connection.executemany(
            f"INSERT INTO {table} (word, key) VALUES (?, ?)", _pairs((key, new - old) for key, old, new in changed)
        )


def _words_of(text: Value) -> set[str]:
    return set(str(text).strip(",").split(",")) if text else set()


def _pairs(words: Iterable[tuple[Key, set[str]]]) -> Iterator[tuple[str, Key]]:
    return ((word, key) for key, found in words for word in sorted(found))

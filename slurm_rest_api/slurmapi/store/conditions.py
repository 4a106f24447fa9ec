"""Builds SQL conditions on index columns, with bound values. Column names are ours, never a client's text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from slurm_rest_api.slurmapi.store.index_columns import INDEXED, KINDS, WORD_TABLES, Kind, Value, word_table
from slurm_rest_api.slurmapi.store.job_sums import SUMMED_BY

Operator = Literal["=", "<", ">", "<=", ">="]


class Condition(NamedTuple):
    """SQL text with one question mark for each of its `values`.

    `by_key` is True if it selects keys, so that a query should find its rows by them and not by another index.
    `by_index` is True if another index finds its rows. `by_sums` is True if a condition for jobs reads only the columns
    of `SUMMED_BY`. `seek_sql` selects the same rows by their keys, with `seek_values`. It is used where no other
    condition finds the rows, because it costs more for each row.
    """

    sql: str
    values: tuple[Value, ...] = ()
    by_key: bool = False
    by_index: bool = False
    seek_sql: str | None = None
    seek_values: tuple[Value, ...] = ()
    by_sums: bool = False

    def finding_rows(self) -> Condition:
        """Returns the form of this condition that finds its rows with the fewest steps."""
        if self.seek_sql is None or self.by_key or self.by_index:
            return self
        return Condition(self.seek_sql, self.seek_values, by_key=True)


ALWAYS: Final = Condition("1", by_sums=True)
NEVER: Final = Condition("0", by_sums=True)

_GLOB_LETTER: Final = re.compile(r"[*?\[]")

# Each part of the condition of `is_job`: it selects keys by the JSON list that is bound to it. CROSS JOIN fixes the
# order of the loops: SQLite reads the list and seeks each of its ids.
_JOBS: Final = "SELECT value FROM json_each(?)"
_SEEK: Final = "SELECT f.key FROM json_each(?) AS w CROSS JOIN queue_index AS f"
_FIRST, _SECOND = "json_extract(w.value, '$[0]')", "json_extract(w.value, '$[1]')"
_STARTED_TASKS: Final = f"{_SEEK} WHERE f.array_job_id = {_FIRST} AND f.array_task_id = {_SECOND}"
_PENDING_TASKS: Final = (
    f"{_SEEK} WHERE f.array_job_id = {_FIRST} AND f.array_task_id IS NULL AND has_any_task(f.array_task_str, {_SECOND})"
)
_COMPONENTS: Final = f"{_SEEK} WHERE f.het_job_id = {_FIRST} AND f.het_job_offset = {_SECOND}"
_ARRAYS: Final = f"{_SEEK} WHERE f.array_job_id = w.value"
_HETEROGENEOUS: Final = f"{_SEEK} WHERE f.het_job_id = w.value"

FEW_WORDS: Final = 8
"""Up to this many words are compared with the words of each row."""

_INDEXED_COLUMNS: Final = frozenset(columns[0] for kind in KINDS for columns in INDEXED[kind])


def all_of(conditions: Iterable[Condition]) -> Condition:
    """Returns a condition that holds if all of `conditions` hold, and always without any."""
    found = [condition for condition in conditions if condition != ALWAYS]
    if len(found) == 1:
        return found[0]
    joined = _joined(" AND ", found, ALWAYS)._replace(
        by_key=any(condition.by_key for condition in found),
        by_index=any(condition.by_index for condition in found),
        by_sums=all(condition.by_sums for condition in found),
    )
    seeking = next((number for number, condition in enumerate(found) if condition.seek_sql is not None), None)
    if seeking is None:
        return joined
    found[seeking] = Condition(found[seeking].seek_sql or "", found[seeking].seek_values)
    seek = _joined(" AND ", found, ALWAYS)
    return joined._replace(seek_sql=seek.sql, seek_values=seek.values)


def any_of(conditions: Iterable[Condition]) -> Condition:
    """Returns a condition that holds if at least one of `conditions` holds, and never without any."""
    found = list(conditions)
    joined = _joined(" OR ", found, NEVER)
    # SQLite uses an index for each alternative, or none.
    by_index = bool(found) and all(condition.by_index for condition in found)
    by_sums = all(condition.by_sums for condition in found)
    return Condition(joined.sql, joined.values, by_index=by_index, by_sums=by_sums)


def none_of(conditions: Iterable[Condition]) -> Condition:
    """Returns a condition that holds if none of `conditions` holds. A comparison with null does not hold."""
    any_holds = any_of(conditions)
    return Condition(f"NOT coalesce({any_holds.sql}, 0)", any_holds.values, by_sums=any_holds.by_sums)


def compares(column: str, operator: Operator, value: Value) -> Condition:
    """Compares `column` with `value`."""
    return Condition(f"{column} {operator} ?", (value,), by_index=operator == "=" and column in _INDEXED_COLUMNS)


def is_number(
    column: str,
    values: Sequence[int | str],
    at_least: int | None,
    at_most: int | None,
    *,
    without_order: Sequence[Value] = (),
) -> Condition:
    """Returns a condition for `column` being one of `values` (any if empty) and within both inclusive bounds.

    A null and the values `without_order` are in no range. Other text, which is `UNLIMITED`, is greater than every
    number: SQLite compares so.
    """
    conditions = [one_of(column, values)] if values else []
    bounds: list[tuple[Operator, int | None]] = [(">=", at_least), ("<=", at_most)]
    ordered = [compares(column, operator, bound) for operator, bound in bounds if bound is not None]
    if ordered and without_order:
        ordered.append(none_of([one_of(column, without_order)]))
    return all_of([*conditions, *ordered])


def one_of(column: str, values: Sequence[Value]) -> Condition:
    """Returns a condition for `column` being one of `values`."""
    by_index = column in _INDEXED_COLUMNS
    by_sums = column.removesuffix(" COLLATE NOCASE") in SUMMED_BY
    return Condition(f"{column} IN ({', '.join('?' * len(values))})", tuple(values), by_index=by_index, by_sums=by_sums)


def one_of_many(column: str, values: Sequence[Value]) -> Condition:
    """Works like `one_of`, for more values than SQLite binds in one statement."""
    by_index = column in _INDEXED_COLUMNS
    return Condition(f"{column} IN (SELECT value FROM json_each(?))", (json.dumps(values),), by_index=by_index)


def has_key(keys: Sequence[str]) -> Condition:
    """Returns a condition for a record being one of `keys`."""
    return one_of_many("key", keys)._replace(by_key=True)


def has_any_word(kind: Kind, column: str, words: Sequence[str]) -> Condition:
    """Returns a condition for `column` (`,a,b,`) of `kind` containing at least one of `words`.

    With many words, or where no other condition finds the rows, it costs what it finds: its words have a table.
    """
    sql = (
        f"key IN (SELECT key FROM {word_table(kind, column)} WHERE word IN (SELECT value FROM json_each(?)))"
        if column in WORD_TABLES[kind]
        else f"EXISTS (SELECT 1 FROM json_each(?) WHERE instr({column}, ',' || value || ','))"
    )
    by_sums = column in SUMMED_BY
    by_table = Condition(sql, (json.dumps(words),), by_key=column in WORD_TABLES[kind], by_sums=by_sums)
    if len(words) > FEW_WORDS:
        return by_table
    compared = any_of(Condition(f"instr({column}, ?)", (f",{word},",), by_sums=by_sums) for word in words)
    return compared._replace(seek_sql=by_table.sql, seek_values=by_table.values) if by_table.by_key else compared


def has_selective_word(kind: Kind, column: str, words: Sequence[str]) -> Condition:
    """Works like `has_any_word` for words that few records have, such as nodes: the rows are found by their table."""
    return has_any_word(kind, column, words).finding_rows()


def once_per_value(kind: Kind, column: str, condition: Condition) -> Condition:
    """Returns `condition`, which compares only `column`, computed once for each of the values that records have."""
    distinct = f"SELECT DISTINCT {column} FROM {kind}_index LIMIT -1 OFFSET 0"
    return Condition(f"{column} IN (SELECT {column} FROM ({distinct}) WHERE {condition.sql})", condition.values)


def has_waiting_task(column: str, task: int) -> Condition:
    """Returns a condition for `column`, the pending tasks of an array, containing `task`."""
    return Condition(f"has_task({column}, ?)", (task,))


def is_job(
    jobs: Sequence[int],
    tasks: Sequence[tuple[int, int]],
    components: Sequence[tuple[int, int]],
    *,
    with_parts: bool = False,
) -> Condition:
    """Returns a condition for a record being one of the jobs, array tasks or components of heterogeneous jobs.

    `tasks` are array ids with a task index, `components` are leader ids with an offset. A pending task is found as the
    record that contains it. The cost depends on the number of ids only: every part of the statement seeks in an index.
    `with_parts`: an id in `jobs` that is that of an array or a heterogeneous job also finds its tasks or components.
    """
    waiting: dict[int, list[int]] = {}
    for array, task in tasks:
        waiting.setdefault(array, []).append(task)
    parts = [
        (_JOBS, list(jobs)),
        (_STARTED_TASKS, list(tasks)),
        (_PENDING_TASKS, list(waiting.items())),
        (_COMPONENTS, list(components)),
        (_ARRAYS, list(jobs) if with_parts else []),
        (_HETEROGENEOUS, list(jobs) if with_parts else []),
    ]
    used = [(sql, json.dumps(ids)) for sql, ids in parts if ids]
    selected = " UNION ALL ".join(sql for sql, _ in used)
    return Condition(f"key IN ({selected})", tuple(ids for _, ids in used), by_key=True)


def is_like(column: str, pieces: Sequence[str]) -> Condition:
    """Returns a condition for `column` consisting of `pieces` with any text between them."""
    if len(pieces) == 1:
        return compares(column, "=", pieces[0])
    return Condition(f"{column} GLOB ?", ("*".join(_GLOB_LETTER.sub(r"[\g<0>]", piece) for piece in pieces),))


def _joined(operator: str, conditions: list[Condition], otherwise: Condition) -> Condition:
    if not conditions:
        return otherwise
    if len(conditions) == 1:
        return conditions[0]
    sql = operator.join(f"({condition.sql})" for condition in conditions)
    return Condition(sql, tuple(value for condition in conditions for value in condition.values))

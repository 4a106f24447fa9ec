"""Builds SQL conditions on index columns, with bound values. Column names are ours, never a client's text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from slurm_rest_api.slurmapi.store.index_columns import Value

Operator = Literal["=", "<", ">", "<=", ">="]


class Condition(NamedTuple):
    """SQL text with one question mark for each of its `values`.

    `by_key` is True if it selects few keys, so that a query should find its rows by them and not by another index.
    """

    sql: str
    values: tuple[Value, ...] = ()
    by_key: bool = False


ALWAYS: Final = Condition("1")
NEVER: Final = Condition("0")

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

# Up to this many words are compared one by one. The loop over json_each takes five times as long for two words.
_FEW_WORDS: Final = 8


def all_of(conditions: Iterable[Condition]) -> Condition:
    """Returns a condition that holds if all of `conditions` hold, and always without any."""
    found = [condition for condition in conditions if condition != ALWAYS]
    return _joined(" AND ", found, ALWAYS)._replace(by_key=any(condition.by_key for condition in found))


def any_of(conditions: Iterable[Condition]) -> Condition:
    """Returns a condition that holds if at least one of `conditions` holds, and never without any."""
    return _joined(" OR ", list(conditions), NEVER)._replace(by_key=False)


def none_of(conditions: Iterable[Condition]) -> Condition:
    """Returns a condition that holds if none of `conditions` holds. A comparison with null does not hold."""
    any_holds = any_of(conditions)
    return Condition(f"NOT coalesce({any_holds.sql}, 0)", any_holds.values)


def compares(column: str, operator: Operator, value: Value) -> Condition:
    """Compares `column` with `value`."""
    return Condition(f"{column} {operator} ?", (value,))


def one_of(column: str, values: Sequence[Value]) -> Condition:
    """Returns a condition for `column` being one of `values`."""
    return Condition(f"{column} IN ({', '.join('?' * len(values))})", tuple(values))


def one_of_many(column: str, values: Sequence[Value]) -> Condition:
    """Works like `one_of`, for more values than SQLite binds in one statement."""
    return Condition(f"{column} IN (SELECT value FROM json_each(?))", (json.dumps(values),))


def has_any_word(column: str, words: Sequence[str]) -> Condition:
    """Returns a condition for `column` (`,a,b,`) containing at least one of `words`."""
    if len(words) <= _FEW_WORDS:
        return any_of(Condition(f"instr({column}, ?)", (f",{word},",)) for word in words)
    # One bound value for all words, because SQLite limits the depth of an expression.
    return Condition(
        f"EXISTS (SELECT 1 FROM json_each(?) WHERE instr({column}, value))",
        (json.dumps([f",{word}," for word in words]),),
    )


def has_waiting_task(column: str, task: int) -> Condition:
    """Returns a condition for `column`, the pending tasks of an array, containing `task`."""
    return Condition(f"has_task({column}, ?)", (task,))


def is_job(jobs: Sequence[int], tasks: Sequence[tuple[int, int]], components: Sequence[tuple[int, int]]) -> Condition:
    """Returns a condition for a record being one of the jobs, array tasks or components of heterogeneous jobs.

    `tasks` are array ids with a task index, `components` are leader ids with an offset. A pending task is found as the
    record that contains it. The cost depends on the number of ids only: every part of the statement seeks in an index.
    """
    waiting: dict[int, list[int]] = {}
    for array, task in tasks:
        waiting.setdefault(array, []).append(task)
    parts = [
        (_JOBS, list(jobs)),
        (_STARTED_TASKS, list(tasks)),
        (_PENDING_TASKS, list(waiting.items())),
        (_COMPONENTS, list(components)),
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

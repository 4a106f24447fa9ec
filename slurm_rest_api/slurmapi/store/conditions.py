"""Builds SQL conditions on index columns, with bound values. Column names are ours, never a client's text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from slurm_rest_api.slurmapi.store.index_columns import Value

Operator = Literal["=", "<", ">", "<=", ">="]


class Condition(NamedTuple):
    """SQL text with one question mark for each of its `values`."""

    sql: str
    values: tuple[Value, ...] = ()


ALWAYS: Final = Condition("1")
NEVER: Final = Condition("0")

# Up to this many words are compared one by one. The loop over json_each takes five times as long for two words.
_FEW_WORDS: Final = 8


def all_of(conditions: Iterable[Condition]) -> Condition:
    """Returns a condition that holds if all of `conditions` hold, and always without any."""
    return _joined(" AND ", [condition for condition in conditions if condition != ALWAYS], ALWAYS)


def any_of(conditions: Iterable[Condition]) -> Condition:
    """Returns a condition that holds if at least one of `conditions` holds, and never without any."""
    return _joined(" OR ", list(conditions), NEVER)


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


def is_like(column: str, pattern: str) -> Condition:
    """Returns a condition for `column` matching `pattern`, where `*` matches any text."""
    literal = pattern.replace("[", "[[]").replace("?", "[?]")
    return Condition(f"{column} GLOB ?", (literal,))


def _joined(operator: str, conditions: list[Condition], otherwise: Condition) -> Condition:
    if not conditions:
        return otherwise
    if len(conditions) == 1:
        return conditions[0]
    sql = operator.join(f"({condition.sql})" for condition in conditions)
    return Condition(sql, tuple(value for condition in conditions for value in condition.values))

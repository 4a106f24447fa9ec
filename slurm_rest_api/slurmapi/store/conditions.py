"""Conditions on the columns of records: pieces of SQL that hold names of our own columns, and values bound to them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from slurm_rest_api.slurmapi.store.index_columns import Value

Operator = Literal["=", "<", ">", "<=", ">="]


class Condition(NamedTuple):
    """A piece of SQL with a question mark for each of its `values`."""

    sql: str
    values: tuple[Value, ...] = ()


ALWAYS: Final = Condition("1")
NEVER: Final = Condition("0")

# So many are looked for one by one; the loop that looks for any number takes five times as long on two.
_FEW_WORDS: Final = 8


def all_of(conditions: Iterable[Condition]) -> Condition:
    """Every one of `conditions` holds; always, when there is none."""
    return _joined(" AND ", [condition for condition in conditions if condition != ALWAYS], ALWAYS)


def any_of(conditions: Iterable[Condition]) -> Condition:
    """At least one of `conditions` holds; never, when there is none."""
    return _joined(" OR ", list(conditions), NEVER)


def none_of(conditions: Iterable[Condition]) -> Condition:
    """None of `conditions` holds; about what is null none does."""
    any_holds = any_of(conditions)
    return Condition(f"NOT coalesce({any_holds.sql}, 0)", any_holds.values)


def compares(column: str, operator: Operator, value: Value) -> Condition:
    """`column` stands in this relation to `value`."""
    return Condition(f"{column} {operator} ?", (value,))


def one_of(column: str, values: Sequence[Value]) -> Condition:
    """`column` is one of `values`."""
    return Condition(f"{column} IN ({', '.join('?' * len(values))})", tuple(values))


def one_of_many(column: str, values: Sequence[Value]) -> Condition:
    """As `one_of`, for more values than SQLite binds in one statement."""
    return Condition(f"{column} IN (SELECT value FROM json_each(?))", (json.dumps(values),))


def has_any_word(column: str, words: Sequence[str]) -> Condition:
    """The words of `column` have at least one of `words` among them."""
    if len(words) <= _FEW_WORDS:
        return any_of(Condition(f"instr({column}, ?)", (f",{word},",)) for word in words)
    # One bound value, however many words: SQLite limits how deep an expression may be.
    return Condition(
        f"EXISTS (SELECT 1 FROM json_each(?) WHERE instr({column}, value))",
        (json.dumps([f",{word}," for word in words]),),
    )


def has_waiting_task(column: str, task: int) -> Condition:
    """The tasks of `column`, as Slurm writes those of an array that wait, have `task` among them."""
    return Condition(f"has_task({column}, ?)", (task,))


def is_like(column: str, pattern: str) -> Condition:
    """`column` is `pattern`, in which `*` stands for anything."""
    literal = pattern.replace("[", "[[]").replace("?", "[?]")
    return Condition(f"{column} GLOB ?", (literal,))


def _joined(operator: str, conditions: list[Condition], otherwise: Condition) -> Condition:
    if not conditions:
        return otherwise
    if len(conditions) == 1:
        return conditions[0]
    sql = operator.join(f"({condition.sql})" for condition in conditions)
    return Condition(sql, tuple(value for condition in conditions for value in condition.values))

"""Comparisons in a query string, such as `?jobid<=987654` or `?jobid>5&jobid<10`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal, NamedTuple, cast

from flask import Request
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.utils import cached_property

Operator = Literal["<", ">", "<=", ">="]

COMPARED: Final = frozenset(
    (
        "jobid", "num_cpus", "num_nodes", "memory", "gpus", "tasks", "priority", "time_limit", "run_time",
        "submit_time", "start_time", "end_time", "cpus", "alloc_cpus", "idle_cpus", "cpu_load", "real_memory",
        "alloc_mem", "idle_mem", "free_mem", "weight", "free_gpus", "total_nodes", "total_cpus", "priority_tier",
    )
)  # fmt: skip
"""Parameters that accept an operator instead of the equals sign."""

_KEY: Final = re.compile(rf"({'|'.join(sorted(COMPARED))})([<>])(.*)", re.DOTALL)
_VALUE: Final = re.compile(r"(<=|>=|<|>)\s*(\d{1,16})", re.ASCII)


class Comparison(NamedTuple):
    """An operator and the whole number on its right."""

    operator: Operator
    number: int


class QueryArguments(ImmutableMultiDict[str, str]):
    """The parameters of a query string. `get` returns all values of a parameter that has different ones.

    flask-openapi3 reads parameters that are not lists with `get`. Their models then refuse a list.
    """

    def get(self, key: str, default: Any = None, type: Any = None) -> Any:  # type: ignore[override]  # noqa: A002
        """Returns the value of `key` that is not empty, a list if there is more than one, else as `MultiDict.get`."""
        values = [value for value in dict.fromkeys(self.getlist(key)) if value]
        if len(values) > 1:
            return values
        return values[0] if values and type is None else super().get(key, default, type)


class ComparingRequest(Request):
    """A request whose `args` hold comparisons as values: `<=5` and `<5` of `jobid`.

    Query strings are split at equals signs, so `jobid<=5` arrives as `jobid<` with the value `5`, and `jobid<5` as a
    name without a value.
    """

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """The parameters of the query, with operators moved from names to values."""
        return QueryArguments(_move_operators(super().args.items(multi=True)))


def _move_operators(items: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for key, value in items:
        match = _KEY.fullmatch(key)
        if match is None:
            yield key, value
            continue
        name, operator, rest = match.groups()
        # `jobid<=` without a number arrives like `jobid<`. Both are refused later, with their text.
        yield name, f"{operator}{rest}" if rest else f"{operator}={value}"


JOB_ID_DIGITS: Final = 10
NUMBER_DIGITS: Final = 16


def parse_comparison(text: str, digits: int = JOB_ID_DIGITS) -> Comparison:
    """Parses `<=5` into Comparison("<=", 5). The number has at most `digits` digits.

    Raises:
        ValueError: `text` is not a comparison.
    """
    match = _VALUE.fullmatch(text.strip())
    if match is None or len(match[2]) > digits:
        raise ValueError("expected a whole number after one of < > <= >=")
    return Comparison(cast(Operator, match[1]), int(match[2]))

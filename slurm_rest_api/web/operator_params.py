"""Comparisons in a query string, written as people type them: `?jobid<=987654`, `?jobid>5&jobid<10`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final, Literal, NamedTuple, cast

from flask import Request
from pydantic import BeforeValidator, WithJsonSchema
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.utils import cached_property

Operator = Literal["=", "<", ">", "<=", ">="]

COMPARED: Final = frozenset({"jobid"})
"""The parameters that may be followed by an operator in place of the equals sign."""

_KEY: Final = re.compile(rf"({'|'.join(sorted(COMPARED))})([<>])(.*)", re.DOTALL)
_VALUE: Final = re.compile(r"(<=|>=|<|>|=)?\s*(\d{1,10})", re.ASCII)


class Comparison(NamedTuple):
    """`operator` and the whole number on its right."""

    operator: Operator
    number: int

    def holds(self, value: int) -> bool:
        """Whether `value` stands in this relation to `number`."""
        if self.operator == "=":
            return value == self.number
        below = value < self.number if self.operator[0] == "<" else value > self.number
        return below or (len(self.operator) == 2 and value == self.number)


class ComparingRequest(Request):
    """A request whose `args` have comparisons where the parameter's name belongs.

    A query string is cut at its equals signs, so `jobid<=5` arrives as `jobid<` with the value `5`, and `jobid<5`
    as a name without a value. Here both are values of `jobid`: `<=5` and `<5`.
    """

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """The query's parameters, comparisons moved to the side of their values."""
        return ImmutableMultiDict(_moved(super().args.items(multi=True)))


def _moved(items: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for key, value in items:
        match = _KEY.fullmatch(key)
        if match is None:
            yield key, value
            continue
        name, operator, rest = match.groups()
        # `jobid<=` without a number reads like `jobid<`; neither can be used, and both are told by their text.
        yield name, f"{operator}{rest}" if rest else f"{operator}={value}"


def parse_comparison(text: str) -> Comparison:
    """`<=5` → Comparison("<=", 5); a number alone means `=`.

    Raises:
        ValueError: `text` is no comparison.
    """
    match = _VALUE.fullmatch(text.strip())
    if match is None:
        raise ValueError("expected a whole number, alone or after one of = < > <= >=")
    return Comparison(cast(Operator, match[1] or "="), int(match[2]))


def _comparisons(value: Any) -> Any:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list):
        return texts
    return tuple(parse_comparison(text) if isinstance(text, str) else text for text in texts)


Comparisons = Annotated[
    tuple[Comparison, ...],
    BeforeValidator(_comparisons),
    WithJsonSchema({"type": "array", "items": {"type": "string", "pattern": r"^(<=|>=|<|>|=)?\s*\d{1,10}$"}}),
]
"""A query parameter that may be given several times; all of its comparisons hold at once."""

"""Comparisons in a query string, such as `?jobid<=987654` or `?jobid>5&jobid<10`."""

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
"""Parameters that accept an operator instead of the equals sign."""

_KEY: Final = re.compile(rf"({'|'.join(sorted(COMPARED))})([<>])(.*)", re.DOTALL)
_VALUE: Final = re.compile(r"(<=|>=|<|>|=)?\s*(\d{1,10})", re.ASCII)


class Comparison(NamedTuple):
    """An operator and the whole number on its right."""

    operator: Operator
    number: int


class ComparingRequest(Request):
    """A request whose `args` hold comparisons as values: `<=5` and `<5` of `jobid`.

    Query strings are split at equals signs, so `jobid<=5` arrives as `jobid<` with the value `5`, and `jobid<5` as a
    name without a value.
    """

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """The parameters of the query, with operators moved from names to values."""
        return ImmutableMultiDict(_move_operators(super().args.items(multi=True)))


def _move_operators(items: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for key, value in items:
        match = _KEY.fullmatch(key)
        if match is None:
            yield key, value
            continue
        name, operator, rest = match.groups()
        # `jobid<=` without a number arrives like `jobid<`. Both are refused later, with their text.
        yield name, f"{operator}{rest}" if rest else f"{operator}={value}"


def parse_comparison(text: str) -> Comparison:
    """Parses `<=5` into Comparison("<=", 5). A number alone means `=`.

    Raises:
        ValueError: `text` is not a comparison.
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
"""A query parameter that may be repeated. A record has to meet all of its comparisons."""

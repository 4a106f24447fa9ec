"""Filters of numbers in a query: `num_cpus=8`, `num_cpus>=8`, `num_cpus>4&num_cpus<16`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import WithJsonSchema

from slurm_rest_api.contract_base import LARGEST_NUMBER
from slurm_rest_api.web.name_lists import MAX_NAMES, list_schema, parsed_with, split_names
from slurm_rest_api.web.operator_params import NUMBER_DIGITS, parse_comparison

MAX_COMPARISONS: Final = 20
"""Maximum comparisons of one parameter."""

_NUMBER: Final = re.compile(r"\d{1,16}", re.ASCII)


@dataclass(frozen=True)
class NumberFilter:
    """Matches numbers that are one of `values` (any value if empty) and within both bounds, which are inclusive.

    `values` may have words of the field, such as `UNLIMITED`.
    """

    values: tuple[int | str, ...] = ()
    at_least: int | None = None
    at_most: int | None = None


def parse_number_filter(texts: Sequence[str], words: Sequence[str] = ()) -> NumberFilter:
    """Parses the values of a parameter: whole numbers, `words` in any case, and comparisons, separated by commas.

    Raises:
        ValueError: a value is none of these, or there are more than MAX_NAMES of them or MAX_COMPARISONS comparisons.
    """
    names = split_names(texts)
    compared = [parse_comparison(name, NUMBER_DIGITS) for name in names if name[0] in "<>"]
    values = dict.fromkeys(_value(name, words) for name in names if name[0] not in "<>")
    if len(values) > MAX_NAMES:
        raise ValueError(f"expected at most {MAX_NAMES} numbers")
    if len(compared) > MAX_COMPARISONS:
        raise ValueError(f"expected at most {MAX_COMPARISONS} comparisons")
    # The numbers are whole, so that `>5` is `>=6`. Only the narrowest bounds are compared with each record.
    lower = [number + (operator == ">") for operator, number in compared if operator[0] == ">"]
    upper = [number - (operator == "<") for operator, number in compared if operator[0] == "<"]
    return NumberFilter(tuple(values), max(lower, default=None), min(upper, default=None))


def _value(text: str, words: Sequence[str]) -> int | str:
    bare = text.removeprefix("=").lstrip()
    if _NUMBER.fullmatch(bare) and int(bare) <= LARGEST_NUMBER:
        return int(bare)
    for word in words:
        if bare.casefold() == word.casefold():
            return word
    more = f", {' or '.join(words)}" if words else ""
    raise ValueError(f"expected a whole number{more}, or a comparison such as >=8")


def _parser(words: Sequence[str]) -> Callable[[Sequence[str]], NumberFilter]:
    return lambda texts: parse_number_filter(texts, words)


def _schema(example: str, words: Sequence[str] = ()) -> WithJsonSchema:
    plain = "|".join((r"=?\s*\d{1,16}", *words))
    return list_schema("One or more, separated by commas.", example, pattern=rf"^((<=|>=|<|>)\s*\d{{1,16}}|{plain})$")


NumberFilterParam = Annotated[NumberFilter, parsed_with(_parser(())), _schema("8")]
"""A query parameter: `8,16` means either of these numbers. A record has to meet every comparison."""

TIME_LIMIT_WORDS: Final = ("UNLIMITED", "Partition_Limit")
"""The values of a job's time limit that are not numbers."""

TimeLimitParam = Annotated[NumberFilter, parsed_with(_parser(TIME_LIMIT_WORDS)), _schema("60", TIME_LIMIT_WORDS)]
"""Works like `NumberFilterParam`, with the words of `TIME_LIMIT_WORDS`."""

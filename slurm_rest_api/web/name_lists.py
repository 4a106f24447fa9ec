"""Query parameters that hold lists of names: `a,b`, filters such as `a,!b`, and `fields`.

The values of a repeated parameter are joined. A backslash takes the next character literally, so every name can be
written. Before a letter, a digit or `_` of ASCII it is a character of the name, as in `DOMAIN\\user`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, NamedTuple, TypeVar

from pydantic import BeforeValidator, WithJsonSchema

from slurm_rest_api.errors import BadParameter
from slurm_rest_api.web.error_texts import first_few, nearest, shown

Parsed = TypeVar("Parsed")

_PIECE: Final = re.compile(r"\\[^A-Za-z0-9_]|.", re.DOTALL)
_EMPTY: Final = "expected names, separated by single commas"
_ESCAPED: Final = re.compile(r"\\([^A-Za-z0-9_])", re.DOTALL)


def parsed_with(parse: Callable[[Sequence[str]], Parsed]) -> BeforeValidator:
    """Returns a validator that calls `parse` with the values of a parameter. It may be repeated."""

    def read(value: Any) -> Any:
        if isinstance(value, str):
            return parse((value,))
        return parse(value) if isinstance(value, list) and all(isinstance(text, str) for text in value) else value

    return BeforeValidator(read)


def list_schema(description: str, *examples: str, pattern: str | None = None) -> WithJsonSchema:
    """Returns the schema of a list parameter. flask-openapi3 reads all values only if its type is `array`."""
    items = {"type": "string"} | ({} if pattern is None else {"pattern": pattern})
    shown = {} if not examples else {"examples": [list(examples)]}
    return WithJsonSchema({"type": "array", "items": items, "description": description, **shown})


def split_names(texts: Sequence[str]) -> tuple[str, ...]:
    """Splits each text at its commas: `a, b\\,c` becomes ("a", "b\\,c"), still with backslashes.

    Raises:
        ValueError: a name is empty.
    """
    if not any("\\" in text for text in texts):
        names = [name.strip() for text in texts for name in text.split(",")]
        if "" in names:
            raise ValueError(_EMPTY)
        return tuple(names)
    parts: list[list[str]] = []
    for text in texts:
        parts.append([])
        for piece in _PIECE.findall(text):
            if piece == ",":
                parts.append([])
            elif parts[-1] or not piece.isspace():
                parts[-1].append(piece)
    for part in parts:
        while part and part[-1].isspace():
            part.pop()
    if [] in parts:
        raise ValueError(_EMPTY)
    return tuple("".join(part) for part in parts)


def unescape(name: str) -> str:
    """Returns a name of `split_names` without its backslashes."""
    return _ESCAPED.sub(r"\1", name)


def split_pattern(name: str) -> tuple[str, ...]:
    """Splits a name of `split_names` at each `*` that has no backslash, and removes the backslashes."""
    pieces = [""]
    for piece in _PIECE.findall(name):
        if piece == "*":
            pieces.append("")
        else:
            pieces[-1] += piece
    return tuple(map(unescape, pieces))


def parse_names(texts: Sequence[str]) -> tuple[str, ...]:
    """Parses the values of a parameter to names: `a, b\\,c` becomes ("a", "b,c").

    Raises:
        ValueError: a name is empty.
    """
    return tuple(map(unescape, split_names(texts)))


CommaList = Annotated[tuple[str, ...], parsed_with(parse_names), list_schema("One or more, separated by commas.")]
"""A query parameter: `a,b,c` becomes ("a", "b", "c"). Refuses empty names."""


class NameFilter(NamedTuple):
    """Matches the names in `include` (any name if empty) that are not in `exclude`."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]


MAX_NAMES: Final = 200
"""Maximum names in one filter."""

MAX_PATTERNS: Final = 20
"""Maximum names with a `*` in one filter, because each of them is compared with each record."""


def parse_few_names(texts: Sequence[str]) -> tuple[str, ...]:
    """Parses the values of a filter that excludes no names.

    Raises:
        ValueError: a name is empty or begins with `!`, or there are more than MAX_NAMES.
    """
    names = _at_most(MAX_NAMES, split_names(texts))
    if any(name.startswith("!") for name in names):
        raise ValueError("names cannot be excluded here. Write \\! for a name that begins with !")
    return tuple(map(unescape, names))


def parse_name_filter(texts: Sequence[str], read: Callable[[str], str] = unescape) -> NameFilter:
    """Parses `a,!b` into NameFilter(("a",), ("b",)). `read` normalizes each name of `split_names`.

    Raises:
        ValueError: a name is empty or refused by `read`, or there are more than MAX_NAMES.
    """
    names = _at_most(MAX_NAMES, split_names(texts))
    if "!" in names:
        raise ValueError("expected a name after each !")
    include = tuple(read(name) for name in names if not name.startswith("!"))
    return NameFilter(include, tuple(read(name[1:]) for name in names if name.startswith("!")))


def parse_pattern_filter(texts: Sequence[str]) -> NameFilter:
    """Parses `a*,!b` into NameFilter(("a*",), ("b",)), whose names are patterns for `split_pattern`.

    Raises:
        ValueError: a name is empty, or there are more than MAX_NAMES, or more than MAX_PATTERNS with a `*`.
    """
    found = parse_name_filter(texts, str)
    if sum("*" in name for names in found for name in names) > MAX_PATTERNS:
        raise ValueError(f"expected at most {MAX_PATTERNS} names with *")
    return found


def _at_most(limit: int, names: tuple[str, ...]) -> tuple[str, ...]:
    if len(names) > limit:
        raise ValueError(f"expected at most {limit} names")
    return names


FewNames = Annotated[tuple[str, ...], parsed_with(parse_few_names), list_schema("One or more, separated by commas.")]
"""A filter: records with one of these names match."""
NAME_FILTER_SCHEMA: Final = list_schema("One or more, separated by commas. `!` before a name excludes it.")
NameFilterParam = Annotated[NameFilter, parsed_with(parse_name_filter), NAME_FILTER_SCHEMA]
"""A query parameter: `a,b,!c` becomes NameFilter(("a", "b"), ("c",))."""
PatternFilterParam = Annotated[NameFilter, parsed_with(parse_pattern_filter), NAME_FILTER_SCHEMA]
"""Works like `NameFilterParam`, but the names are patterns for `split_pattern`."""


def chosen_fields(requested: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    """Returns the requested fields in their order, without duplicates, or all of `known` if `requested` is None.

    Raises:
        BadParameter: names the first unknown fields.
    """
    if requested is None:
        return tuple(known)
    names = frozenset(known)
    unknown = [name for name in dict.fromkeys(requested) if name not in names]
    if unknown:
        faults = first_few(unknown, lambda name: f"Unknown field in `fields`: {shown(name)}.{nearest(name, known)}")
        raise BadParameter(f"{faults} Known fields: {', '.join(known)}.", parameter="fields")
    return tuple(dict.fromkeys(requested))

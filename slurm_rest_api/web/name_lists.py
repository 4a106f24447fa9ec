"""Query parameters that hold names: comma lists, filters such as `a,!b`, and `fields`."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BeforeValidator, WithJsonSchema

from slurm_rest_api.errors import BadParameter


def split_names(text: str) -> tuple[str, ...]:
    """Splits `a, b,c` into ("a", "b", "c").

    Raises:
        ValueError: a name is empty.
    """
    names = tuple(part.strip() for part in text.split(","))
    if "" in names:
        raise ValueError("expected names, separated by single commas")
    return names


def _split(value: Any) -> Any:
    return split_names(value) if isinstance(value, str) else value


CommaList = Annotated[
    tuple[str, ...],
    BeforeValidator(_split),
    WithJsonSchema({"type": "string", "description": "One or more, separated by commas."}),
]
"""A query parameter: `a,b,c` becomes ("a", "b", "c"). Refuses empty names."""


class NameFilter(NamedTuple):
    """Matches the names in `include` (any name if empty) that are not in `exclude`."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]


MAX_NAMES: Final = 200
"""Maximum names in one filter, because each name is compared with each record."""


def parse_name_filter(text: str, read: Callable[[str], str] = str) -> NameFilter:
    """Parses `a,!b` into NameFilter(("a",), ("b",)). `read` normalizes each name.

    Raises:
        ValueError: a name is empty or refused by `read`, or there are more than MAX_NAMES.
    """
    names = split_names(text)
    if len(names) > MAX_NAMES:
        raise ValueError(f"expected at most {MAX_NAMES} names")
    if "!" in names:
        raise ValueError("expected a name after each !")
    include = tuple(read(name) for name in names if not name.startswith("!"))
    return NameFilter(include, tuple(read(name[1:]) for name in names if name.startswith("!")))


NAME_FILTER_SCHEMA: Final = WithJsonSchema(
    {"type": "string", "description": "One or more, separated by commas. `!` before a name excludes it."}
)
NameFilterParam = Annotated[
    NameFilter,
    BeforeValidator(lambda value: parse_name_filter(value) if isinstance(value, str) else value),
    NAME_FILTER_SCHEMA,
]
"""A query parameter: `a,b,!c` becomes NameFilter(("a", "b"), ("c",))."""


def nearest(name: str, known: Collection[str]) -> str:
    """Returns ` Did you mean `x`?`, with a leading space, or an empty text if no known name is similar."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean `{near[0]}`?" if near else ""


def chosen_fields(requested: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    """Returns the requested fields in their order, without duplicates, or all of `known` if `requested` is None.

    Raises:
        BadParameter: names all unknown fields.
    """
    if requested is None:
        return tuple(known)
    unknown = [name for name in dict.fromkeys(requested) if name not in known]
    if unknown:
        faults = " ".join(f"Unknown field in `fields`: {name!r}.{nearest(name, known)}" for name in unknown)
        raise BadParameter(f"{faults} Known fields: {', '.join(known)}.", parameter="fields")
    return tuple(dict.fromkeys(requested))

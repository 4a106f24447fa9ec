"""Parameters that hold names: comma lists, and the fields an answer is asked for."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BeforeValidator, WithJsonSchema

from slurm_rest_api.errors import BadParameter


def split_names(text: str) -> tuple[str, ...]:
    """`a, b,c` → ("a", "b", "c").

    Raises:
        ValueError: a name is empty.
    """
    names = tuple(part.strip() for part in text.split(","))
    if "" in names:
        raise ValueError("expected names with single commas between them")
    return names


def _split(value: Any) -> Any:
    return split_names(value) if isinstance(value, str) else value


CommaList = Annotated[
    tuple[str, ...],
    BeforeValidator(_split),
    WithJsonSchema({"type": "string", "description": "One, or several with commas between them."}),
]
"""`a,b,c` → ("a", "b", "c"); empty names are refused."""


class NameFilter(NamedTuple):
    """What is wanted (anything, when empty) and what is not."""

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]


MOST_NAMES: Final = 200
"""A request that names more is refused: each name costs a look at each record."""


def parse_choice(text: str, read: Callable[[str], str] = str) -> NameFilter:
    """`a,!b` → what is wanted and what is not; `read` turns each name into its usual form.

    Raises:
        ValueError: a name is empty, or `read` refuses it, or there are too many.
    """
    names = split_names(text)
    if len(names) > MOST_NAMES:
        raise ValueError(f"expected at most {MOST_NAMES} names")
    if "!" in names:
        raise ValueError("expected a name behind each !")
    wanted = tuple(read(name) for name in names if not name.startswith("!"))
    return NameFilter(wanted, tuple(read(name[1:]) for name in names if name.startswith("!")))


CHOICE_SCHEMA: Final = WithJsonSchema(
    {"type": "string", "description": "One, or several with commas between them; `!` before one excludes it."}
)
NameFilterParam = Annotated[
    NameFilter,
    BeforeValidator(lambda value: parse_choice(value) if isinstance(value, str) else value),
    CHOICE_SCHEMA,
]
"""`a,b,!c` → Choice(("a", "b"), ("c",))."""


def nearest(name: str, known: Collection[str]) -> str:
    """` Did you mean 'x'?`, or nothing when no known name is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def chosen_fields(requested: Sequence[str] | None, known: Sequence[str]) -> tuple[str, ...]:
    """The fields to answer with, in the order asked for, each once; all of `known` when none is asked for.

    Raises:
        BadParameter: a field is unknown; all unknown ones are named.
    """
    if requested is None:
        return tuple(known)
    unknown = [name for name in dict.fromkeys(requested) if name not in known]
    if unknown:
        told = " ".join(f"There is no field {name!r}.{nearest(name, known)}" for name in unknown)
        raise BadParameter(f"{told} The fields are: {', '.join(known)}.", parameter="fields")
    return tuple(dict.fromkeys(requested))

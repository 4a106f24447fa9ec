"""Parameters that hold names: comma lists, and the fields an answer is asked for."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from typing import Annotated, Any

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

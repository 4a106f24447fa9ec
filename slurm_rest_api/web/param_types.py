"""Types of query parameters that both live and accounting routes use."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, WithJsonSchema

from slurm_rest_api.slurm.hostlist import expand_at_most

Text = Annotated[str, Field(min_length=1, max_length=1024)]
NODES_SCHEMA: Final = WithJsonSchema({"type": "string", "examples": ["rack[001-003]"]})


def parse_nodes(text: str, limit: int) -> tuple[str, ...]:
    """Expands a node name or hostlist to at most `limit` node names.

    Raises:
        ValueError: the text is not a hostlist, names no node, or names more than `limit`.
    """
    names = tuple(expand_at_most(text, limit))
    if not names:
        raise ValueError("expected a node name or a hostlist such as rack[001-003]")
    return names

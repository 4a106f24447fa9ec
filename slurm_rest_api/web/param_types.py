"""Types of query parameters that both live and accounting routes use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from slurm_rest_api.slurm.hostlist import expand
from slurm_rest_api.web.name_lists import list_schema

Text = Annotated[str, Field(min_length=1, max_length=1024)]
NODES_SCHEMA: Final = list_schema("Hostlists.", "rack[001-003]")


def parse_nodes(texts: Sequence[str], limit: int) -> tuple[str, ...]:
    """Expands node names and hostlists to at most `limit` node names.

    Raises:
        ValueError: a text is not a hostlist, names no node, or they name more than `limit`.
    """
    names: dict[str, None] = {}
    for text in texts:
        names |= dict.fromkeys(expand(text, limit - len(names)))
    if not names:
        raise ValueError("expected a node name or a hostlist such as rack[001-003]")
    return tuple(names)

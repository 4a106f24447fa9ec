"""Which job records ran on a node: their hostlists have to be expanded for that, which SQL cannot. Pure."""

from __future__ import annotations

from functools import lru_cache

from slurm_rest_api.acctapi import encodings
from slurm_rest_api.slurm.hostlist import expand


def ran_on(nodelist: str | None, nodes: frozenset[str]) -> bool:
    """Whether a stored hostlist has one of `nodes`."""
    return not nodes.isdisjoint(_names(nodelist))


@lru_cache(maxsize=4096)
def _names(nodelist: str | None) -> frozenset[str]:
    try:
        return frozenset(expand(encodings.hostlist(nodelist)))
    except ValueError:
        # Whatever stands in the table and is no hostlist names no node.
        return frozenset()

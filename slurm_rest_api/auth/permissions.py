"""Which routes a principal may ask, from its role and from what the site keeps private. Pure.

Only what has no owner is closed as a whole, as slurmctld refuses node and partition information where that is private.
Records that have an owner are chosen one by one: see `auth.scope`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from slurm_rest_api.auth.principal import Principal

# First part of the path: the words of PrivateData that close it. The other words narrow what it answers.
_DENIED_BY: Final = {
    "queue": frozenset[str](),
    "history": frozenset[str](),
    "users": frozenset[str](),
    "nodes": frozenset(("nodes",)),
    "partitions": frozenset(("partitions",)),
    "usage": frozenset(("usage", "nodes", "partitions")),
    "load": frozenset(("usage", "nodes", "partitions")),
    "stats": frozenset[str](),
    "metrics": frozenset[str](),
}
# The home page lists routes; whoever reads it asks them with their own token.
_HOME: Final = "/"
_PUBLIC: Final = frozenset({"health", "openapi", "pages"})


def is_allowed(principal: Principal, path: str, private: Collection[str]) -> bool:
    """Whether `principal` may ask for `path`. A path that is not known here is closed once anything is private."""
    if principal.role == "admin" or not private:
        return True
    # /nodes, /nodes/rack001 and /nodes.csv show the same.
    route = path.lstrip("/").partition("/")[0].partition(".")[0]
    if path == _HOME or route in _PUBLIC:
        return True
    return route in _DENIED_BY and _DENIED_BY[route].isdisjoint(private)

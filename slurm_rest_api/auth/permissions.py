"""Route permissions by role and `auth.private_data`.

Routes whose data has no owner are refused as a whole, like slurmctld refuses node and partition information where
that is private. Records with an owner are filtered one by one: see `auth.data_scope`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from slurm_rest_api.auth.principal import Principal
from slurm_rest_api.errors import Forbidden

# First part of the path: the words of PrivateData that deny it. The other words only narrow its answers.
_DENIED_BY: Final = {
    "queue": frozenset[str](),
    "history": frozenset[str](),
    "jobs": frozenset[str](),
    "users": frozenset[str](),
    "qos": frozenset[str](),
    "events": frozenset(("events", "nodes")),
    "accounts": frozenset[str](),
    "utilization": frozenset[str](),
    "nodes": frozenset(("nodes",)),
    "partitions": frozenset(("partitions",)),
    "reservations": frozenset[str](),
    "licenses": frozenset[str](),
    # Its answers name nodes and partitions.
    "availability": frozenset(("nodes", "partitions")),
    # sinfo shows how much of each node is allocated, whatever PrivateData=usage hides.
    "usage": frozenset(("nodes", "partitions")),
    "load": frozenset(("nodes", "partitions")),
    "fairshare": frozenset[str](),
    "stats": frozenset[str](),
    "metrics": frozenset[str](),
}
# The home page only links to routes. Its scripts send the user's own token to them.
_HOME: Final = "/"
_PUBLIC: Final = frozenset({"health", "openapi", "pages"})


def authorize(principal: Principal, path: str, private: Collection[str]) -> None:
    """Checks that `principal` may read `path`, where `private` is `auth.private_data`.

    A path that is not listed here is refused as soon as anything is private.

    Raises:
        Forbidden: names the route and the words of the setting that deny it.
    """
    if principal.role == "admin" or not private:
        return
    # /nodes, /nodes/rack001 and /nodes.csv show the same data.
    route = path.lstrip("/").partition("/")[0].partition(".")[0]
    if path == _HOME or route in _PUBLIC:
        return
    denied_by = _DENIED_BY.get(route, private)
    if reasons := [word for word in private if word in denied_by]:
        raise Forbidden(f"Your role may not read /{route} (`auth.private_data`: {', '.join(reasons)}).")

"""What a principal may ask, from its role and from what the site keeps private. Pure.

Routes are closed as a whole. Several kinds of data meet in most answers (a job names its user and its account, a load
sample counts jobs), so a route is closed as soon as one of them is private: what is answered never depends on a filter.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from slurm_rest_api.auth.principal import Principal

# First part of the path: what its answers show, in the words of PrivateData.
_SHOWS: Final = {
    "queue": {"jobs", "users", "accounts"},
    "history": {"jobs", "usage", "users", "accounts"},
    "users": {"users", "accounts"},
    "nodes": {"nodes", "users"},
    "partitions": {"partitions", "accounts"},
    "usage": {"usage", "jobs", "nodes", "partitions"},
    "load": {"usage", "jobs", "nodes", "partitions"},
    "stats": {"jobs", "usage", "users"},
    "metrics": {"jobs", "usage", "accounts", "nodes", "partitions", "users"},
}
# The home page lists routes; whoever reads it asks them with their own token.
_HOME: Final = "/"
_SHOW_NOTHING: Final = frozenset({"health", "openapi", "pages"})


def may_ask(principal: Principal, path: str, private: Collection[str]) -> bool:
    """Whether `principal` may ask for `path`. A path that is not known here is closed once anything is private."""
    if principal.role == "admin" or not private:
        return True
    # /nodes, /nodes/rack001 and /nodes.csv show the same.
    route = path.lstrip("/").partition("/")[0].partition(".")[0]
    if path == _HOME or route in _SHOW_NOTHING:
        return True
    return route in _SHOWS and _SHOWS[route].isdisjoint(private)

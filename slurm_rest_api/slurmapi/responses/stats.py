"""Scheduler statistics for who may not see other users: of the calls by user only one's own; pure."""

from __future__ import annotations

import orjson


def only_user_rpcs(document: bytes, user: str) -> bytes:
    """The rendered statistics, in which `rpc_user_stats` has nobody but `user`."""
    statistics = orjson.loads(document)
    calls = statistics.get("rpc_user_stats") or {}
    return orjson.dumps({**statistics, "rpc_user_stats": {name: calls[name] for name in calls if name == user}})

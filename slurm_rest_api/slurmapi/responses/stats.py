"""Builds the body of /stats: one JSON object, or a table with a row for each figure."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from slurm_rest_api.slurmapi.responses.json_stream import in_envelope, with_fields
from slurm_rest_api.slurmapi.responses.records import Body
from slurm_rest_api.slurmapi.responses.snapshot import Snapshot
from slurm_rest_api.web.text_formats import Format, flat, table_of


def stats_body(
    snapshot: Snapshot,
    fields: Sequence[str] | None,
    format: Format,  # noqa: A002 - the parameter's own name
    only_user: str | None,
) -> Body:
    """Returns the statistics with only `fields`. With `only_user`, RPCs by user are those of this user alone."""
    document = snapshot.view.document("stats")
    if only_user is not None:
        document = only_user_rpcs(document, only_user)
    document = with_fields(document, fields)
    if format == "json":
        return Body(in_envelope([document], snapshot.meta))
    rows = [{"name": name, "value": value} for name, value in flat(orjson.loads(document)).items()]
    return Body(table_of(format, rows, ("name", "value")))


def only_user_rpcs(document: bytes, user: str) -> bytes:
    """Returns the rendered statistics with only `user` in `rpc_user_stats`."""
    statistics = orjson.loads(document)
    rpcs = statistics.get("rpc_user_stats") or {}
    return orjson.dumps({**statistics, "rpc_user_stats": {name: rpcs[name] for name in rpcs if name == user}})

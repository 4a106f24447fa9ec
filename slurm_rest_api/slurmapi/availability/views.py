"""The route /availability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson
from flask import Response
from flask_openapi3 import APIBlueprint

from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.slurmapi.availability.contract import FIELDS, AvailabilityResponse
from slurm_rest_api.slurmapi.availability.parameters import AvailabilityParameters, request_of
from slurm_rest_api.slurmapi.availability.read import availability
from slurm_rest_api.slurmapi.responses.json_stream import in_envelope
from slurm_rest_api.slurmapi.responses.records import Body
from slurm_rest_api.slurmapi.responses.responder import Responder
from slurm_rest_api.slurmapi.responses.snapshot import Snapshot
from slurm_rest_api.web.name_lists import chosen_fields
from slurm_rest_api.web.routes import LIVE_TAG, add_csv_route, create_blueprint
from slurm_rest_api.web.text_formats import Format, flat, table_of

AVAILABILITY: Final = "availability"
"""Name of the blueprint."""

_TABLE_FIELDS: Final = ("partition", "answer", "free_nodes", "fitting_nodes", "missing_nodes", "nodes", "limits")


def availability_blueprint(responder: Responder) -> APIBlueprint:
    """Returns the blueprint of /availability."""
    blueprint = create_blueprint(AVAILABILITY, __name__, LIVE_TAG, "400", "412", "503")

    @blueprint.get("/availability", summary="Where a job could start now", responses={"200": AvailabilityResponse})
    def available(query: AvailabilityParameters) -> Response:
        """Partitions that would take such a job, the nodes on which it could start now, and what is short elsewhere."""
        usual = _TABLE_FIELDS if query.format == "table" else FIELDS
        fields = usual if query.fields is None else chosen_fields(query.fields, FIELDS)
        request = request_of(query)

        def body(snapshot: Snapshot, scope: DataScope) -> Body:
            found = availability(snapshot.view, request, int(snapshot.loaded_at), scope, query.partition)
            return _body(snapshot, found, fields, query.format)

        return responder.computed(body, query.format)

    add_csv_route(blueprint, "/availability", available)
    return blueprint


def _body(
    snapshot: Snapshot,
    found: Sequence[dict[str, Any]],
    fields: Sequence[str],
    format: Format,  # noqa: A002 - the parameter's own name
) -> Body:
    records = [{name: record[name] for name in fields} for record in found]
    if format == "json":
        meta = {name: snapshot.meta[name] for name in ("source", "source_detail", "stale", "error")}
        names = [record["partition"] for record in found]
        data = orjson.dumps(dict(zip(names, records, strict=True)))
        return Body(in_envelope([data], {**meta, "total": len(found)}), len(found))
    if format == "ndjson":
        return Body(table_of(format, records, ()), len(found))
    rows = [flat(record) for record in records]
    return Body(table_of(format, rows, tuple(rows[0]) if rows else tuple(fields)), len(found))

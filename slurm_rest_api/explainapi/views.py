"""The route /queue/{jobid}/explain."""

from __future__ import annotations

import hashlib
import time
from typing import Any, Final

import orjson
from flask import Response, request
from flask_openapi3 import APIBlueprint

from slurm_rest_api.acctapi.views import Accounting
from slurm_rest_api.auth.data_scope import EVERYTHING
from slurm_rest_api.explainapi.contract import FIELDS, ExplainAnswer
from slurm_rest_api.explainapi.dependency_states import described
from slurm_rest_api.explainapi.explanation import Explanation, explain
from slurm_rest_api.explainapi.limits import read_limits
from slurm_rest_api.jobsapi.lookup import without_date
from slurm_rest_api.slurmapi.query.parameters import JobPath, RecordParameters
from slurm_rest_api.slurmapi.query.row_access import row_filter_for
from slurm_rest_api.slurmapi.responses.refresh import Refresher
from slurm_rest_api.slurmapi.responses.snapshot import LiveState, Snapshot
from slurm_rest_api.web.auth import current_scope
from slurm_rest_api.web.conditional import buffered_or_streamed_response, no_store, not_modified
from slurm_rest_api.web.envelope import JSON
from slurm_rest_api.web.name_lists import chosen_fields
from slurm_rest_api.web.response_cache import DEFAULT_LIFETIME_SECONDS, do_not_cache, limit_cache_lifetime
from slurm_rest_api.web.routes import LIVE_TAG, create_blueprint
from slurm_rest_api.web.server import client_disconnected_check

EXPLAIN: Final = "explainapi"
"""Name of the blueprint."""


def explain_blueprint(live: LiveState, refresher: Refresher, accounting: Accounting | None) -> APIBlueprint:
    """Creates the blueprint of explanations. Without `accounting` only jobs that slurmctld has are looked up."""
    blueprint = create_blueprint(EXPLAIN, __name__, LIVE_TAG, "400", "404", "412", "503")

    @blueprint.get("/queue/<jobid>/explain", summary="Why a job is pending", responses={"200": ExplainAnswer})
    def explain_job(path: JobPath, query: RecordParameters) -> Response:
        """Explains what a pending job waits for: reason, rank, estimated start, dependencies, limits."""
        if request.cache_control.no_cache:
            refresher.refresh(client_disconnected_check())
        scope = current_scope()
        fields = None if query.fields is None else chosen_fields(query.fields, FIELDS)
        visible = row_filter_for("queue", scope)
        # Before the snapshot is opened, because the database may take its time.
        needs_limits = fields is None or "limits" in fields
        reference, limits_failure = read_limits(accounting if needs_limits else None)
        with live.open("queue", visible.cache_key, client_disconnected_check()) as snapshot:
            needs_nodes = fields is None or "availability" in fields
            found = explain(snapshot, path.jobid, visible, scope, reference, with_availability=needs_nodes)
        # The snapshot is closed.
        dependencies, failure = described(found.dependencies, found.dependencies_in_queue, accounting, scope)
        if found.pending:
            failure = failure or limits_failure
        response = _response(snapshot, _record(found, dependencies, fields), failure)
        if failure is not None:
            # The database may answer the next request.
            do_not_cache()
        elif scope != EVERYTHING or dependencies:
            # The coordinators of accounts may change, and jobs that only the database has.
            limit_cache_lifetime(DEFAULT_LIFETIME_SECONDS)
        elif accounting is not None:
            limit_cache_lifetime(accounting.reference_data.lifetime_seconds)
        return response

    return blueprint


def _record(found: Explanation, dependencies: list[dict[str, Any]], fields: tuple[str, ...] | None) -> dict[str, Any]:
    record = {**found.record, "dependencies": dependencies}
    return {field: record[field] for field in fields or FIELDS}


def _response(snapshot: Snapshot, record: dict[str, Any], failure: str | None) -> Response:
    """Returns a 200 or a 304. A response that lacks what the accounting database has may not be stored."""
    error = snapshot.meta["error"]
    details = [detail for detail in (None if error is None else error["detail"], failure) if detail is not None]
    meta = {
        "source": snapshot.meta["source"],
        "source_detail": snapshot.meta["source_detail"],
        "stale": snapshot.stale,
        "error": {"detail": " ".join(details)} if details else None,
    }
    body = orjson.dumps({"data": record, "meta": meta})
    now = time.time()
    representation = without_date(snapshot, hashlib.blake2b(body, digest_size=16).hexdigest())
    response = not_modified(representation, now) or buffered_or_streamed_response(
        representation, iter([body]), now, mimetype=JSON
    )
    del response.headers["Last-Modified"]
    return response if failure is None else no_store(response)

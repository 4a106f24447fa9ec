"""The route /metrics."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response
from flask_openapi3 import APIBlueprint
from prometheus_client import CONTENT_TYPE_LATEST

from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.web.auth import current_scope
from slurm_rest_api.web.parameters import Parameters
from slurm_rest_api.web.routes import HEALTH_TAG, create_blueprint


def metrics_blueprint(text: Callable[[DataScope], bytes]) -> APIBlueprint:
    """Returns the blueprint of /metrics. `text` renders the metrics that the current user may see."""
    blueprint = create_blueprint("metrics", __name__, HEALTH_TAG, "400", "503")

    @blueprint.get(
        "/metrics",
        summary="Metrics",
        responses={"200": {"description": "Metrics", "content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    def metrics(query: Parameters) -> Response:
        """Figures of the service and of the cluster in Prometheus' text format."""
        response = Response(text(current_scope()), content_type=CONTENT_TYPE_LATEST)
        response.headers["Cache-Control"] = "no-store"
        return response

    return blueprint

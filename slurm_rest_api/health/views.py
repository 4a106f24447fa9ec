"""The routes /health (checks all configured parts) and /health/live (checks that this worker answers)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import orjson
from flask import Response
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field

from slurm_rest_api.contract_base import OpenAPIModel
from slurm_rest_api.health.checks import Check, Part
from slurm_rest_api.version import __version__
from slurm_rest_api.web.envelope import JSON
from slurm_rest_api.web.parameters import Parameters
from slurm_rest_api.web.routes import HEALTH_TAG, create_blueprint


class Health(BaseModel):
    """The state of all parts."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["ok", "broken"] = Field(description="broken if any part is.")
    parts: dict[str, Part] = Field(description="Parts by name: snapshot, and the configured ones.")


class HealthMeta(BaseModel):
    """About the service."""

    model_config = ConfigDict(extra="forbid")

    version: str = Field(description="Version of slurm-rest-api.")


class HealthAnswer(OpenAPIModel):
    """The response of /health, for the statuses 200 and 503."""

    model_config = ConfigDict(extra="forbid")

    data: Health
    meta: HealthMeta


def health_blueprint(checks: Mapping[str, Check]) -> APIBlueprint:
    """Creates the blueprint for `checks`, by name."""
    blueprint = create_blueprint("health", __name__, HEALTH_TAG, "400")

    @blueprint.get("/health", summary="Readiness", responses={"200": HealthAnswer, "503": HealthAnswer})
    def health(query: Parameters) -> Response:
        """Returns the state of each configured part. The status is 503 if one is broken."""
        return _answer({name: check() for name, check in checks.items()})

    @blueprint.get("/health/live", summary="Liveness", responses={"200": HealthAnswer})
    def live(query: Parameters) -> Response:
        """Returns 200 as long as this worker answers."""
        return _answer({})

    return blueprint


def _answer(parts: Mapping[str, Part]) -> Response:
    broken = any(part.state == "broken" for part in parts.values())
    answer = HealthAnswer(
        data=Health(status="broken" if broken else "ok", parts=dict(parts)), meta=HealthMeta(version=__version__)
    )
    response = Response(orjson.dumps(answer.model_dump()), status=503 if broken else 200, mimetype=JSON)
    response.headers["Cache-Control"] = "no-store"
    return response

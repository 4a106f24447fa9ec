"""The two shapes of every answer: `{"data", "meta"}` and `{"errors"}`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson
from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from slurm_rest_api.contract_base import OpenAPIModel

JSON: Final = "application/json"


class ErrorSource(BaseModel):
    """Where in the request the fault lies."""

    parameter: str = Field(description="Name of the query parameter.")


class ErrorMeta(BaseModel):
    """Kept for pages of 2018, which show `errors[0].meta.args`."""

    args: list[str] = Field(description="The detail once more, as the only element.")


class Fault(BaseModel):
    """One thing that is wrong."""

    model_config = ConfigDict(extra="forbid")

    status: str = Field(description="The HTTP status, as text.")
    title: str = Field(description="The kind of error; the same for all of its kind.")
    detail: str = Field(description="What is wrong here, with which value, and what to do.")
    source: ErrorSource | None = Field(None, description="Present when a parameter is at fault.")
    meta: ErrorMeta


class ErrorAnswer(OpenAPIModel):
    """Every answer that is no success, whatever its status."""

    model_config = ConfigDict(extra="forbid")

    errors: list[Fault]


def fault(status: int, title: str, detail: str, parameter: str | None = None) -> Fault:
    """One fault, from its parts."""
    source = None if parameter is None else ErrorSource(parameter=parameter)
    return Fault(status=str(status), title=title, detail=detail, source=source, meta=ErrorMeta(args=[detail]))


def error_response(status: int, faults: Iterable[Fault], headers: dict[str, str] | None = None) -> Response:
    """An error answer with `status`; errors are never stored by caches."""
    body: dict[str, Any] = {"errors": [entry.model_dump(exclude_none=True) for entry in faults]}
    response = Response(orjson.dumps(body), status=status, mimetype=JSON, headers=headers)
    response.headers["Cache-Control"] = "no-store"
    return response

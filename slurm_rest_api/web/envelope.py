"""The error response `{"errors": [...]}` and its models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson
from flask import Flask, Response
from pydantic import BaseModel, ConfigDict, Field

from slurm_rest_api.contract_base import PublishedModel
from slurm_rest_api.web.compression import decompress
from slurm_rest_api.web.proxied_files import is_sent_by_proxy

JSON: Final = "application/json"

MAX_DETAIL: Final = 3500
"""Most characters of `detail`. The longest list that an error has is that of the fields of a job: 2,600."""


class ErrorSource(BaseModel):
    """The part of the request that is at fault."""

    parameter: str = Field(description="Name of the query parameter.")


class ErrorMeta(BaseModel):
    """For clients of the 2018 release, which show `errors[0].meta.args`."""

    args: list[str] = Field(description="The detail again, as the only element.")


class Fault(BaseModel):
    """One error of a response."""

    model_config = ConfigDict(extra="forbid")

    status: str = Field(description="The HTTP status, as text.")
    title: str = Field(description="The kind of error, the same for all errors of its kind.")
    detail: str = Field(description="What failed, the value or limit, and what to do.")
    source: ErrorSource | None = Field(None, description="Only for errors of a query parameter.")
    meta: ErrorMeta


class ErrorAnswer(PublishedModel):
    """The body of every error response."""

    model_config = ConfigDict(extra="forbid")

    errors: list[Fault]


def fault(status: int, title: str, detail: str, parameter: str | None = None) -> Fault:
    """Creates one error of a response. Its detail is cut at `MAX_DETAIL` characters."""
    if len(detail) > MAX_DETAIL:
        detail = f"{detail[:MAX_DETAIL]}…"
    source = None if parameter is None else ErrorSource(parameter=parameter)
    return Fault(status=str(status), title=title, detail=detail, source=source, meta=ErrorMeta(args=[detail]))


def error_response(status: int, faults: Iterable[Fault], headers: dict[str, str] | None = None) -> Response:
    """Creates an error response with `status`, which caches must not store."""
    body: dict[str, Any] = {"errors": [entry.model_dump(exclude_none=True) for entry in faults]}
    response = Response(orjson.dumps(body), status=status, mimetype=JSON, headers=headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def indent_json(app: Flask) -> None:
    """Makes `app` send every JSON body indented, for humans. Bodies are buffered and lose their compression."""

    @app.after_request
    def indent(response: Response) -> Response:
        # A 304 has no body, and nginx sends a file as it is.
        if response.mimetype != JSON or response.status_code == 304 or is_sent_by_proxy(response):
            return response
        response.direct_passthrough = False
        body = decompress(response.get_data(), response.content_encoding)
        del response.headers["Content-Encoding"]
        response.set_data(orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        return response

"""Turns every exception into an error response with its HTTP status."""

from __future__ import annotations

import logging

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from slurm_rest_api.errors import ApiError, BadParameters, StoreError, TokenFileError, Unauthenticated
from slurm_rest_api.web.envelope import error_response, fault
from slurm_rest_api.web.error_texts import cut

logger = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Registers the handlers of all exceptions with `app`."""
    app.register_error_handler(ApiError, _api_error)
    app.register_error_handler(StoreError, _store_error)
    app.register_error_handler(TokenFileError, _token_file_error)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(Exception, _unexpected)


def _api_error(error: ApiError) -> Response:
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="slurm-rest-api"'
    each = error.faults if isinstance(error, BadParameters) else [error]
    faults = [fault(one.status, one.title, one.detail, one.parameter) for one in each]
    return error_response(error.status, faults, headers)


def _store_error(error: StoreError) -> Response:
    logger.error("%s", error)
    detail = "The snapshot store cannot be read. See the log of the service."
    return error_response(503, [fault(503, "Store not readable", detail)], {"Retry-After": "5"})


def _token_file_error(error: TokenFileError) -> Response:
    logger.error("%s", error)
    detail = "The token file (`auth.token_file`) cannot be read. See the log of the service."
    return error_response(503, [fault(503, "Tokens not readable", detail)], {"Retry-After": "5"})


def _http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    # get_headers() holds the headers of the status, such as Allow for 405.
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    return error_response(status, [fault(status, error.name.capitalize(), _http_detail(error))], headers)


def _http_detail(error: HTTPException) -> str:
    # A view that aborts with a description of its own keeps it.
    if isinstance(error, NotFound) and error.description == NotFound.description:
        return f"There is no route {cut(request.path)}. See /openapi/openapi.json for all routes."
    if isinstance(error, MethodNotAllowed):
        accepted = ", ".join(error.valid_methods or ())
        return f"{cut(request.path)} does not accept {cut(request.method)}. Use one of {accepted}."
    return error.description or error.name


def _unexpected(error: Exception) -> Response:
    logger.error("%s %s failed.", request.method, request.path, exc_info=error)
    detail = "An unexpected error occurred. See the log of the service."
    return error_response(500, [fault(500, "Internal error", detail)])

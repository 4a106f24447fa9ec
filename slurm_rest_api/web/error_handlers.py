"""Turns every exception into an error answer with its true status."""

from __future__ import annotations

import logging

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from slurm_rest_api.errors import ApiError, BadParameters, StoreError, TokenFileError, Unauthenticated
from slurm_rest_api.web.envelope import error_response, fault

logger = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Have `app` answer every error in the one shape."""
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
    detail = "The snapshot store cannot be read just now; the log of the service says why."
    return error_response(503, [fault(503, "Store not readable", detail)], {"Retry-After": "5"})


def _token_file_error(error: TokenFileError) -> Response:
    logger.error("%s", error)
    detail = "Tokens cannot be checked just now; the log of the service says why."
    return error_response(503, [fault(503, "Tokens not readable", detail)], {"Retry-After": "5"})


def _http_exception(error: HTTPException) -> Response:
    status = error.code or 500
    # get_headers() holds what belongs to the status, such as Allow with 405.
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    return error_response(status, [fault(status, error.name, error.description or error.name)], headers)


def _unexpected(error: Exception) -> Response:
    logger.error("%s %s failed.", request.method, request.path, exc_info=error)
    detail = "The service failed in an unforeseen way; its log has the details."
    return error_response(500, [fault(500, "Internal error", detail)])

"""Error responses for exceptions of Flask, of the service and of bugs."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from slurm_rest_api.errors import BadParameter, BadParameters, StoreError, Unauthenticated
from slurm_rest_api.web import error_handlers


def raising(error: Exception) -> FlaskClient:
    """Returns a client of an application whose only route raises `error`."""
    app = Flask(__name__)
    error_handlers.register(app)

    @app.get("/raises")
    def raises() -> str:
        raise error

    return app.test_client()


def errors(client: FlaskClient, path: str = "/raises", method: str = "GET") -> tuple[int, list[dict[str, Any]]]:
    response = client.open(path, method=method)
    assert response.headers["Cache-Control"] == "no-store"
    return response.status_code, response.get_json()["errors"]


def entry(status: str, title: str, detail: str, **more: Any) -> dict[str, Any]:
    return {"status": status, "title": title, "detail": detail, "meta": {"args": [detail]}, **more}


def test_an_unknown_route_is_named() -> None:
    detail = "There is no route /nothing. See /openapi/openapi.json for all routes."
    assert errors(raising(ValueError()), "/nothing") == (404, [entry("404", "Not found", detail)])


def test_another_method_gets_the_accepted_ones() -> None:
    status, [error] = errors(raising(ValueError()), method="POST")
    assert (status, error["title"]) == (405, "Method not allowed")
    start, _, methods = error["detail"].rstrip(".").partition(" Use one of ")
    assert start == "/raises does not accept POST."
    assert set(methods.split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_each_bad_parameter_is_an_error_of_its_own() -> None:
    faults = [BadParameter("Invalid `a`: 1.", parameter="a"), BadParameter("Invalid `b`: 2.", parameter="b")]
    assert errors(raising(BadParameters(faults))) == (
        400,
        [
            entry("400", "Bad parameter", "Invalid `a`: 1.", source={"parameter": "a"}),
            entry("400", "Bad parameter", "Invalid `b`: 2.", source={"parameter": "b"}),
        ],
    )


def test_a_401_names_the_scheme() -> None:
    response = raising(Unauthenticated("A token is required.")).get("/raises")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="slurm-rest-api"'


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            StoreError("/run/secret-path is not a database"),
            (503, "Store not readable", "The snapshot store cannot be read. See the log of the service."),
        ),
        (
            RuntimeError("hunter2"),
            (500, "Internal error", "An unexpected error occurred. See the log of the service."),
        ),
    ],
)
def test_the_cause_of_an_internal_error_is_only_logged(
    error: Exception, expected: tuple[int, str, str], caplog: pytest.LogCaptureFixture
) -> None:
    status, [found] = errors(raising(error))
    assert (status, found["title"], found["detail"]) == expected
    assert str(error) in caplog.text

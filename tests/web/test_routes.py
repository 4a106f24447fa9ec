"""Routes that a setting turns off, and routes that also answer as a CSV file."""

from __future__ import annotations

import pytest
from flask import Response
from flask_openapi3 import APIBlueprint, OpenAPI

from slurm_rest_api.errors import BadParameter, NotFound
from slurm_rest_api.web.parameters import Parameters
from slurm_rest_api.web.routes import add_csv_route, require
from slurm_rest_api.web.text_formats import Format


class ListQuery(Parameters):
    """A query with a format."""

    format: Format = "json"


def listed(query: ListQuery) -> Response:
    return Response(query.format)


@pytest.fixture
def app() -> OpenAPI:
    app, blueprint = OpenAPI(__name__), APIBlueprint("lists", __name__)
    blueprint.get("/list")(listed)
    add_csv_route(blueprint, "/list", listed)
    app.register_api(blueprint)
    return app


def test_part_that_is_turned_on_is_returned() -> None:
    assert require("archive", "The load archive", "system.archive_usage_load") == "archive"


def test_part_that_is_turned_off_gets_404_with_the_setting() -> None:
    with pytest.raises(NotFound, match=r"The load archive is turned off: `system\.archive_usage_load` is false"):
        require(None, "The load archive", "system.archive_usage_load")


def test_csv_route_answers_with_the_format_csv(app: OpenAPI) -> None:
    client = app.test_client()
    assert [client.get(path).text for path in ("/list", "/list?format=tsv", "/list.csv")] == ["json", "tsv", "csv"]


def test_csv_route_refuses_a_format(app: OpenAPI) -> None:
    app.testing = True
    with pytest.raises(BadParameter, match="format"):
        app.test_client().get("/list.csv?format=json")


def test_openapi_describes_the_route_without_its_csv_twin(app: OpenAPI) -> None:
    assert list(app.api_doc["paths"]) == ["/list"]

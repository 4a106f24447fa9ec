"""The OpenAPI document is that of the release, with what the configuration changes, and costs a worker little."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
from flask import Response
from flask_openapi3 import Info, Tag
from pydantic import Field

from slurm_rest_api.contract_base import PublishedRecord
from slurm_rest_api.web.openapi_document import DescribedApplication, DescribedBlueprint, Paths
from slurm_rest_api.web.parameters import Parameters


class Queue(PublishedRecord):
    """The response of the route."""

    jobs: int = Field(description="Jobs.")


class Query(Parameters):
    """The parameters of the route."""

    limit: int = 3


def queue(query: Query) -> Response:
    """All jobs."""
    return Response(str(query.limit))


@pytest.fixture
def app() -> DescribedApplication:
    def finish(paths: Paths) -> Paths:
        return {**paths, "/finished": {}}

    app = DescribedApplication(__name__, finish=finish)
    blueprint = DescribedBlueprint("live", __name__, abp_tags=[Tag(name="live")])
    blueprint.get("/queue", summary="Jobs", responses={"200": Queue})(queue)
    app.register_api(blueprint)
    return app


def test_document_has_routes_schemas_and_tags(app: DescribedApplication) -> None:
    document = app.api_doc
    assert list(document["paths"]) == ["/queue", "/finished"]
    route = document["paths"]["/queue"]["get"]
    assert (route["summary"], route["description"], route["tags"]) == ("Jobs", "All jobs.", ["live"])
    assert [parameter["name"] for parameter in route["parameters"]] == ["_", "limit"]
    assert "Queue" in document["components"]["schemas"]
    assert document["tags"] == [{"name": "live"}]


def test_document_of_a_file_gets_what_the_configuration_changes(app: DescribedApplication, tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    file.write_bytes(orjson.dumps(app.describe()))
    schemes = {"bearer": {"type": "http", "scheme": "bearer"}}
    info = Info(title="Jobs", version="7.0")
    reading = DescribedApplication(
        __name__, file=file, info=info, security_schemes=schemes, finish=lambda paths: {**paths, "/finished": {}}
    )
    assert reading.api_doc == {
        **app.api_doc,
        "info": {"title": "Jobs", "version": "7.0"},
        "components": {**app.api_doc["components"], "securitySchemes": schemes},
    }
    assert reading.test_client().get("/openapi/openapi.json").get_json() == reading.api_doc


def test_requests_are_checked_before_the_document_is_made(app: DescribedApplication) -> None:
    assert app.test_client().get("/queue?limit=7").text == "7"
    assert app.spec_json == {}


def test_requests_at_once_get_one_document(app: DescribedApplication) -> None:
    with ThreadPoolExecutor(4) as pool:
        documents = list(pool.map(lambda _: app.api_doc, range(4)))
    assert all(document is documents[0] for document in documents)


_START = """
import json, sys
from slurm_rest_api.app import create_app
from slurm_rest_api.config import Settings
from slurm_rest_api.contract_base import PublishedModel, PublishedRecord
def below(model):
    return {model}.union(*map(below, model.__subclasses__()))
app = create_app(Settings())
unread = app.spec_json == {}
app.api_doc
built = [model.__name__ for model in below(PublishedModel) if model.__pydantic_complete__]
print(json.dumps([built, len(below(PublishedRecord)), unread, sorted(sys.modules)]))
"""


def test_worker_builds_no_schema_and_its_start_imports_no_part_that_is_not_used() -> None:
    printed = subprocess.run([sys.executable, "-c", _START], stdout=subprocess.PIPE, check=True).stdout
    built, records, is_unread, modules = orjson.loads(printed)
    assert (built, is_unread) == ([], True)
    assert records > 50
    unused = ("psycopg", "slurm_rest_api.slurmapi.collector.cycle", "slurm_rest_api.demo.source", "alembic", "pyslurm")
    assert [name for name in unused if name in modules] == []

"""Generates requests from the OpenAPI document with schemathesis. Every response is as documented."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from slurm_rest_api.app import create_app
from slurm_rest_api.config import Settings
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.sources.pyslurm.source import PyslurmSource
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.property_tests import examples
from tests.slurmapi.sources.fake_pyslurm import RUNNING, Job, Node, Partition, make_pyslurm

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LIVE = {"availability", "jobs", "queue", "nodes", "partitions", "usage", "stats"}
PATHS = [
    "/queue",
    "/nodes",
    "/partitions",
    "/availability",
    "/usage",
    "/stats",
    "/queue/{jobid}",
    "/nodes/{name}",
    "/partitions/{name}",
    "/jobs",
    "/jobs/{id}",
    "/queue/{jobid}/explain",
]


def closing(app: WSGIApplication) -> WSGIApplication:
    """Wraps the application in a server that reads each response to its end and closes it."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        # schemathesis takes compressed bytes for text.
        environ.pop("HTTP_ACCEPT_ENCODING", None)
        pieces = app(environ, start_response)
        try:
            return [b"".join(pieces)]
        finally:
            if (close := getattr(pieces, "close", None)) is not None:
                close()

    return serve


@pytest.fixture(scope="module")
def live_schema(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Returns the OpenAPI document of a service with a few jobs, nodes and partitions."""
    service_settings = Settings.model_validate({"system": {"runtime_dir": tmp_path_factory.mktemp("runtime")}})
    paths = RuntimePaths.of(service_settings)
    paths.make()
    jobs = [Job(), Job(**{**RUNNING, "id": 8}), Job(id=10, array_id=10, array_tasks_waiting="1-3")]
    cluster = make_pyslurm(jobs=jobs, nodes=[Node(), Node(name="rack002")], partitions=[Partition()])
    Cycle(PyslurmSource(cluster, UserNames()), StoreWriter(paths.store), hidden=[], refresh_seconds=3600.0).run()
    return schemathesis.openapi.from_wsgi("/openapi/openapi.json", closing(create_app(service_settings)))


def lists_of_texts(parameters: list[dict[str, Any]]) -> set[str]:
    """Returns the names of parameters that are lists of any text."""
    return {
        parameter["name"]
        for parameter in parameters
        for schema in parameter["schema"].get("anyOf", [])
        if schema.get("items") == {"type": "string"}
    }


def patterns_of_lists(parameters: list[dict[str, Any]]) -> dict[str, str]:
    """Returns the patterns of parameters that are lists of texts of one form, by name."""
    return {
        parameter["name"]: schema["items"]["pattern"]
        for parameter in parameters
        for schema in parameter["schema"].get("anyOf", [])
        if "pattern" in schema.get("items", {})
    }


def fits_in_a_url(value: Any, pattern: str) -> bool:
    """Returns True if a value of another type becomes a list of texts of the form in a URL, as 3 does."""
    items = value if isinstance(value, list) else [value]
    return not is_list_of_texts(value) and all(re.search(pattern, str(item)) for item in items)


def may_be_empty_in_a_url(value: Any) -> bool:
    """Returns True if no text may be left of a value in a URL, as of a list with an empty list."""
    if isinstance(value, (list, dict)):
        return all(map(may_be_empty_in_a_url, value))
    return value in ("", None)


def is_list_of_texts(value: Any) -> bool:
    """Returns True for a list that has only texts before it is written into a URL."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "unfitting"])
@pytest.mark.parametrize("path", PATHS)
def test_answers_are_as_documented(live_schema: Any, path: str, mode: GenerationMode) -> None:
    strategy = live_schema[path]["GET"].as_strategy(generation_mode=mode)
    parameters = live_schema.raw_schema["paths"][path]["get"].get("parameters", [])
    lists, patterns = lists_of_texts(parameters), patterns_of_lists(parameters)

    @settings(examples(40), suppress_health_check=list(HealthCheck))
    @given(strategy)
    def run(case: Any) -> None:
        # In a URL a value that is no text can become one: an object without members is `since=`. An empty parameter is
        # no filter, which the schemas of its values cannot say.
        values = (case.query or {}).values()
        assume(not any(isinstance(value, dict) or may_be_empty_in_a_url(value) for value in values))
        # In a URL a single value is a list of one, and each value of a list is a text.
        named = (case.query or {}).items()
        assume(all(is_list_of_texts(value) for name, value in named if name in lists))
        assume(not any(fits_in_a_url(value, patterns[name]) for name, value in named if name in patterns))
        # A text of the documented form may name no existing field or state. That is a 400.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    run()


def test_every_live_route_is_tried(live_schema: Any) -> None:
    documented = {operation.ok().path for operation in live_schema.get_all_operations()}
    assert {path for path in documented if path.split("/")[1] in LIVE} == set(PATHS)

"""README, config.yml, OpenAPI and code name the same routes, parameters, settings and fields."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel, ValidationError

from slurm_rest_api.acctapi.contract import HistoryAnswer, UsersAnswer
from slurm_rest_api.archive.contract import LoadAnswer
from slurm_rest_api.config.document import settings_table
from slurm_rest_api.health.views import HealthAnswer
from slurm_rest_api.slurmapi.contract import responses
from slurm_rest_api.version import __version__
from slurm_rest_api.web.envelope import ErrorAnswer

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
MODELS: dict[str, type[BaseModel]] = {
    "/queue": responses.QueueAnswer,
    "/nodes": responses.NodesAnswer,
    "/partitions": responses.PartitionsAnswer,
    "/stats": responses.StatsAnswer,
    "/usage": responses.UsageAnswer,
    "/load": LoadAnswer,
    "/health": HealthAnswer,
    "/users": UsersAnswer,
    "/history": HistoryAnswer,
    "Changes": responses.QueueAnswer,
    "How answers look": ErrorAnswer,
}


def section(title: str) -> str:
    (found,) = re.findall(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", README, re.MULTILINE | re.DOTALL)
    return str(found)


def documented_parameters(route: str) -> set[str]:
    (row,) = re.findall(rf"^\| \[?`{re.escape(route)}`.*\|(.*)\|$", README, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", row))


def test_the_route_table_is_that_of_the_openapi_document(client: FlaskClient) -> None:
    paths = client.get("/openapi/openapi.json").get_json()["paths"]
    for route, methods in paths.items():
        named = {entry["name"] for entry in methods["get"]["parameters"] if entry["in"] == "query"} - {"_"}
        assert documented_parameters(route) == named, route
    assert set(re.findall(r"^\| \[?`(/[\w/{}]+)`", README, re.MULTILINE)) - {"/openapi/"} == set(paths)


@pytest.mark.parametrize("name", ["system", "database", "filter", "auth"])
def test_the_settings_tables_are_those_of_the_models(name: str) -> None:
    assert settings_table(name).strip() in section(name)


def faults_of(example: Any, model: type[BaseModel]) -> list[str]:
    """Where an example that shows only some fields has a field, or a type, that the contract has not."""
    try:
        model.model_validate(example)
    except ValidationError as error:
        return [f"{entry['loc']}: {entry['msg']}" for entry in error.errors() if entry["type"] != "missing"]
    return []


@pytest.mark.parametrize("title", MODELS)
def test_the_examples_have_the_fields_and_types_of_the_contract(title: str) -> None:
    blocks = re.findall(r"```json\n(.*?)```", section(title), re.DOTALL)
    assert blocks
    for block in blocks:
        assert faults_of(json.loads(block), MODELS[title]) == []


def test_the_links_between_the_documents_resolve() -> None:
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_anchors_of_the_readme_resolve() -> None:
    anchors = {
        re.sub(r"[^\w-]", "", title.lower().replace(" ", "-")) for title in re.findall(r"^#+ (.*)$", README, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= anchors


def test_the_newest_entry_of_the_changelog_is_this_version() -> None:
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first is not None
    assert first.group(1) == __version__

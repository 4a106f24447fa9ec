"""README, docs/, OpenAPI and the models name the same routes, parameters, settings and fields."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel, ValidationError

from slurm_rest_api.acctapi.contract import HistoryAnswer, HistorySumsAnswer, UsersAnswer
from slurm_rest_api.acctapi.reference_contract import AccountsAnswer, EventsAnswer, QosListAnswer
from slurm_rest_api.acctapi.step_contract import StepsAnswer
from slurm_rest_api.acctapi.usage_contract import UtilizationAnswer
from slurm_rest_api.app import create_app
from slurm_rest_api.archive.contract import LoadAnswer
from slurm_rest_api.config import Settings
from slurm_rest_api.config.document import settings_page
from slurm_rest_api.explainapi.contract import ExplainAnswer
from slurm_rest_api.health.views import HealthAnswer
from slurm_rest_api.jobsapi.contract import JobsAnswer
from slurm_rest_api.slurmapi.availability.contract import AvailabilityAnswer
from slurm_rest_api.slurmapi.contract import responses
from slurm_rest_api.version import __version__
from slurm_rest_api.web.envelope import ErrorAnswer

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs" / "api").glob("*.md"))
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODELS: dict[str, type[BaseModel]] = {
    "conventions": responses.QueueAnswer,
    "queue": responses.QueueAnswer,
    "explain": ExplainAnswer,
    "nodes": responses.NodesAnswer,
    "partitions": responses.PartitionsAnswer,
    "availability": AvailabilityAnswer,
    "fairshare": responses.FairShareAnswer,
    "stats": responses.StatsAnswer,
    "usage": responses.UsageAnswer,
    "load": LoadAnswer,
    "health": HealthAnswer,
    "users": UsersAnswer,
    "qos": QosListAnswer,
    "accounts": AccountsAnswer,
    "events": EventsAnswer,
    "utilization": UtilizationAnswer,
    "history": HistoryAnswer,
    "history-sums": HistorySumsAnswer,
    "steps": StepsAnswer,
    "jobs": JobsAnswer,
}
NOT_DOCUMENTED = {"_"}
# Each has a plain word: any client, no one, again, compute, said, next to, after, close, forever, fix.
TELL_TALE = re.compile(
    r"\b(whoever|somebody|nobody|anew|reckon\w*|told|beside|behind the|let go of|for ever|mend(s|ed|ing)?|stands for"
    r"|lies (in|on)|so many)\b",
    re.IGNORECASE,
)
SLURMS_OWN = {
    "Access/permission denied (Slurm error 2002)",
    "Unable to contact slurm controller",
    "configuration source",
}
WRITE_SETTINGS = (
    "docs/settings.md differs from the models. Write it again: python -c 'from slurm_rest_api.config.document import "
    'settings_page; print(settings_page(), end="")\' > docs/settings.md'
)
WRITE_OPENAPI = (
    "slurm_rest_api/openapi.json differs from the models. Write it again: python -c 'import json; from"
    " slurm_rest_api.app import create_app; from slurm_rest_api.config import Settings;"
    " print(json.dumps(create_app(Settings()).describe(), indent=1))' > slurm_rest_api/openapi.json"
)


def openapi_parameters(client: FlaskClient) -> dict[str, set[str]]:
    """Returns the names of the parameters of each route, without NOT_DOCUMENTED."""
    paths = client.get("/openapi/openapi.json").get_json()["paths"]
    return {
        route: {entry["name"] for entry in methods["get"]["parameters"]} - NOT_DOCUMENTED
        for route, methods in paths.items()
    }


def route_sections() -> dict[str, str]:
    """Returns the text of docs/api/ below the heading of each route."""
    found: dict[str, str] = {}
    for page in PAGES:
        parts = re.split(r"^#+ (/\S+)$", page.read_text(), flags=re.MULTILINE)
        found.update(zip(parts[1::2], parts[2::2], strict=True))
    return found


def documented_parameters(section: str) -> set[str]:
    """Returns the names in the first column of a section's parameter tables."""
    tables = re.findall(r"^\| parameter \|.*\n\|---.*\n((?:\|.*\n)+)", section, re.MULTILINE)
    cells = [row.split("|")[1] for table in tables for row in table.splitlines()]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_no_document_installs_the_name_from_a_package_index() -> None:
    # No index has this project. The name there may belong to another.
    commands = re.compile(r"\b(?:pip|pipx|uv|uvx)\b[^`\n]*?[\s\"']slurm[-_]rest[-_]api(?:\[\w+\])?(?=[\s\"'`]|$)")
    texts = [*DOCUMENTS, *sorted((ROOT / "slurm_rest_api").rglob("*.py")), *ROOT.glob("*.sh"), ROOT / "Containerfile"]
    found = {str(path.relative_to(ROOT)): commands.findall(path.read_text()) for path in texts}
    assert {name: lines for name, lines in found.items() if lines} == {}
    assert commands.search('pip install "slurm-rest-api[postgresql]"')
    assert not commands.search("/opt/slurm-rest-api/bin/pip install dist/slurm_rest_api-1.0.0-py3-none-any.whl")


def test_every_route_has_a_row_in_the_readme(client: FlaskClient) -> None:
    rows = re.findall(r"^\| \[?`(/[\w/{}]+)`", README.read_text(), re.MULTILINE)
    assert set(rows) - {"/openapi/"} == set(openapi_parameters(client))


def test_every_route_has_a_section_with_exactly_its_parameters(client: FlaskClient) -> None:
    documented = {route: documented_parameters(text) for route, text in route_sections().items()}
    assert documented == openapi_parameters(client)


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 200


def test_the_settings_page_is_that_of_the_models() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == settings_page(), WRITE_SETTINGS


def test_the_openapi_document_is_that_of_the_models(settings: Settings) -> None:
    stored = json.loads((ROOT / "slurm_rest_api" / "openapi.json").read_text())
    # Compared first, because pytest takes minutes to show how such large texts differ.
    is_current = stored == json.loads(json.dumps(create_app(settings).describe()))
    assert is_current, WRITE_OPENAPI


def faults_of(example: Any, model: type[BaseModel]) -> list[str]:
    """Returns the fields and types of an example that the contract does not have. The example may be incomplete."""
    try:
        model.model_validate(example)
    except ValidationError as error:
        return [f"{entry['loc']}: {entry['msg']}" for entry in error.errors() if entry["type"] != "missing"]
    return []


@pytest.mark.parametrize("name", MODELS)
def test_examples_have_the_fields_and_types_of_the_contract(name: str) -> None:
    blocks = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "api" / f"{name}.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        example = json.loads(block)
        assert faults_of(example, ErrorAnswer if "errors" in example else MODELS[name]) == []


def test_the_documented_error_is_the_one_that_the_service_returns(client: FlaskClient) -> None:
    text = (ROOT / "docs" / "api" / "conventions.md").read_text()
    (block,) = re.findall(r"```json\n(\{\"errors\".*?)```", text, re.DOTALL)
    assert json.loads(block) == client.get("/usage?compct=true").get_json()


def anchors(document: Path) -> set[str]:
    """Returns the anchors of a document's headings, as GitHub and MyST make them."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w-]", "", title.lower().replace(" ", "-")) for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(document: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]*))?\)", document.read_text()):
        linked = (document.parent / target).resolve() if target else document
        assert linked.exists(), f"no file {target}"
        assert not anchor or anchor in anchors(linked), f"no heading {target}#{anchor}"


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_files_and_folders_that_a_document_names_exist(name: str) -> None:
    folders = ("slurm_rest_api", "tests", "docs", "benchmarks", "packaging", "requirements")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    existing = {f"/{path.relative_to(ROOT)}{'/' * path.is_dir()}" for path in [*paths, *ROOT.iterdir()]}
    named = re.findall(r"`([\w.-]+(?:/[\w.-]+)*(?:/|\.(?:py|js|css|md|yml|sh|toml)))`", (ROOT / name).read_text())
    assert named
    assert [path for path in named if not any(known.endswith(f"/{path}") for known in existing)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_documents_use_plain_words(document: Path) -> None:
    assert [found.group() for found in TELL_TALE.finditer(document.read_text())] == []


def test_the_newest_entry_of_the_changelog_is_this_version() -> None:
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first is not None
    assert first.group(1) == __version__


@pytest.mark.parametrize(
    ("name", "pattern", "count"),
    [("docs/api/health.md", r'"version": "(.*?)"', 2), ("Containerfile", r'image\.version="(.*?)"', 1)],
)
def test_texts_that_show_the_version_show_this_one(name: str, pattern: str, count: int) -> None:
    assert re.findall(pattern, (ROOT / name).read_text()) == [__version__] * count


def product_texts() -> str:
    """Returns all texts of the product, with `…` in place of values."""
    found = [(ROOT / "requirements" / "environment.sh").read_text()]
    for path in (ROOT / "slurm_rest_api").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


def test_symptoms_of_troubleshooting_are_messages_of_the_product() -> None:
    rows = re.findall(r"^\| ([^|]*) \|", (ROOT / "docs" / "troubleshooting.md").read_text(), re.MULTILINE)
    quoted = [text for row in rows for text in re.findall(r"`([^`]*)`", row) if " " in text]
    fragments = [part.strip() for text in quoted if text not in SLURMS_OWN for part in text.split("…")]
    texts = product_texts()
    assert [part for part in fragments if part not in texts] == []

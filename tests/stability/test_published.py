"""Nothing that a release has published is taken away: routes, fields, errors, settings, metrics, commands, tables.

`published/` has the interface of the last release. `pytest tests/stability --publish` records it at a release.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import click
import pytest
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.exceptions import MethodNotAllowed, NotFound

from slurm_rest_api.app import create_app
from slurm_rest_api.archive.tables import metadata
from slurm_rest_api.cli import main
from slurm_rest_api.config import Settings
from slurm_rest_api.errors import ApiError, StoreError, TokenFileError
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from tests.conftest import make_client
from tests.fakes import FakeSource
from tests.metrics.every_part import scrape_every_part
from tests.stability.comparison import compare_api, compare_names, compare_schemas

PUBLISHED: Final = Path(__file__).with_name("published")
# Text for people, which may change.
PROSE: Final = ("description", "summary", "title", "tags", "examples", "example")

Record = Callable[[str, Any], Any]
Parameters = tuple[str, list[click.Parameter]]


def _without_prose(value: Any, *, is_members: bool = False) -> Any:
    """Returns `value` without texts. The members of `properties` and `schemas` are names, whatever they are."""
    if isinstance(value, list):
        return [_without_prose(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _without_prose(one, is_members=name in ("properties", "schemas") and not is_members)
        for name, one in value.items()
        if is_members or name not in PROSE
    }


@pytest.fixture
def published(request: pytest.FixtureRequest) -> Record:
    """Returns a function that returns the recorded interface, and records the present one with --publish."""

    def read(name: str, present: Any) -> Any:
        path = PUBLISHED / f"{name}.json"
        if request.config.getoption("--publish", default=False):
            path.write_text(f"{json.dumps(present, indent=1, sort_keys=True)}\n")
        return json.loads(path.read_text())

    return read


def test_routes_parameters_and_fields_stay(settings: Settings, published: Record) -> None:
    present = _without_prose(make_client(settings).get("/openapi/openapi.json").get_json())
    assert compare_api(published("openapi", present), present) == []


def test_settings_stay(published: Record) -> None:
    present = _without_prose(Settings.model_json_schema())
    assert compare_schemas(published("settings", present), present, "sent") == []


def _parameters(command: click.Command, context: click.Context, path: str = "") -> Iterator[Parameters]:
    """Yields the parameters of a command and of all below it, by path: `token add`."""
    yield path, command.get_params(context)
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _parameters(inner, click.Context(inner, parent=context), f"{path} {name}".strip())


def _accepted(parameters: list[click.Parameter]) -> list[str]:
    """Returns the names of options and arguments, and the values of those that list theirs."""
    names = [word for parameter in parameters for word in parameter.opts]
    choices = [(one.opts[0], one.type.choices) for one in parameters if isinstance(one.type, click.Choice)]
    return sorted([*names, *(f"{name}={value}" for name, values in choices for value in values)])


def test_commands_and_their_options_stay(published: Record) -> None:
    context = click.Context(main, **main.context_settings)
    present = {
        path: {"accepts": _accepted(words), "requires": sorted(one.opts[0] for one in words if one.required)}
        for path, words in _parameters(main, context)
    }
    recorded = published("commands", present)
    accepted, required = ({path: facts[part] for path, facts in recorded.items()} for part in ("accepts", "requires"))
    assert compare_names(accepted, {path: facts["accepts"] for path, facts in present.items()}) == []
    assert {path: sorted({*present[path]["requires"]} - {*words}) for path, words in required.items()} == {
        path: [] for path in required
    }


def _error_classes(base: type[ApiError] = ApiError) -> Iterator[type[ApiError]]:
    yield base
    for error in base.__subclasses__():
        yield from _error_classes(error)


def test_titles_and_statuses_of_errors_stay(settings: Settings, published: Record) -> None:
    app = create_app(settings)
    present: dict[str, set[int]] = {}
    for error in _error_classes():
        present.setdefault(error.title, set()).add(error.status)
    raised = (NotFound(), MethodNotAllowed(), StoreError(""), TokenFileError(""), ValueError())
    with app.test_request_context("/queue"):
        for each in raised:
            response = app.make_response(app.handle_user_exception(each))
            present.setdefault(response.get_json()["errors"][0]["title"], set()).add(response.status_code)
    listed = {title: sorted(statuses) for title, statuses in present.items()}
    assert compare_names(published("errors", listed), listed) == []


def test_headers_stay(settings: Settings, published: Record) -> None:
    # Pages of other hosts can read the headers that CORS exposes.
    system = settings.system.model_copy(update={"use_cors": True})
    client = make_client(settings.model_copy(update={"system": system}))
    headers = client.get("/queue", headers={"Origin": "https://pages.example"}).headers
    present = dict.fromkeys(headers["Access-Control-Expose-Headers"].split(", "))
    assert compare_names(published("headers", present), present) == []


def test_tables_of_the_load_archive_stay(published: Record) -> None:
    present = {table.name: [f"{one.name} {one.type}" for one in table.columns] for table in metadata.sorted_tables}
    recorded = published("archive", present)
    # An older version reads and writes the tables of a newer one, so these get no columns.
    assert {name: present.get(name) for name in recorded} == recorded


def test_metrics_and_their_labels_stay(
    settings: Settings, paths: RuntimePaths, cycle: Cycle, source: FakeSource, tmp_path: Path, published: Record
) -> None:
    text = scrape_every_part(settings, paths, cycle, source, tmp_path)
    present = {
        family.name: {"type": family.type, "labels": sorted({key for one in family.samples for key in one.labels})}
        for family in text_string_to_metric_families(text)
    }
    assert compare_names(published("metrics", present), present) == []

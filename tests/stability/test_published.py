"""Nothing that a release has published is taken away: routes, fields, settings, metrics, commands.

`published/` has the interface of the last release. `pytest tests/stability --publish` records it at a release.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import pytest
from prometheus_client.parser import text_string_to_metric_families

from slurm_rest_api.app import create_app
from slurm_rest_api.cli import main
from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from tests.fakes import FakeSource
from tests.metrics.every_part import scrape_every_part
from tests.stability.comparison import compare_api, compare_names, compare_schemas

PUBLISHED: Final = Path(__file__).with_name("published")
# Text for people, which may change.
PROSE: Final = ("description", "summary", "title", "tags", "examples", "example")

Record = Callable[[str, Any], Any]


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
    present = _without_prose(create_app(settings).api_doc)
    assert compare_api(published("openapi", present), present) == []


def test_settings_stay(published: Record) -> None:
    present = _without_prose(Settings.model_json_schema())
    assert compare_schemas(published("settings", present), present, "sent") == []


def test_commands_and_their_options_stay(published: Record) -> None:
    commands = main.to_info_dict(click.Context(main))["commands"]
    present = {
        name: sorted(word for parameter in command["params"] for word in parameter["opts"])
        for name, command in commands.items()
    }
    assert compare_names(published("commands", present), present) == []


def test_metrics_and_their_labels_stay(
    settings: Settings, paths: RuntimePaths, cycle: Cycle, source: FakeSource, tmp_path: Path, published: Record
) -> None:
    text = scrape_every_part(settings, paths, cycle, source, tmp_path)
    present = {
        family.name: {"type": family.type, "labels": sorted({key for one in family.samples for key in one.labels})}
        for family in text_string_to_metric_families(text)
    }
    assert compare_names(published("metrics", present), present) == []

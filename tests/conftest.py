"""Fixtures shared by all tests: settings in a temporary folder, a store to fill, a client of the application."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

import flask_openapi3.utils
import pytest
from flask.testing import FlaskClient
from flask_openapi3.models.operation import Operation
from werkzeug.test import TestResponse

from slurm_rest_api.app import create_app
from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.browser.fixture import browser, driver, new_page, tab
from tests.fakes import FakeSource
from tests.property_tests import load_profile
from tests.testbed.fixture import cluster

__all__ = ["browser", "cluster", "driver", "new_page", "tab"]

load_profile()

_Described = tuple[dict[str, Any], dict[str, Any]]


def _describe_once(describe: Callable[[dict[str, Any], dict[str, Any], Operation], None]) -> Callable[..., None]:
    """Returns flask-openapi3's `describe`, which then describes the model of a response once."""

    def described(status: str, model: Any) -> _Described:
        schemas, operation = dict[str, Any](), Operation()
        describe({status: model}, schemas, operation)
        return schemas, operation.responses or {}

    known = functools.cache(described)

    def describe_all(models: dict[str, Any], schemas: dict[str, Any], operation: Operation) -> None:
        operation.responses = {}
        for status, model in models.items():
            # A dict is no model but the description itself.
            of_model, responses = (described if isinstance(model, dict) else known)(status, model)
            schemas.update(of_model)
            operation.responses.update(responses)

    return describe_all


# Most tests create an application. Its documentation takes more than half of the time, and is always the same.
_patch: Final = pytest.MonkeyPatch()
for _name in ("get_model_schema", "parse_path", "parse_query"):
    _patch.setattr(flask_openapi3.utils, _name, functools.cache(getattr(flask_openapi3.utils, _name)))
_patch.setattr("flask_openapi3.blueprint.get_responses", _describe_once(flask_openapi3.utils.get_responses))
_patch.setattr("flask_openapi3.openapi.entry_points", functools.cache(entry_points))


def pytest_collection_finish() -> None:
    """Exempts the collected tests, which live to the end, from garbage collection. Each one would visit them all."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Returns the default settings with a temporary runtime directory."""
    return Settings.model_validate({"system": {"runtime_dir": tmp_path / "runtime"}})


@pytest.fixture
def paths(settings: Settings) -> RuntimePaths:
    """Creates the runtime directory and returns its paths."""
    paths = RuntimePaths.of(settings)
    paths.make()
    return paths


@pytest.fixture
def source() -> FakeSource:
    """Returns a fake cluster. A test sets its `snapshot`."""
    return FakeSource()


@pytest.fixture
def cycle(source: FakeSource, paths: RuntimePaths) -> Cycle:
    """Returns the cycle that loads `source` into the store. Its data does not become stale during a test."""
    return Cycle(source, StoreWriter(paths.store), hidden=[], refresh_seconds=3600.0)


class BufferedClient(FlaskClient):
    """A client that reads each response to its end and closes it, as a server would."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Sends a request and reads its whole response."""
        return super().open(*args, **{"buffered": True, **kwargs})


def make_client(settings: Settings) -> FlaskClient:
    """Returns a client of a new application with `settings`."""
    app = create_app(settings)
    app.test_client_class = BufferedClient
    return app.test_client()


@pytest.fixture
def client(settings: Settings) -> FlaskClient:
    """Returns a client of the web application."""
    return make_client(settings)

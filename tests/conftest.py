"""Fixtures shared by all tests: settings in a temporary folder, a store to fill, a client of the application."""

from __future__ import annotations

import functools
import gc
from pathlib import Path
from typing import Any

import flask_openapi3.utils
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from slurm_rest_api.app import create_app
from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.browser.fixture import browser, driver, tab
from tests.fakes import FakeSource
from tests.property_tests import load_profile
from tests.testbed.fixture import cluster

__all__ = ["browser", "cluster", "driver", "tab"]

load_profile()

# Most tests create an application. The JSON schemas of the models take half of the time, and are always the same.
flask_openapi3.utils.get_model_schema = functools.cache(flask_openapi3.utils.get_model_schema)


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

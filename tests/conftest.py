"""Fixtures shared by all tests: settings in a folder of the test's own, a store to fill, a client to ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from slurm_rest_api.app import create_app
from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.browser.fixture import browser, tab
from tests.fakes import FakeSource
from tests.testbed.fixture import cluster

__all__ = ["browser", "cluster", "tab"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The default settings, with a runtime directory of this test's own."""
    return Settings.model_validate({"system": {"runtime_dir": tmp_path / "runtime"}})


@pytest.fixture
def paths(settings: Settings) -> RuntimePaths:
    """The runtime directory, made."""
    paths = RuntimePaths.of(settings)
    paths.make()
    return paths


@pytest.fixture
def source() -> FakeSource:
    """The cluster: set its `snapshot`."""
    return FakeSource()


@pytest.fixture
def cycle(source: FakeSource, paths: RuntimePaths) -> Cycle:
    """Loads `source` into the store whenever the test runs it."""
    return Cycle(source, StoreWriter(paths.store), hidden=[], refresh_seconds=10.0)


class WholeAnswers(FlaskClient):
    """A client that reads each answer to its end and closes it, as a server would."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """As the client's own, buffered."""
        return super().open(*args, **{"buffered": True, **kwargs})


def make_client(settings: Settings) -> FlaskClient:
    """A client of an application with `settings`."""
    app = create_app(settings)
    app.test_client_class = WholeAnswers
    return app.test_client()


@pytest.fixture
def client(settings: Settings) -> FlaskClient:
    """A client of the web application."""
    return make_client(settings)

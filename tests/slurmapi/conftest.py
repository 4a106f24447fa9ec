"""One service for all tests of a module; properties reset it for each example."""

from __future__ import annotations

import pytest

from tests.slurmapi.query.service import Service


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Service:
    """A service for properties, which reset it themselves."""
    return Service(tmp_path_factory.mktemp("service"))


@pytest.fixture
def api(shared: Service) -> Service:
    """The same, as new."""
    shared.reset()
    return shared

"""Fixtures of the tests of build.sh's Python part."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pyslurm_build.stand_in import WebServer, web_server


@pytest.fixture
def web() -> Iterator[WebServer]:
    """Runs a web server on the loopback interface."""
    with web_server() as server:
        yield server

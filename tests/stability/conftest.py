"""The option that records the interface of a release."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds --publish, for `pytest tests/stability --publish` at a release."""
    parser.addoption("--publish", action="store_true", help="record the interface instead of comparing it")

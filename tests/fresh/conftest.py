"""Fixtures of the tests that need a fresh machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fresh.machine import FreshMachine

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder: `-m 'not fresh'` leaves it out."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.fresh)


@pytest.fixture(scope="session")
def machine() -> Iterator[FreshMachine]:
    """The machine, as new; its root is kept for the next session."""
    machine = FreshMachine()
    machine.enter()
    yield machine
    machine.leave()

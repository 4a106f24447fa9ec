"""Fixtures of the tests that drive a browser."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slurm_rest_api.config import Settings, load_settings
from slurm_rest_api.demo.scale import Scale
from tests.browser.asking import asked
from tests.browser.service import demo
from tests.waiting import wait_for

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks all tests in this folder: `-m 'not browser'` leaves them out."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the files of the demo."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
def demo_address(demo_folder: Path) -> Iterator[str]:
    """The address of a demo with a slash at its end. All tests share it."""
    # No test needs a longer past.
    with demo(demo_folder, Scale(100, 400, days=11)) as address:
        yield address


def _data(address: str, question: str) -> Any:
    return asked(address, question)["data"]


@pytest.fixture(scope="session")
def past_address(demo_address: str) -> str:
    """The address of the demo once the last two days are in its database and its archive."""
    for question in ("history?endbefore=now-2days&limit=1", "load?time=86400&fields=time"):
        wait_for(f"an answer to {question}", functools.partial(_data, demo_address, question))
    return demo_address


@pytest.fixture(scope="session")
def demo_settings(demo_folder: Path, demo_address: str) -> Settings:
    """The settings of that demo, for other web applications over its store."""
    return load_settings(demo_folder / "demo" / "config.yml", {})

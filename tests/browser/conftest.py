"""Fixtures of the tests that drive a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from slurm_rest_api.config import Settings, load_settings
from tests.browser.chromium import chromium
from tests.browser.service import demo
from tests.browser.watching import Watched

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder: `-m 'not browser'` leaves it out."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo has its files."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
def demo_address(demo_folder: Path) -> Iterator[str]:
    """The address of a demo of 300 nodes, with a slash at its end."""
    with demo(demo_folder) as address:
        yield address


@pytest.fixture(scope="session")
def demo_settings(demo_folder: Path, demo_address: str) -> Settings:
    """The settings of that demo: another web application may read what it has loaded."""
    (config,) = demo_folder.glob("cache/**/config.yml")
    return load_settings(config, {})


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A tab of a desktop's size. A test fails whose pages report an error, break their policy or ask another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    watched = Watched(page)
    yield page
    context.close()
    assert watched.faults == []

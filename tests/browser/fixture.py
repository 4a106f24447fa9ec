"""The browser and its tabs, for every folder whose tests need them; `tests/conftest.py` takes them in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.waiting import GIVE_UP_SECONDS

from .chromium import chromium
from .watching import Watched


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium without a window; one for all, as Playwright's driver runs once a thread."""
    expect.set_options(timeout=GIVE_UP_SECONDS * 1000)
    with chromium() as running:
        yield running


@contextmanager
def open_tab(browser: Browser) -> Iterator[Page]:
    """A tab of a desktop's size. A test fails whose pages report an error, break their policy or ask another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(GIVE_UP_SECONDS * 1000)
    page = context.new_page()
    watched = Watched(page)
    yield page
    context.close()
    # In words, as pytest rewrites no assertion of a module that conftest has imported.
    assert not watched.faults, "\n".join(watched.faults)


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A tab of the test's own."""
    with open_tab(browser) as page:
        yield page

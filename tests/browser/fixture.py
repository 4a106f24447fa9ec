"""The browser and its tabs. `tests/conftest.py` imports the fixtures for every folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.waiting import GIVE_UP_SECONDS

from .chromium import chromium_of
from .watching import Watched

PATIENCE_MS = 1000 * GIVE_UP_SECONDS
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    """Playwright's driver, one per session: it runs once per thread."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(driver: Playwright) -> Iterator[Browser]:
    """A Chromium without a window, one per session."""
    with chromium_of(driver) as running:
        yield running


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Returns a new profile of the browser with Playwright's `options`, whose waits end after minutes."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    return context


@contextmanager
def open_tab(browser: Browser) -> Iterator[Page]:
    """A tab in a new profile. Script errors, policy violations and requests to other hosts fail the test."""
    context = new_context(browser, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    watched = Watched(page)
    yield page
    context.close()
    # With a message, because pytest does not rewrite assertions of modules that conftest imports.
    assert not watched.faults, "\n".join(watched.faults)


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A tab for one test."""
    with open_tab(browser) as page:
        yield page

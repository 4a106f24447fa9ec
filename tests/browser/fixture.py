"""The browser and its tabs. `tests/conftest.py` imports the fixtures for every folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.waiting import GIVE_UP_SECONDS

from .chromium import chromium_of
from .watching import Watched

# Opens a tab with Playwright's options of a profile.
NewPage = Callable[..., Page]
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


@contextmanager
def new_profile(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """Opens a new profile of the browser with Playwright's `options`, and closes it at the end.

    Waits end after minutes. The handlers of routes are removed first: one whose request ends with the profile would
    fail in the next test.
    """
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield context
    finally:
        for page in context.pages:
            page.unroute_all(behavior="ignoreErrors")
        context.close()


@contextmanager
def open_tab(browser: Browser) -> Iterator[Page]:
    """Opens a tab in a new profile. Script errors, policy violations and requests to other hosts fail the test."""
    with new_profile(browser, viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        watched = Watched(page)
        yield page
    # With a message, because pytest does not rewrite assertions of modules that conftest imports.
    assert not watched.faults, "\n".join(watched.faults)


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Opens tabs, each in a new profile with Playwright's options, and closes them after the test."""
    with ExitStack() as profiles:
        yield lambda **options: profiles.enter_context(new_profile(browser, **options)).new_page()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A tab for one test."""
    with open_tab(browser) as page:
        yield page

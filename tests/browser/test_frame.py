"""The frame of every page: its theme, and WCAG."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.fixture import NewPage
from tests.browser.watching import barriers

PAGES = ("", "pages/nodes", "pages/queue", "pages/history", "pages/load", "pages/api", "pages/job", "pages/node")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_meets_wcag(new_page: NewPage, demo_address: str, path: str, scheme: str) -> None:
    page = new_page(color_scheme=scheme, viewport={"width": 1280, "height": 800})
    page.goto(demo_address + path)
    expect(page.locator("h1")).to_be_visible()
    assert barriers(page) == []


def test_the_chosen_theme_is_kept(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address)
    tab.get_by_role("button", name="Theme: system").click()
    tab.get_by_role("button", name="Theme: light").click()
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
    tab.goto(demo_address + "pages/api")
    expect(tab.get_by_role("button", name="Theme: dark")).to_be_visible()
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")

"""What every page has around it: navigation, colours, kiosk, and nothing that keeps anybody out."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.watching import barriers

PAGES = ("", "pages/nodes", "pages/queue", "pages/history", "pages/load", "pages/api", "pages/job", "pages/node")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_out(browser: Browser, demo_address: str, path: str, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 800})  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(demo_address + path)
    expect(page.locator("h1")).to_be_visible()
    assert barriers(page) == []
    context.close()


def test_the_colours_that_the_reader_chose_stay(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address)
    tab.get_by_role("button", name="Colours: system").click()
    tab.get_by_role("button", name="Colours: light").click()
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
    tab.goto(demo_address + "pages/api")
    expect(tab.get_by_role("button", name="Colours: dark")).to_be_visible()
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")

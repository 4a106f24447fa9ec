"""Printed pages: all of the content and nothing else, in light colours."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.fixture import NewPage
from tests.browser.paths import PAGES, filled
from tests.browser.watching import settle

# The cell "fully used" of the legend.
_COLOUR = """() => {
    const canvas = document.querySelector("canvas.look[data-kind='own'][data-level='8']");
    return [...canvas.getContext("2d").getImageData(canvas.width / 4, canvas.height / 4, 1, 1).data].slice(0, 3);
}"""
_ON_PAPER, _ON_A_DARK_SCREEN = [0, 114, 178], [86, 180, 233]


@pytest.fixture
def dark(new_page: NewPage) -> Page:
    """A dark tab, as wide as a sheet of A4 between its margins."""
    return new_page(viewport={"width": 703, "height": 1000}, color_scheme="dark")


@pytest.mark.parametrize("path", PAGES)
def test_a_printed_page_has_all_of_its_content_only(dark: Page, demo_address: str, path: str) -> None:
    dark.goto(demo_address + filled(demo_address, path))
    expect(dark.locator("h1")).to_be_attached()
    settle(dark)
    dark.emulate_media(media="print")
    for controls in ("nav", "form", ".tools button", ".pager", ".panel"):
        assert dark.locator(controls).locator("visible=true").count() == 0, controls
    assert dark.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    cut = """() => [...document.querySelectorAll("main, .scroll, .problem-list, .summary")]
        .filter((part) => part.clientHeight > 0 && getComputedStyle(part).overflow !== "visible")
        .map((part) => part.className)"""
    assert dark.evaluate(cut) == []
    expect(dark.locator("main")).to_be_visible()


def test_canvases_are_redrawn_for_paper_and_back(dark: Page, demo_address: str) -> None:
    dark.goto(demo_address + "pages/nodes")
    expect(dark.locator("#map canvas").first).to_be_visible()
    settle(dark)
    assert dark.evaluate(_COLOUR) == _ON_A_DARK_SCREEN
    dark.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert dark.evaluate(_COLOUR) == _ON_PAPER
    assert dark.evaluate("document.querySelector('#map').clientWidth") <= 680
    dark.evaluate("dispatchEvent(new Event('afterprint'))")
    assert dark.evaluate(_COLOUR) == _ON_A_DARK_SCREEN
    expect(dark.get_by_role("button", name="Theme: system")).to_be_visible()

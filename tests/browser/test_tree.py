"""The accessibility tree: landmarks, headings and names of each page, and announcements of changes."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.browser.asking import asked
from tests.browser.paths import PAGES, READY, filled
from tests.browser.watching import open_asking

LANDMARKS = """
- link "Skip to content"
- banner:
  - link "demo"
  - navigation "Pages":
    - list
- main:
  - heading [level=1]
- contentinfo
"""
_ROLE = re.compile(r"""^\s*- '?(\w+)(?: "((?:[^"\\]|\\.)*)"| /.*/)?((?: \[[^\]]*\])*)""", re.MULTILINE)
# Users of screen readers choose from the names of these.
_NAMED = ("table", "region", "navigation", "search", "application", "button", "link", "textbox", "combobox")


def roles(page: Page) -> list[tuple[str, str, str]]:
    """Returns role, name and attributes of everything in the tree, in its order."""
    return [(role, name, more) for role, name, more in _ROLE.findall(page.locator("body").aria_snapshot())]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_its_landmarks_headings_in_order_and_names(tab: Page, past_address: str, path: str) -> None:
    # With failures, so that their table is shown.
    open_asking(tab, past_address + filled(past_address, path) + ("?state=FAILED" if path == "pages/history" else ""))
    expect(tab.locator(READY[path]).first).to_be_attached()
    if path == "pages/load":
        expect(tab.get_by_role("button", name="Picture (PNG) of Jobs")).to_be_enabled()
    expect(tab.locator("body")).to_match_aria_snapshot(LANDMARKS)
    tree = roles(tab)
    levels = [int(more[len(" [level=") : -1]) for role, _, more in tree if role == "heading"]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels)), levels
    assert [role for role, name, _ in tree if role in _NAMED and not name] == []
    tables = [name for role, name, _ in tree if role == "table"]
    assert len(set(tables)) == len(tables) > 0 or path == "pages/nodes"


def test_the_map_announces_the_current_node(tab: Page, past_address: str) -> None:
    tab.goto(past_address + "pages/nodes?partition=gpu")
    expect(tab.locator(READY["pages/nodes"])).to_be_attached()
    tab.get_by_role("application", name="Nodes of partition gpu").focus()
    tab.keyboard.press("ArrowRight")
    second = sorted(asked(past_address, "nodes?partition=gpu&fields=name")["data"])[1]
    expect(tab.locator("main")).to_match_aria_snapshot(rf"""
- paragraph: /^Arrow keys move between nodes/
- status: /^{second}, gpu:.+ Jobs. \d+\. Allocated \d+%\. CPUs \d+ of \d+\./
- heading "gpu" [level=2]
- application "Nodes of partition gpu"
- complementary "Current node":
  - heading "{second}" [level=2]
""")
    described = re.compile("^Arrow keys move between nodes")
    expect(tab.get_by_role("application")).to_have_accessible_description(described)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("", "No problems|^$"),
        ("pages/queue", r"^[\d,]+ jobs"),
        ("pages/history", r"^50 records of ended jobs, the newest record first"),
        ("pages/load", r"samples\.$"),
        ("pages/api", r"endpoints OK"),
    ],
)
def test_results_are_announced(tab: Page, past_address: str, path: str, text: str) -> None:
    open_asking(tab, past_address + path)
    expect(tab.locator("main").get_by_role("status").filter(has_text=re.compile(text)).first).to_be_attached()

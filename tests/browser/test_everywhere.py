"""Every page under a prefix, on a phone, in kiosk mode, and with hostile names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from slurm_rest_api.config import Settings
from tests.browser.fixture import NewPage
from tests.browser.mounted import mounted
from tests.browser.paths import CHOSEN, CLUSTER, PAGES, filled
from tests.browser.watching import Watched, barriers, settle, unseen_focus

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def below_a_prefix(demo_settings: Settings) -> Iterator[str]:
    with mounted(demo_settings, "/cluster/one") as address:
        yield address


@pytest.fixture
def phone(new_page: NewPage) -> Page:
    return new_page(viewport={"width": 360, "height": 780}, has_touch=True, reduced_motion="reduce")


def open_page(page: Page, address: str, path: str) -> None:
    page.goto(address + filled(address, path))
    expect(page.locator("h1")).to_be_visible()
    settle(page)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_below_a_prefix_stays_there(tab: Page, below_a_prefix: str, path: str) -> None:
    watched = Watched(tab)
    open_page(tab, below_a_prefix, path)
    links = tab.eval_on_selector_all("a[href]", "(links) => links.map((link) => link.href)")
    asked = [url for url in watched.requests if urlsplit(url).scheme == "http"]
    assert len(asked) > 4
    assert [url for url in asked + links if not url.startswith(below_a_prefix)] == []


@pytest.mark.parametrize("path", [*PAGES, *CLUSTER, *CHOSEN])
def test_a_phone_and_a_zoomed_window_scroll_down_only(phone: Page, demo_address: str, path: str) -> None:
    open_page(phone, demo_address, path)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    assert barriers(phone) == []
    # A window of 1280 × 800 at a zoom of 200 %, with the keyboard alone.
    phone.set_viewport_size({"width": 640, "height": 400})
    assert phone.evaluate("document.documentElement.scrollWidth") <= 640
    assert unseen_focus(phone, most=40) == []


@pytest.mark.parametrize("path", PAGES)
def test_kiosk_mode_fills_the_screen(new_page: NewPage, demo_address: str, path: str) -> None:
    page = new_page(viewport={"width": 1920, "height": 1080})
    to_fill = filled(demo_address, path)
    open_page(page, demo_address, to_fill + ("&" if "?" in to_fill else "?") + "kiosk")
    expect(page.locator("footer")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1920
    assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") > 18
    page.get_by_role("button", name="Exit kiosk").click()
    expect(page.locator("footer")).to_be_visible()


def hostile_queue(route: Route) -> None:
    """Answers as the service does, with every name and text of users replaced by markup."""
    response = route.fetch()
    body = response.json()
    data = body.get("data")
    # One record, records by key, or a list of them.
    records = [data, *data.values()] if isinstance(data, dict) else data or []
    for record in records:
        if isinstance(record, dict):
            for field in ("name", "job_name", "user_name", "account", "reason", "comment", "work_dir", "command"):
                if isinstance(record.get(field), str):
                    record[field] = HOSTILE
    route.fulfill(response=response, body=json.dumps(body))


@pytest.mark.parametrize("path", ["", "pages/queue", "pages/history", "pages/job", "pages/nodes", "pages/node"])
def test_markup_in_names_is_text(tab: Page, demo_address: str, path: str) -> None:
    tab.add_init_script("window.alert = () => { throw new Error('a name was run'); };")
    for pattern in ("**/queue?**", "**/queue/*", "**/history?**", "**/nodes?**", "**/nodes/*"):
        tab.route(urljoin(demo_address, pattern), hostile_queue)
    open_page(tab, demo_address, path)
    assert tab.locator("main script, main img[src='x']").count() == 0


def test_a_job_name_with_markup_is_shown_as_text(tab: Page, demo_address: str) -> None:
    for pattern in ("**/queue?**", "**/queue/*"):
        tab.route(urljoin(demo_address, pattern), hostile_queue)
    open_page(tab, demo_address, "pages/job")
    expect(tab.locator("main")).to_contain_text(HOSTILE)

"""The search of the header, the menu of clusters, and the message of a site."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from slurm_rest_api.config import Settings
from tests.browser.asking import asked
from tests.browser.fixture import NewPage
from tests.browser.mounted import mounted
from tests.browser.watching import Watched, barriers

HOSTILE = "<img src=x onerror=alert(1)>"


def search(page: Page, text: str) -> None:
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Search")).to_be_focused()
    page.keyboard.type(text)


def test_the_keyboard_finds_a_user_a_node_and_a_job(tab: Page, demo_address: str) -> None:
    watched = Watched(tab)
    job = next(iter(asked(demo_address, "queue?state=R&limit=1&fields=job_id,user_name")["data"].values()))
    node = next(iter(asked(demo_address, "nodes?limit=1&fields=name")["data"]))
    tab.goto(demo_address + "pages/api")
    search(tab, job["user_name"].upper())
    option = tab.get_by_role("option", name=f"user {job['user_name']}", exact=True)
    expect(option).to_be_visible()
    tab.keyboard.press("ArrowDown")
    expect(tab.get_by_role("option", selected=True)).to_contain_text(job["user_name"])
    assert barriers(tab) == []
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("listbox", name="Suggestions")).to_be_hidden()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(f"{demo_address}pages/queue?user={job['user_name']}")
    # Enter alone takes the closest suggestion, and slashes in fields are text.
    search(tab, node)
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", level=1)).to_have_text(f"Node {node}")
    tab.get_by_label("Node name").fill("")
    tab.keyboard.press("/")
    expect(tab.get_by_label("Node name")).to_have_value("/")
    tab.get_by_role("heading", level=1).click()
    search(tab, str(job["job_id"]))
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", level=1)).to_contain_text("Job ")
    assert watched.faults == []


def test_a_pause_in_typing_sends_one_request_and_names_are_text(tab: Page, demo_address: str) -> None:
    def answer(route: Route) -> None:
        body = {"data": [{"name": HOSTILE}], "meta": {"version": "v-1"}}
        route.fulfill(json=body)

    tab.route(re.compile(r"/queue\?name="), answer)
    asked_for: list[str] = []
    tab.on("request", lambda request: asked_for.append(request.url))
    tab.goto(demo_address + "pages/api")
    with tab.expect_response(re.compile(r"/queue\?name=")):
        search(tab, "<img src")
    expect(tab.get_by_role("option", name=HOSTILE)).to_be_visible()
    assert tab.locator("#search-list img").count() == 0
    assert len([url for url in asked_for if "/queue?name=" in url]) == 1
    tab.get_by_role("option", name=HOSTILE).click()
    expect(tab).to_have_url(re.compile(r"pages/queue\?name=%3Cimg"))


@pytest.mark.parametrize("width", [360, 1280])
def test_a_site_has_its_name_message_and_menu_of_clusters(
    new_page: NewPage, demo_settings: Settings, tmp_path: Path, width: int
) -> None:
    file = tmp_path / "message"
    file.write_text(HOSTILE)
    clusters = [{"name": name, "url": f"http://127.0.0.1/{name}", "colour": "#0072b2"} for name in ("demo", "beta")]
    pages = type(demo_settings.pages).model_validate(
        {"title": "Example University", "message_file": file, "clusters": clusters}
    )
    page = new_page(viewport={"width": width, "height": 800})
    with mounted(demo_settings.model_copy(update={"pages": pages}), "/slurm") as address:
        page.goto(address + "pages/queue?state=R")
        expect(page).to_have_title("Queue · demo · Example University")
        expect(page.get_by_role("note").first).to_have_text(HOSTILE)
        page.locator("#clusters summary").click()
        expect(page.get_by_role("link", name="beta")).to_have_attribute(
            "href", "http://127.0.0.1/beta/pages/queue?state=R"
        )
        assert barriers(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.goto(address + "pages/quue")
        expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")
        page.get_by_role("main").get_by_role("link", name="Nodes").click()
        expect(page).to_have_url(address + "pages/nodes")

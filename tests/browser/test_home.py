"""The home page: problems, figures, and missing or old data."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.asking import node_state
from tests.browser.fixture import NewPage
from tests.browser.watching import barriers
from tests.waiting import wait_for

META = {"source": "demo", "version": "v-1", "changed_at": 1, "total": 1, "stale": False, "error": None, "next": None}
PARTITION = {"priority": 1, "state": "UP", "partition_load": 0.25, "jobs_running": 3, "jobs_pending": 4}
USAGE = {
    "total_load": 0.25,
    "alloc_cpus": 2,
    "total_cpus": 8,
    "alloc_mem": 1024,
    "total_mem": 4096,
    "alloc_gpus": 0,
    "total_gpus": 0,
    "jobs_running": 3,
    "jobs_pending": 4,
    "nodes_by_state": {"IDLE": 2},
    "partitions": {"main": PARTITION},
}
DRAINED = {**node_state("IDLE+DRAIN"), "reason": "new disk", "reason_user": "root", "reason_time": 1700000000}


def answer(data: Any, **meta: Any) -> Callable[[Route], None]:
    """Returns a handler that answers a route."""
    return lambda route: route.fulfill(json={"data": data, "meta": {**META, **meta}}, headers={"Age": "3"})


def instead(tab: Page, *, usage: Any = None, nodes: Any = None, **meta: Any) -> None:
    """Answers /usage and /nodes. The default is a cluster without problems."""
    tab.route("**/usage?*", answer(USAGE if usage is None else usage, **meta))
    tab.route("**/nodes?*", answer({} if nodes is None else nodes, **meta))


def open_with_usage(tab: Page, address: str) -> dict[str, Any]:
    """Opens the page, and returns the usage that it got."""
    with tab.expect_response(lambda response: "/usage?" in response.url) as asked:
        tab.goto(address)
    data: dict[str, Any] = asked.value.json()["data"]
    return data


def texts(tab: Page, selector: str) -> list[str]:
    return [text.strip() for text in tab.locator(selector).all_inner_texts()]


def pending_text(counts: dict[str, Any]) -> str:
    """The pending tasks of an array are one job, so the tasks are there, too, where they are more."""
    jobs, tasks = counts["jobs_pending"], counts["tasks_pending"]
    return f"{jobs:,} ({tasks:,} tasks)" if tasks > jobs else f"{jobs:,}"


def test_the_figures_are_those_of_the_api(tab: Page, demo_address: str) -> None:
    usage = open_with_usage(tab, demo_address)
    expect(tab.locator("#cpu .faint")).to_have_text(f"{usage['alloc_cpus']:,} of {usage['total_cpus']:,} allocated")
    expect(tab.locator("#gpu .faint")).to_have_text(f"{usage['alloc_gpus']} of {usage['total_gpus']} allocated")
    expect(tab.locator("#load .big")).to_have_text(f"{100 * usage['total_load']:.0f}%")
    for name, partition in usage["partitions"].items():
        row = tab.locator("#jobs tbody tr", has=tab.get_by_role("link", name=name, exact=True))
        expect(row.locator("td").nth(0)).to_have_text(f"{partition['jobs_running']:,}")
        expect(row.locator("td").nth(1)).to_have_text(pending_text(partition))
    tiers = [usage["partitions"][name]["priority"] for name in texts(tab, "#jobs tbody th")]
    assert tiers == sorted(tiers, reverse=True)
    for state, number in usage["nodes_by_state"].items():
        expect(tab.locator("#states li", has=tab.get_by_role("link", name=state, exact=True))).to_contain_text(
            f"{number:,}"
        )


def test_a_problem_node_has_its_reason_and_a_link(tab: Page, demo_address: str) -> None:
    instead(tab, nodes={"n1": DRAINED})
    tab.goto(demo_address)
    row = tab.locator("#problems tbody tr")
    expect(row).to_contain_text("new disk")
    expect(row).to_contain_text(re.compile(r"since Nov 14, .* days\), by root$"))
    link = row.get_by_role("link", name="n1", exact=True)
    expect(link).to_have_attribute("href", f"{demo_address}pages/node?name=n1")


def test_the_worst_problem_is_first_and_equal_ones_are_a_hostlist(tab: Page, demo_address: str) -> None:
    down = {**DRAINED, **node_state("DOWN*"), "reason": "<img src=x onerror=alert(1)>"}
    others = {f"m{number}": {**DRAINED, "reason_user": "amy"} for number in range(8, 12)}
    instead(tab, nodes={"n1": DRAINED, "n2": down, **others})
    tab.goto(demo_address)
    rows = tab.locator("#problems tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("slurmd does not respond")
    expect(rows.nth(0)).to_contain_text("<img src=x onerror=alert(1)>")
    expect(rows.nth(1)).to_contain_text("by root, amy")
    folded = rows.nth(1).get_by_role("link", name="m[8-11],n1")
    expect(folded).to_have_attribute("href", f"{demo_address}pages/nodes?name=m%5B8-11%5D%2Cn1")
    expect(tab.get_by_role("heading", name="Problems (6 nodes)")).to_be_visible()


# True if the text of an element has one line, next to the heading before it.
IS_ON_ONE_LINE = """(selector) => {
    const [text, heading] = [document.createRange(), document.querySelector("#problems-title")];
    text.selectNodeContents(document.querySelector(selector));
    const { left, right, height } = text.getBoundingClientRect();
    const isNextToIt = left >= heading.getBoundingClientRect().right && right <= innerWidth / 2;
    return isNextToIt && height < 2 * heading.offsetHeight;
}"""


# The boxes of the home page that scroll or cut off their content.
HIDDEN_PARTS = """() => [...document.querySelectorAll("html, .now, .card, #problem-list, #job-list")]
    .filter((box) => box.scrollHeight > box.clientHeight + 1).map((box) => box.id || box.tagName)"""
# The same of a wall display, with its notes about rows, and with the notes due for 30 problems and 20 partitions.
FITTED = f"""() => {{
    const note = (id) => document.getElementById(id).textContent;
    const shown = (table) => [...document.querySelectorAll(`${{table}} tbody tr`)].filter((row) => !row.hidden).length;
    const due = [`and ${{30 - shown("#problems")}} more`, `and ${{20 - shown("#jobs")}} more partitions`];
    return [({HIDDEN_PARTS})(), [note("all-problems"), note("more-partitions")], due];
}}"""


def is_fitted(page: Page) -> bool:
    """Returns True if nothing of a wall display is cut off, and its notes count the rows that are not shown."""
    hidden, notes, due = page.evaluate(FITTED)
    return bool(hidden == [] and notes == due)


@pytest.mark.parametrize("size", [(1920, 1080), (3840, 2160)], ids=["hd", "4k"])
def test_a_wall_display_shows_all_that_fits_and_counts_the_rest(
    new_page: NewPage, demo_address: str, size: tuple[int, int]
) -> None:
    page = new_page(viewport={"width": size[0], "height": size[1]})
    broken = {f"n{number}": {**DRAINED, "reason": f"reason {number}"} for number in range(30)}
    partitions = {f"partition{number}": PARTITION for number in range(20)}
    instead(page, usage={**USAGE, "partitions": partitions}, nodes=broken)
    maintenance = {"name": "update", "state": "UPCOMING", "start_time": time.time() + 300_000, "node_cnt": 1000}
    page.route("**/reservations?*", answer([maintenance]))
    page.goto(demo_address + "?kiosk")
    expect(page.locator("#maintenance")).to_contain_text("Maintenance begins in 3 days")
    assert page.evaluate(IS_ON_ONE_LINE, "#maintenance")
    # The rows are counted again whenever a response changes the size of their box.
    wait_for("rows that fit", lambda: is_fitted(page))
    assert page.locator("#problems tbody tr:visible").count() >= 2
    assert page.locator("#jobs tbody tr:visible").count() >= 3
    # The time of the wall display.
    expect(page.locator("#clock")).to_have_text(re.compile(r"\d:\d\d"))
    # Letters of 1.4 % of the width of the screen.
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize) / innerWidth") > 0.014


def test_a_button_shows_problems_that_do_not_fit(tab: Page, demo_address: str) -> None:
    instead(tab, nodes={f"n{number}": {**DRAINED, "reason": f"reason {number}"} for number in range(30)})
    tab.goto(demo_address)
    tab.get_by_role("button", name="Show all 30 problems").click()
    expect(tab.locator("#problems tbody tr:visible")).to_have_count(30)
    wait_for("boxes without hidden parts", lambda: tab.evaluate(HIDDEN_PARTS) in ([], ["HTML"]))


def test_a_wall_display_moves_on_to_the_next_page_once_that_answers(tab: Page, demo_address: str) -> None:
    tab.clock.install()
    away = True
    tab.route("**/pages/queue?kiosk*", lambda route: route.abort() if away else route.continue_())
    tab.goto(f"{demo_address}?kiosk&rotate=30&pages=now,queue,nosuch")
    expect(tab.locator("#clock")).to_be_visible()
    with tab.expect_event("requestfailed", lambda request: "/pages/queue" in request.url):
        tab.clock.fast_forward(31_000)
    expect(tab.locator("#problems-title")).to_be_visible()
    away = False
    tab.clock.fast_forward(31_000)
    expect(tab.locator("h1")).to_have_text("Queue")
    tab.get_by_role("button", name="Exit kiosk").click()
    expect(tab).to_have_url(f"{demo_address}pages/queue")


def test_a_cluster_without_problems_is_reported(tab: Page, demo_address: str) -> None:
    instead(tab)
    tab.goto(demo_address)
    expect(tab.locator("#notices")).to_contain_text("No problems")
    expect(tab.locator("#gpu .faint")).to_have_text("No GPUs")
    expect(tab.locator("#problems")).to_be_hidden()


def test_a_partition_that_is_not_up_is_a_problem(tab: Page, demo_address: str) -> None:
    instead(tab, usage={**USAGE, "partitions": {"main": {**PARTITION, "state": "INACTIVE"}}})
    tab.goto(demo_address)
    expect(tab.locator("#problems tbody tr")).to_contain_text("INACTIVE")
    expect(tab.locator("#problems tbody tr")).to_contain_text("Partition main")


def test_old_data_is_shown_with_its_cause(tab: Page, demo_address: str) -> None:
    error = {"detail": "Unable to contact slurm controller.", "since": 1700000000, "loaded_at": 1700000000}
    instead(tab, stale=True, error=error)
    tab.goto(demo_address)
    expect(tab.locator("#notices")).to_contain_text("Unable to contact slurm controller.")
    expect(tab.locator("#cpu .faint")).to_have_text("2 of 8 allocated")


def test_a_failing_service_is_shown_until_it_recovers(tab: Page, demo_address: str) -> None:
    fault = {"errors": [{"status": "503", "title": "Not loaded", "detail": "Nothing has been loaded yet."}]}
    for pattern in ("**/usage?*", "**/nodes?*"):
        tab.route(pattern, lambda route: route.fulfill(status=503, json=fault, headers={"Retry-After": "1"}))
    tab.goto(demo_address)
    expect(tab.get_by_role("alert")).to_contain_text("Nothing has been loaded yet.")
    tab.unroute_all()
    instead(tab)
    expect(tab.locator("#notices")).to_contain_text("No problems")


def test_a_refresh_keeps_rows_and_focus(tab: Page, demo_address: str) -> None:
    instead(tab, nodes={"n1": DRAINED})
    tab.clock.install()
    tab.goto(demo_address)
    link = tab.locator("#jobs").get_by_role("link", name="main")
    link.focus()
    row = tab.locator("#jobs tbody tr").element_handle()
    tab.unroute("**/usage?*")
    tab.route("**/usage?*", answer({**USAGE, "partitions": {"a": PARTITION, "main": {**PARTITION, "jobs_running": 9}}}))
    tab.clock.fast_forward(11_000)
    expect(tab.locator("#jobs tbody tr")).to_have_count(2)
    expect(tab.locator("#jobs tbody tr").nth(1).locator("td").nth(0)).to_have_text("9")
    expect(link).to_be_focused()
    assert tab.evaluate("row => row.isConnected && row.sectionRowIndex", row) == 1


def test_the_line_is_drawn_between_gaps(tab: Page, demo_address: str) -> None:
    now = int(time.time())
    samples = [{"time": now - ago, "total_load": 0.5} for ago in (3000, 2940, 2880, 300, 240, 180)]
    tab.route("**/load?*", answer(samples))
    tab.goto(demo_address)
    expect(tab.locator("#hour path")).to_have_count(2)
    expect(tab.locator("#hour figcaption")).to_have_text("50% to 50%, last 50%.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_filled_page_meets_wcag_on_a_phone(new_page: NewPage, demo_address: str, scheme: Any, width: int) -> None:
    page = new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    page.goto(demo_address)
    expect(page.locator("#jobs tbody tr").first).to_be_visible()
    expect(page.locator("#hour path").first).to_be_attached()
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width

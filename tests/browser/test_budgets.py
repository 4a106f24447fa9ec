"""The first view of each page: its requests, its bytes, and that nothing moves while it loads."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.asking import is_of
from tests.browser.fixture import NewPage
from tests.browser.paths import CHOSEN, CLUSTER, PAGES, filled
from tests.browser.watching import settle

MOST_BYTES = 150_000
# The frame, style sheets, scripts (which a browser keeps for a year), and the API.
MOST_REQUESTS, MOST_API_REQUESTS = 10, 3
# The queue reads the nodes of the partitions when jobs on it reach into a maintenance of some nodes.
MORE_API_REQUESTS = {"": 2, "pages/queue": 1}
_SHIFTS = """
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const shift of list.getEntries()) {
            if (!shift.hadRecentInput) window.shifts.push({
                value: shift.value, time: shift.startTime,
                of: shift.sources.map((s) => s.node?.outerHTML?.slice(0, 120) ?? s.node?.nodeName)
            });
        }
    }).observe({ type: "layout-shift", buffered: true });
"""
# Until a request is repeated: then a load has finished, and new jobs have rows.
_SHIFTS_OF_FIRST_VIEW = """() => {
    const names = new Set();
    const repeated = performance.getEntriesByType("resource").find(({ name }) => names.size === names.add(name).size);
    return window.shifts.filter(({ time }) => !repeated || time < repeated.startTime);
}"""


@pytest.fixture
def cold(new_page: NewPage) -> Page:
    """A tab of a browser with an empty cache, which records shifts of the layout."""
    page = new_page(viewport={"width": 1280, "height": 800})
    page.add_init_script(_SHIFTS)
    return page


def of_first_view(finished: list[Request]) -> list[Request]:
    """Returns the requests until one is repeated: the next ones are of an update, as are those with `since`."""
    own: dict[str, Request] = {}
    for request in finished:
        if request.url in own:
            break
        if "since=" not in request.url:
            own[request.url] = request
    return list(own.values())


@pytest.mark.parametrize("path", [*PAGES, *CLUSTER, *CHOSEN])
def test_the_first_view_is_small_sends_few_requests_and_moves_nothing(cold: Page, demo_address: str, path: str) -> None:
    finished: list[Request] = []
    cold.on("requestfinished", lambda request: finished.append(request))
    cold.goto(demo_address + filled(demo_address, path))
    expect(cold.locator("h1")).to_be_visible()
    settle(cold)
    own = of_first_view(finished)
    sizes = {
        request.url: sum(request.sizes()[part] for part in ("responseBodySize", "responseHeadersSize"))
        for request in own
    }
    assert sum(sizes.values()) <= MOST_BYTES, sizes
    assert len(own) <= MOST_REQUESTS, [request.url for request in own]
    asking = sum("/pages/" not in urlsplit(request.url).path for request in own)
    assert asking <= MOST_API_REQUESTS + MORE_API_REQUESTS.get(path, 0) or path in (*CLUSTER, *CHOSEN)
    shifts = cold.evaluate(_SHIFTS_OF_FIRST_VIEW)
    assert sum(shift["value"] for shift in shifts) < 0.02, shifts


@pytest.mark.parametrize("path", PAGES)
def test_nothing_moves_while_a_page_loads_on_a_phone(new_page: NewPage, demo_address: str, path: str) -> None:
    page = new_page(viewport={"width": 390, "height": 844})
    page.add_init_script(_SHIFTS)
    page.goto(demo_address + filled(demo_address, path))
    expect(page.locator("h1")).to_be_visible()
    settle(page)
    shifts = page.evaluate(_SHIFTS_OF_FIRST_VIEW)
    assert sum(shift["value"] for shift in shifts) < 0.02, shifts


def test_a_high_window_has_room_for_more_problems(new_page: NewPage, demo_address: str) -> None:
    page = new_page(viewport={"width": 1920, "height": 1080})
    page.goto(demo_address)
    problems = page.locator("#problem-list")
    high = problems.evaluate("list => list.clientHeight")
    # No page is longer than its window because of it.
    assert page.evaluate("document.documentElement.scrollHeight") <= 1080
    page.set_viewport_size({"width": 1920, "height": 800})
    low = problems.evaluate("list => list.clientHeight")
    # Two more rows of about 5 rem.
    assert high - low >= 160


@pytest.mark.parametrize("late", ["usage", "nodes"])
def test_problems_do_not_move_when_their_second_response_arrives(
    new_page: NewPage, demo_address: str, late: str
) -> None:
    page = new_page(viewport={"width": 390, "height": 844})
    page.add_init_script(_SHIFTS)
    held: list[Route] = []

    def hold(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route(lambda url: is_of(late, url), hold)
    first = {"usage": "nodes", "nodes": "usage"}[late]
    with page.expect_response(lambda response: is_of(first, response.url)):
        page.goto(demo_address)
    expect(page.locator("#notices")).to_have_text("Loading …")
    held[0].continue_()
    expect(page.locator("#problems tbody tr").first).to_be_visible()
    settle(page)
    shifts = page.evaluate("window.shifts")
    assert sum(shift["value"] for shift in shifts) < 0.02, shifts

"""The map of nodes: cells, pointer and keys, filters, refresh, and the table."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from slurm_rest_api.config import Settings
from tests.browser.asking import node_state
from tests.browser.fixture import NewPage
from tests.browser.mounted import mounted
from tests.browser.watching import barriers
from tests.waiting import wait_for

META = {"source": "demo", "version": "v-1", "changed_at": 1, "total": 1, "stale": False, "error": None, "next": None}
# The page itself is at /pages/nodes.
NODES, USAGE = re.compile(r"\d/nodes\?"), re.compile(r"\d/usage\?")
FREE = {
    **node_state("IDLE"),
    "cpus": 8,
    "alloc_cpus": 0,
    "real_memory": 1000,
    "alloc_mem": 0,
    "gres": ["gpu:a100:4"],
    "gres_used": [],
    "partitions": ["main"],
    "reason": None,
}
BUSY = {**FREE, **node_state("MIXED"), "alloc_cpus": 4, "alloc_mem": 100}
HELD = {"running_jobs": 1, "cpus_allocated": 4, "mem_allocated": 100}


def answer(data: Any, **meta: Any) -> Callable[[Route], None]:
    """Returns a handler that answers a route."""
    return lambda route: route.fulfill(json={"data": data, "meta": {**META, **meta}}, headers={"Age": "3"})


def instead(tab: Page, nodes: dict[str, Any], held: dict[str, Any]) -> None:
    """Answers with one partition `main` of these nodes. `held` is what its jobs hold on each."""
    partition = {"priority": 1, "state": "UP", "partition_load": 0.5, "nodes": held}
    tab.route(USAGE, answer({"partitions": {"main": partition}}))
    tab.route(NODES, answer(nodes))


def open_map(tab: Page, address: str) -> None:
    """Opens the page, and waits until cells are drawn."""
    tab.goto(address)
    expect(tab.locator("#map")).to_have_attribute("data-drawn", re.compile(r"\d"))


def pixel(tab: Page, band: str, index: int) -> tuple[float, float]:
    """Returns the position of the middle of a cell."""
    field = tab.get_by_role("application", name=f"Nodes of partition {band}", exact=True)
    box = field.locator("canvas").bounding_box()
    assert box is not None
    size = 20
    columns = int(box["width"] // size)
    return box["x"] + size * (index % columns) + 8, box["y"] + size * (index // columns) + 8


def test_bands_and_their_counts_are_those_of_the_api(tab: Page, demo_address: str) -> None:
    with (
        tab.expect_response(lambda response: "/usage?" in response.url) as asked_usage,
        tab.expect_response(lambda response: "/nodes?" in response.url) as asked_nodes,
    ):
        open_map(tab, demo_address + "pages/nodes")
    partitions, nodes = asked_usage.value.json()["data"]["partitions"], asked_nodes.value.json()["data"]
    headings = tab.locator("#map h2").all_inner_texts()
    assert sorted(headings) == sorted(partitions)
    tiers = [partitions[name]["priority"] for name in headings]
    assert tiers == sorted(tiers, reverse=True)
    for name in partitions:
        members = [node for node in nodes.values() if name in node["partitions"]]
        band = tab.locator("#map section", has=tab.get_by_role("heading", name=name, exact=True))
        expect(band.locator("p")).to_contain_text(f"{len(members)} nodes: ")


def test_cells_are_counted_by_kind(tab: Page, demo_address: str) -> None:
    states = {
        "n1": BUSY,
        "n2": BUSY,
        "n3": FREE,
        "n4": {**FREE, **node_state("IDLE+DRAIN")},
        "n5": {**FREE, **node_state("DOWN*")},
    }
    instead(tab, states, {"n1": HELD})
    open_map(tab, demo_address + "pages/nodes")
    summary = (
        "5 nodes: 1 running its jobs, 1 used by other partitions, 1 free, 1 draining, drained or in maintenance, 1 down"
    )
    expect(tab.locator("#map section p")).to_have_text(summary)


def test_keys_move_between_nodes_and_open_jobs(tab: Page, demo_address: str) -> None:
    reason = "<script>alert(1)</script>"
    instead(tab, {"n10": BUSY, "n9": {**FREE, **node_state("DOWN*"), "reason": reason}, "n1": BUSY}, {"n1": HELD})
    open_map(tab, demo_address + "pages/nodes")
    field = tab.get_by_role("application", name="Nodes of partition main")
    tab.locator("#place").focus()
    tab.keyboard.press("Tab")
    expect(field).to_be_focused()
    expect(tab.locator("#panel-name")).to_have_text("n1")
    expect(tab.locator("#panel-jobs")).to_have_text("1")
    expect(tab.locator("#panel-gpus")).to_have_text("0 of 4")
    tab.keyboard.press("ArrowRight")
    expect(tab.locator("#panel-name")).to_have_text("n9")
    expect(tab.locator("#panel-reason")).to_have_text(reason)
    expect(tab.locator("#spoken")).to_contain_text("n9, main: DOWN")
    tab.keyboard.press("End")
    expect(tab.locator("#panel-name")).to_have_text("n10")
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(f"{demo_address}pages/queue?node=n10")


def test_keys_move_between_partitions(tab: Page, demo_address: str) -> None:
    open_map(tab, demo_address + "pages/nodes")
    fields = tab.get_by_role("application")
    fields.first.focus()
    tab.keyboard.press("PageDown")
    expect(fields.nth(1)).to_be_focused()
    tab.keyboard.press("ArrowUp")
    expect(fields.first).to_be_focused()
    assert tab.locator("[role=application][tabindex='0']").count() == 1


def test_the_pointer_fills_the_panel_and_moves_nothing(tab: Page, demo_address: str) -> None:
    instead(tab, {"n1": FREE, "n2": BUSY}, {"n2": HELD})
    open_map(tab, demo_address + "pages/nodes")
    boxes = """() => JSON.stringify(
      [...document.querySelectorAll('#filters *, #map canvas, #panel :is(h2, p, dt)')]
        .map(one => one.getBoundingClientRect().top)
    )"""
    before = tab.evaluate(boxes)
    tab.mouse.move(*pixel(tab, "main", 1))
    expect(tab.locator("#panel-name")).to_have_text("n2")
    expect(tab.locator("#panel-cpus")).to_have_text("4 of 8")
    expect(tab.locator("#panel-links a").first).to_have_attribute("href", f"{demo_address}pages/queue?node=n2")
    assert tab.evaluate(boxes) == before
    expect(tab.locator("#spoken")).to_be_empty()
    tab.mouse.click(*pixel(tab, "main", 1))
    expect(tab).to_have_url(f"{demo_address}pages/queue?node=n2")


def test_a_tap_fills_the_panel_without_opening_jobs(new_page: NewPage, demo_address: str) -> None:
    page = new_page(has_touch=True, viewport={"width": 390, "height": 800})
    instead(page, {"n1": FREE, "n2": BUSY}, {"n2": HELD})
    open_map(page, demo_address + "pages/nodes")
    page.locator("#map canvas").scroll_into_view_if_needed()
    page.touchscreen.tap(*pixel(page, "main", 1))
    expect(page.locator("#panel-name")).to_have_text("n2")
    expect(page.locator("#panel")).to_be_in_viewport()
    expect(page).to_have_url(f"{demo_address}pages/nodes")


def test_filters_are_in_the_address(tab: Page, demo_address: str) -> None:
    open_map(tab, demo_address + "pages/nodes")
    tab.get_by_role("combobox", name="Partition", exact=True).select_option("gpu")
    expect(tab.locator("#map h2")).to_have_text(["gpu"])
    expect(tab).to_have_url(f"{demo_address}pages/nodes?partition=gpu")
    tab.get_by_label("Names").fill("gpu[001-003]")
    expect(tab.locator("#map section p")).to_contain_text("3 nodes")
    expect(tab).to_have_url(re.compile(r"partition=gpu&name=gpu%5B001-003%5D$"))
    tab.get_by_role("button", name="As a table").click()
    expect(tab.locator("#rows tr")).to_have_count(3)
    tab.reload()
    expect(tab.locator("#rows tr")).to_have_count(3)
    expect(tab.get_by_label("Names")).to_have_value("gpu[001-003]")
    for _ in range(3):
        tab.go_back()
    expect(tab).to_have_url(f"{demo_address}pages/nodes")
    expect(tab.locator("#map h2").nth(3)).to_be_visible()


def test_the_map_has_the_racks_of_the_site_and_a_view_of_memory(tab: Page, demo_settings: Settings) -> None:
    pages = type(demo_settings.pages).model_validate({"racks": [{"name": "west", "nodes": "n[2-3]"}]})
    instead(tab, {"n1": FREE, "n2": BUSY}, {"n2": HELD})
    looks = "(canvases) => canvases.map((canvas) => canvas.toDataURL())"
    with mounted(demo_settings.model_copy(update={"pages": pages})) as address:
        open_map(tab, address + "pages/nodes?show=cpu")
        tab.get_by_label("Group by").select_option("rack")
        expect(tab.locator("#map h2")).to_have_text(["west", "other nodes"])
        cpus = tab.eval_on_selector_all("#map canvas", looks)
        tab.get_by_label("Show").select_option("memory allocated")
        expect(tab).to_have_url(re.compile(r"\?show=memory&group=rack$"))
        # Half of the CPUs of n2 are allocated, and a tenth of its memory. Nothing of n1 is.
        wait_for("the memory of n2", lambda: tab.eval_on_selector_all("#map canvas", looks)[0] != cpus[0])
        assert tab.eval_on_selector_all("#map canvas", looks)[1] == cpus[1]
        tab.goto("about:blank")


def test_an_invalid_hostlist_is_explained(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/nodes?name=cn%5B1")
    expect(tab.get_by_role("alert")).to_contain_text("hostlist")
    expect(tab.get_by_label("Names")).to_have_attribute("aria-invalid", "true")
    tab.get_by_label("Names").fill("cn001")
    expect(tab.locator("#map section p").first).to_contain_text("1 node:")
    expect(tab.get_by_role("alert")).to_have_count(0)


def test_no_matching_node_names_the_filters(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/nodes?state=POWERED_DOWN&partition=main")
    expect(tab.get_by_text("No matching nodes")).to_be_visible()
    expect(tab.locator("#blank")).to_contain_text("partition main, state POWERED_DOWN")


def test_a_missing_permission_is_shown(tab: Page, demo_address: str) -> None:
    refused = {"errors": [{"status": "403", "title": "Forbidden", "detail": "Nodes are private here."}]}
    tab.route(NODES, lambda route: route.fulfill(status=403, json=refused))
    tab.goto(demo_address + "pages/nodes")
    expect(tab.get_by_role("alert")).to_contain_text("Nodes are private here.")
    expect(tab.locator("#map")).to_be_hidden()


def test_a_refresh_draws_changed_cells_and_keeps_the_focus(tab: Page, demo_address: str) -> None:
    instead(tab, {f"n{number}": FREE for number in range(50)}, {})
    tab.clock.install()
    open_map(tab, demo_address + "pages/nodes")
    tab.get_by_role("application").focus()
    tab.keyboard.press("ArrowRight")
    tab.unroute(NODES)
    changed = {**node_state("DOWN*"), "reason": "fan"}
    tab.route(NODES, answer({"n1": changed, "n7": node_state("DOWN*")}, version="v-2", full=False, gone=[]))
    with tab.expect_request(lambda request: "since=v-1" in request.url):
        tab.clock.fast_forward(11_000)
    expect(tab.locator("#panel-reason")).to_have_text("fan")
    expect(tab.get_by_role("application")).to_be_focused()
    # 50 cells of the first answer, and 2 changed ones.
    expect(tab.locator("#map")).to_have_attribute("data-drawn", "52")


def test_the_table_has_the_facts_of_the_map(tab: Page, demo_address: str) -> None:
    instead(tab, {"n1": BUSY, "n2": {**FREE, **node_state("DOWN*"), "reason": "<b>fan</b>"}}, {"n1": HELD})
    tab.goto(demo_address + "pages/nodes?view=table")
    rows = tab.locator("#rows tr")
    expect(rows.nth(0)).to_have_text(
        re.compile(r"main\s*n1\s*MIXED\s*50%\s*1\s*4 of 8\s*100 MiB of 1,?000 MiB\s*0 of 4\s*–")
    )
    expect(rows.nth(1)).to_contain_text("<b>fan</b>")
    expect(tab.locator("#map")).to_be_hidden()


def test_a_long_table_is_shown_in_parts(tab: Page, demo_address: str) -> None:
    instead(tab, {f"n{number}": FREE for number in range(450)}, {})
    tab.goto(demo_address + "pages/nodes?view=table")
    rows = tab.locator("#rows tr")
    expect(rows).to_have_count(200)
    for number in (400, 450):
        tab.get_by_role("button", name="Show more").click()
        expect(rows).to_have_count(number)
    expect(tab.get_by_role("button", name="Show more")).to_be_hidden()


def test_nodes_can_be_aligned_across_partitions(tab: Page, demo_address: str) -> None:
    nodes = {"n1": FREE, "n2": {**FREE, "partitions": ["long"]}}
    bands = {name: {"priority": 1, "state": "UP", "partition_load": 0, "nodes": {}} for name in ("main", "long")}
    tab.route(USAGE, answer({"partitions": bands}))
    tab.route(NODES, answer(nodes))
    open_map(tab, demo_address + "pages/nodes")
    expect(tab.locator("#map")).to_have_attribute("data-drawn", "2")
    tab.get_by_label("Align nodes across partitions").check()
    expect(tab.locator("#map")).to_have_attribute("data-drawn", "6")
    expect(tab).to_have_url(f"{demo_address}pages/nodes?place=same")
    tab.mouse.move(*pixel(tab, "main", 1))
    expect(tab.locator("#panel-partition")).to_have_text("not in main")


LIGHTNESS = """() => {
  const looks = [...document.querySelectorAll('canvas.look')];
  return looks.map(look => {
    const pen = look.getContext('2d');
    const {data} = pen.getImageData(0, 0, look.width, look.height);
    const grey = [];
    for (let at = 0; at < data.length; at += 4) {
      grey.push(0.2126 * data[at] + 0.7152 * data[at + 1] + 0.0722 * data[at + 2]);
    }
    return [look.dataset.kind + look.dataset.level, grey];
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_looks_differ_without_their_colours(new_page: NewPage, demo_address: str, scheme: Any) -> None:
    page = new_page(color_scheme=scheme)
    open_map(page, demo_address + "pages/nodes")
    looks = page.evaluate(LIGHTNESS)
    assert len(looks) == 7
    for place, (one, grey) in enumerate(looks):
        for other, grey_too in looks[place + 1 :]:
            # At least one pixel in twenty differs in its lightness, by a tenth of the scale.
            apart = sum(abs(a - b) > 25 for a, b in zip(grey, grey_too, strict=True))
            assert apart > len(grey) / 20, (one, other, apart)


@pytest.mark.parametrize(("scheme", "query"), [("light", ""), ("dark", ""), ("dark", "?view=table")])
def test_the_filled_page_meets_wcag_on_a_phone(new_page: NewPage, demo_address: str, scheme: Any, query: str) -> None:
    page = new_page(color_scheme=scheme, viewport={"width": 390, "height": 800})
    page.goto(f"{demo_address}pages/nodes{query}")
    expect(page.locator("#map section, #rows tr").first).to_be_visible()
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

"""The Load page: graphs, ranges, values and pictures."""

from __future__ import annotations

import math
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from tests.browser.asking import answer_with, asked, is_of
from tests.browser.fixture import NewPage
from tests.browser.watching import barriers
from tests.waiting import wait_for

HOUR = 3600
BEGIN = 1_795_000_000


_TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"


def figure(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


def drawn(page: Page) -> None:
    """Waits until all graphs are drawn."""
    expect(page.get_by_role("button", name="Picture (PNG) of Jobs")).to_be_enabled()


def samples(times: list[int], partition: str = "main") -> list[dict[str, Any]]:
    """Returns samples with numbers that follow from their place."""
    return [
        {
            "time": at,
            "total_load": 0.25,
            "alloc_cpus": 10 + place,
            "total_cpus": 64,
            "alloc_mem": 1024,
            "total_mem": 4096,
            "alloc_gpus": 0,
            "total_gpus": 0,
            "jobs_running": place,
            "jobs_pending": 3,
            "partitions": {partition: {"partition_load": 0.5}, "other": {"partition_load": 0.25}},
        }
        for place, at in enumerate(times)
    ]


def answer(found: list[dict[str, Any]], step: int = 0) -> dict[str, Any]:
    meta = {"source": "demo", "since": BEGIN, "until": BEGIN + 6 * HOUR, "step": step}
    return {"data": found, "meta": {**meta, "count": len(found), "next": None, "truncated": False}}


def past_range(address: str) -> tuple[int, int]:
    """Returns six hours of the demo's past, once they are written."""
    until = int(time.time()) // HOUR * HOUR - 2 * HOUR
    since = until - 6 * HOUR
    question = f"load?since={since}&until={until}&fields=time"
    wait_for("the past of the load", lambda: len(asked(address, question)["data"]) >= 36)
    return since, until


def test_the_legend_has_the_values_of_the_archive(tab: Page, demo_address: str) -> None:
    since, until = past_range(demo_address)
    found = asked(demo_address, f"load?since={since}&until={until}&fields=jobs_running,alloc_cpus,total_cpus")["data"]
    tab.goto(f"{demo_address}pages/load?since={since}&until={until}")
    drawn(tab)
    running = [sample["jobs_running"] for sample in found]
    cells = figure(tab, "Jobs").get_by_role("row", name=re.compile("running")).get_by_role("cell")
    # The page rounds a half up, Python's formats round it to an even number.
    mean = f"{math.floor(sum(running) / len(running) + 0.5):,}"
    expect(cells).to_have_text([f"{min(running):,}", mean, f"{max(running):,}", f"{running[-1]:,}"])
    last = figure(tab, "CPUs").get_by_role("row", name=re.compile("configured")).get_by_role("cell").last
    expect(last).to_have_text(f"{found[-1]['total_cpus']:,}")
    expect(tab.locator("#about")).to_contain_text(re.compile(r"\(\w+.*\): \d+ samples"))
    expect(tab.locator("#curl")).to_contain_text(f"since={since}&until={until}")


def points(tab: Page, line: str, kind: str = "line", title: str = "Jobs") -> list[list[tuple[float, float]]]:
    """Returns the stretches of a line, an area or a band of a graph, as points in pixels."""
    path = tab.get_by_label(f"Graph: {title}.").locator(f'path[data-line="{line}"][data-kind={kind}]')
    text = path.get_attribute("d") or ""
    numbers = [[float(number) for number in re.findall(r"-?\d+\.\d+", part)] for part in text.split("M")[1:]]
    return [list(zip(part[::2], part[1::2], strict=True)) for part in numbers]


def test_a_gap_stays_a_gap(tab: Page, demo_address: str) -> None:
    before = [BEGIN + 60 * place for place in range(20)]
    after = [BEGIN + 2 * HOUR + 60 * place for place in range(20)]
    answer_with(tab, "load", answer(samples(before + after)))
    tab.goto(demo_address + "pages/load")
    drawn(tab)
    first, second = points(tab, "running")
    assert (len(first), len(second)) == (20, 20)
    heights = [y for _, y in first + second]
    # One job more with each sample.
    assert heights == sorted(heights, reverse=True)
    assert [len(part) for part in points(tab, "pending")] == [20, 20]
    jobs = figure(tab, "Jobs")
    jobs.get_by_text("Values as a table").click()
    expect(jobs.get_by_role("cell", name="no samples")).to_have_count(1)
    expect(jobs.get_by_role("region", name="Jobs: values").get_by_role("row")).to_have_count(1 + 40 + 1)


def test_averages_have_a_band_from_lowest_to_highest(tab: Page, demo_address: str) -> None:
    found = samples([BEGIN + 600 * place for place in range(5)])
    for sample in found:
        sample |= {"jobs_running_min": sample["jobs_running"] - 1, "jobs_running_max": sample["jobs_running"] + 2}
    answer_with(tab, "load", answer(found, step=600))
    tab.goto(demo_address + "pages/load")
    drawn(tab)
    (line,), (band,) = points(tab, "running"), points(tab, "running", "band")
    one = line[0][1] - line[1][1]
    high, low = band[:5], band[:4:-1]
    assert [round((y - top) / one) for (_, y), (_, top) in zip(line, high, strict=True)] == [2] * 5
    assert [round((bottom - y) / one) for (_, y), (_, bottom) in zip(line, low, strict=True)] == [1] * 5
    expect(tab.locator("#about")).to_contain_text("5 10-minute averages; shaded band: min–max")


def test_states_of_nodes_and_reasons_are_stacked(tab: Page, demo_address: str) -> None:
    found = samples([BEGIN + 60 * place for place in range(5)])
    for sample in found:
        sample |= {"nodes_by_state": {"IDLE": 4, "ALLOCATED": 8, "DOWN*": 0}}
    # Older samples have no reasons.
    found[-1]["jobs_pending_by_reason"] = {f"Reason{number}": 10 - number for number in range(8)}
    answer_with(tab, "load", answer(found))
    tab.goto(demo_address + "pages/load")
    drawn(tab)
    (below,), (above,) = (points(tab, state, "area", "Nodes by state") for state in ("ALLOCATED", "IDLE"))
    # The lower side of an area is its second half, backwards.
    assert below[:5] == above[:4:-1]
    names = figure(tab, "Nodes by state").locator("tbody th")
    expect(names).to_have_text(["ALLOCATED", "IDLE"])
    reasons = figure(tab, "Pending jobs by reason")
    expect(reasons.locator("tbody th")).to_have_text([*(f"Reason{number}" for number in range(5)), "others"])
    expect(reasons.get_by_role("row", name="others").get_by_role("cell").last).to_have_text("12")


def test_marks_of_the_axes_do_not_overlap(tab: Page, demo_address: str) -> None:
    answer_with(tab, "load", answer(samples([BEGIN + 60 * place for place in range(300)])))
    tab.goto(demo_address + "pages/load")
    drawn(tab)
    overlaps = tab.evaluate(
        """() => [...document.querySelectorAll(".chart svg")].flatMap((chart) => {
            const boxes = [...chart.querySelectorAll("text")].map((text) => text.getBoundingClientRect());
            const hit = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
            return boxes.flatMap((one, at) => boxes.slice(at + 1).filter((other) => hit(one, other)));
        }).length"""
    )
    assert overlaps == 0


def test_dragging_across_a_graph_zooms_and_back_returns(tab: Page, demo_address: str) -> None:
    begin = int(time.time()) - 720 * HOUR
    month = answer(samples([begin + HOUR * place for place in range(720)]), step=HOUR)
    month["meta"] |= {"since": begin, "until": begin + 720 * HOUR}
    answer_with(tab, "load", month)
    tab.goto(demo_address + "pages/load?last=month")
    drawn(tab)
    expect(tab.locator("#about")).to_contain_text("1-hour averages")
    place = tab.get_by_label("Graph: Jobs.").locator("svg")
    box = place.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    with tab.expect_request(lambda request: is_of("load", request.url)) as zoomed:
        tab.mouse.move(box["x"] + 0.80 * box["width"], middle)
        tab.mouse.down()
        tab.mouse.move(box["x"] + 0.825 * box["width"], middle, steps=4)
        tab.mouse.up()
    asked_for = parse_qs(urlsplit(zoomed.value.url).query)
    since, until = int(asked_for["since"][0]), int(asked_for["until"][0])
    assert 0.5 * 86400 < until - since < 1.5 * 86400
    assert "step" not in asked_for
    assert {"since": [str(since)], "until": [str(until)]}.items() <= parse_qs(urlsplit(tab.url).query).items()
    tab.go_back()
    expect(tab.get_by_role("button", name="Month")).to_have_attribute("aria-pressed", "true")
    expect(tab.locator("#about")).to_contain_text("1-hour averages")


def test_ranges_are_chosen_by_buttons_and_by_dates(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/load")
    tab.get_by_role("button", name="Hour").click()
    expect(tab).to_have_url(re.compile(r"\?last=hour$"))
    tab.get_by_role("button", name="Earlier").click()
    expect(tab).to_have_url(re.compile(r"since=\d+&until=\d+"))
    tab.get_by_label("From").fill("2026-11-01T00:00")
    tab.get_by_label("To", exact=True).fill("2026-11-02T12:00")
    tab.get_by_role("button", name="Show range").click()
    expect(tab).to_have_url(re.compile(r"since=\d+&until=\d+"))
    chosen = parse_qs(urlsplit(tab.url).query)
    assert int(chosen["until"][0]) - int(chosen["since"][0]) == 36 * HOUR
    expect(tab.get_by_role("button", name="Hour")).to_have_attribute("aria-pressed", "false")


def test_a_partition_has_its_own_graphs(tab: Page, demo_address: str) -> None:
    since, until = past_range(demo_address)
    tab.goto(f"{demo_address}pages/load?since={since}&until={until}")
    drawn(tab)
    tab.locator("#partition").select_option("gpu")
    expect(tab).to_have_url(re.compile("partition=gpu"))
    fields = "partitions.total_cpus"
    found = asked(demo_address, f"load?since={since}&until={until}&partition=gpu&fields={fields}")["data"]
    last = figure(tab, "CPUs").get_by_role("row", name=re.compile("configured")).get_by_role("cell").last
    expect(last).to_have_text(f"{found[-1]['partitions']['gpu']['total_cpus']:,}")
    expect(figure(tab, "Load by partition")).to_have_count(0)
    # Observers of its size run within a frame. The test fails if they draw a figure that is gone.
    tab.evaluate(_TWO_FRAMES)


def test_a_picture_can_be_downloaded(tab: Page, demo_address: str, tmp_path: Path) -> None:
    tab.goto(demo_address + "pages/load")
    drawn(tab)
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Picture (PNG) of Jobs").click()
    file = tmp_path / "picture.png"
    download.value.save_as(file)
    assert file.read_bytes().startswith(b"\x89PNG\r\n")
    assert download.value.suggested_filename.startswith("load-jobs-")


def test_arrow_keys_read_the_values(tab: Page, demo_address: str) -> None:
    answer_with(tab, "load", answer(samples([BEGIN + 60 * place for place in range(30)])))
    tab.goto(demo_address + "pages/load")
    drawn(tab)
    tab.get_by_label("Graph: Jobs.").focus()
    tab.keyboard.press("ArrowLeft")
    expect(figure(tab, "Jobs").get_by_role("status")).to_contain_text("running 28, pending 3")
    cpus = figure(tab, "CPUs").get_by_role("row", name=re.compile("allocated")).get_by_role("cell").last
    expect(cpus).to_have_text("38")
    tab.keyboard.press("Home")
    expect(figure(tab, "Jobs").get_by_role("status")).to_contain_text("running 0, pending 3")


def test_a_partition_named_like_markup_is_text(tab: Page, demo_address: str) -> None:
    name = "<img src=x onerror=alert(1)>"
    answer_with(tab, "load", answer(samples([BEGIN + 60 * place for place in range(9)], name)))
    tab.goto(demo_address + "pages/load")
    drawn(tab)
    expect(figure(tab, "Load by partition").get_by_role("rowheader", name=name)).to_be_visible()
    assert tab.locator("main img").count() == 0


def test_a_range_without_samples_is_explained(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/load?since=1000000000&until=1000086400")
    expect(tab.locator("#state")).to_contain_text("No samples in this range")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_graphs_meet_wcag_on_a_phone(new_page: NewPage, demo_address: str, scheme: str) -> None:
    page = new_page(color_scheme=scheme, viewport={"width": 360, "height": 800})
    page.goto(demo_address + "pages/load")
    drawn(page)
    figure(page, "Jobs").get_by_text("Values as a table").click()
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_page_sends_few_requests(tab: Page, demo_address: str) -> None:
    sizes: dict[str, int] = {}

    def weighed(request: Request) -> None:
        sizes[request.url] = request.sizes()["responseBodySize"]

    tab.on("requestfinished", weighed)
    tab.goto(demo_address + "pages/load")
    drawn(tab)
    assert len(sizes) <= 15
    assert sum(sizes.values()) <= 200_000

"""The Queue page: filters, order, pages and refresh, compared with the API."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.asking import asked
from tests.browser.fixture import NewPage
from tests.browser.watching import Watched, barriers

EVIL = "<script>alert(1)</script>"


def job(number: int, **fields: Any) -> dict[str, Any]:
    """Returns a running job with the fields that the page requests."""
    return {
        "job_id": number,
        "name": f"job{number}",
        "user_name": "alice",
        "partition": "main",
        "job_state": "RUNNING",
        "state_reason": "None",
        "start_time": 1795484525,
        "end_time": None,
        "suspend_time": 0,
        "pre_sus_time": 0,
        "time_limit": 60,
        "num_nodes": 1,
        "num_cpus": 4,
        "tres_alloc_str": "cpu=4,gres/gpu=1",
        "tres_req_str": None,
        "nodes": "n1",
        "array_job_id": None,
        "array_task_id": None,
        "array_task_str": None,
        "het_job_id": None,
        "het_job_offset": None,
    } | fields


def envelope(data: Any, version: str = "x-1", **meta: Any) -> str:
    """Returns a body of /queue."""
    known = {"source": "demo", "version": version, "changed_at": 1, "total": len(data), "stale": False, "error": None}
    return json.dumps({"data": data, "meta": known | {"next": None} | meta})


Jobs = Callable[[], list[dict[str, Any]]]


def answer_with(tab: Page, jobs: Jobs, known: Jobs | None = None) -> None:
    """Answers /queue with `jobs`, each time as a new version, and requests for job ids with those of `known`."""
    versions = itertools.count()

    def respond(route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        found: Any = jobs()
        if "group_by" in query:
            found = {}
        elif "jobid" in query:
            known_jobs = found if known is None else known()
            found = {str(one["job_id"]): one for one in known_jobs if str(one["job_id"]) in query["jobid"]}
        body = envelope(found, f"x-{next(versions)}")
        route.fulfill(body=body, content_type="application/json", headers={"Age": "1", "Cache-Control": "max-age=1"})

    tab.route(re.compile(r"/queue\?"), respond)


def rows(tab: Page) -> Any:
    return tab.locator("#rows tr:not(.wait)")


def test_a_filter_shows_the_jobs_of_the_api_and_is_in_the_address(tab: Page, demo_address: str) -> None:
    user = next(iter(asked(demo_address, "queue?state=R&limit=1&fields=user_name")["data"].values()))["user_name"]
    tab.goto(demo_address + "pages/queue")
    tab.get_by_role("combobox", name="User", exact=True).fill(user)
    tab.get_by_role("combobox", name="State", exact=True).fill("r")
    tab.get_by_role("button", name="Show", exact=True).click()
    expect(tab.locator("#found")).to_contain_text(f"with user={user}")
    expect(tab).to_have_url(re.compile(rf"\?user={user}&state=r$"))
    total = asked(demo_address, f"queue?user={user}&state=r&count=true")["data"]["count"]
    expect(tab.locator("#found")).to_contain_text(f"{total} job")
    assert set(tab.locator("#rows tr:not(.left) td:nth-child(3)").all_inner_texts()) == {user}
    expect(tab.locator("#curl")).to_contain_text(f"/queue?user={user}&state=r&fields=job_id")


def test_headers_sort_and_pages_follow_each_other(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/queue?limit=25&fold=no")
    tab.get_by_role("button", name="Limit").click()
    tab.get_by_role("button", name="Limit").click()
    expect(tab.locator("th[data-field=time_limit]")).to_have_attribute("aria-sort", "descending")
    expect(tab.locator("#jobs")).to_have_attribute("aria-busy", "false")
    tab.get_by_role("button", name="Next").click()
    expect(tab.locator("#place")).to_have_text("Page 2")
    # The button is below the rows, and the next page begins with its first row.
    expect(rows(tab).first).to_be_in_viewport()
    tab.get_by_role("button", name="Previous").click()
    expect(tab.locator("#place")).to_have_text("Page 1")
    tab.go_back()
    expect(tab.locator("#place")).to_have_text("Page 2")
    assert "sort=-time_limit" in tab.url


def test_comparisons_of_job_ids_go_to_the_api(tab: Page, demo_address: str) -> None:
    ids = sorted(int(key) for key in asked(demo_address, "queue?state=PD&fields=job_id")["data"])
    low, high = ids[10], ids[14]
    tab.goto(demo_address + "pages/queue?fold=no&jobid=" + quote(f">={low} <={high}"))
    total = asked(demo_address, f"queue?jobid>={low}&jobid<={high}&count=true")["data"]["count"]
    expect(rows(tab)).to_have_count(total)


def test_an_invalid_filter_is_marked(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/queue?state=RUNING")
    expect(tab.get_by_role("alert")).to_contain_text("RUNING")
    expect(tab.get_by_role("combobox", name="State", exact=True)).to_have_attribute("aria-invalid", "true")


def test_no_matching_job_names_the_filters_and_what_was_meant(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/queue?user=no-such-user&partition=Main&limit=25")
    expect(tab.locator("#blank")).to_contain_text("No matching jobs")
    expect(tab.locator("#blank")).to_contain_text("user=no-such-user")
    expect(tab.locator("#blank")).to_contain_text("0 jobs for partition Main; did you mean main?")
    link = tab.locator("#blank").get_by_role("link", name="main", exact=True)
    expect(link).to_have_attribute("href", re.compile(r"/pages/queue\?user=no-such-user&partition=main&limit=25$"))


def test_filters_offer_their_values_with_counts(tab: Page, demo_address: str) -> None:
    with tab.expect_response(lambda response: "group_by=account" in response.url) as asked_for:
        tab.goto(demo_address + "pages/queue?partition=main")
        tab.get_by_role("combobox", name="Account", exact=True).focus()
    assert parse_qs(urlsplit(asked_for.value.url).query)["partition"] == ["main"]
    groups = asked_for.value.json()["data"]
    options = tab.locator("#l-account option")
    expect(options).to_have_count(len(groups))
    listed = {
        option["value"]: option["label"]
        for option in options.evaluate_all("options => options.map(({ value, label }) => ({ value, label }))")
    }
    assert listed == {name: f"{group['count']:,} jobs" for name, group in groups.items()}
    tab.get_by_role("combobox", name="Account", exact=True).press_sequentially("physics,")
    expect(options.first).to_have_attribute("value", re.compile(r"^physics,\w"))


def test_chosen_columns_are_requested_and_kept(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/queue")
    tab.get_by_text("Columns", exact=True).click()
    tab.locator("#choices").get_by_label("QOS").check()
    expect(tab.locator("th[data-field=qos]")).to_be_visible()
    tab.reload()
    expect(tab.locator("th[data-field=qos]")).to_be_visible()
    assert re.search(r"qos", tab.get_by_role("link", name="Download CSV").get_attribute("href") or "")


def test_columns_suit_pending_jobs_and_the_order(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/queue?state=PD&sort=-qos")
    heads = tab.locator("#heads th")
    expect(heads.filter(has_text="QOS")).to_have_attribute("aria-sort", "descending")
    expect(heads.filter(has_text="Priority")).to_be_visible()
    expect(heads.filter(has_text="Run time")).to_have_count(0)


def test_jobs_that_cross_a_maintenance_are_marked(tab: Page, demo_address: str) -> None:
    start = time.time() + 3 * 3600
    maintenance = {"name": "update", "nodes": "n[1-2]", "start_time": start, "end_time": start + 60, "flags": ["MAINT"]}
    for name, data in {"reservations": [maintenance], "partitions": {}}.items():
        body = envelope(data)
        tab.route(re.compile(rf"/{name}\?"), lambda route, *, body=body: route.fulfill(body=body))
    answer_with(tab, lambda: [job(1, nodes="n2", end_time=start + 9), job(2, nodes="n3", end_time=start + 9)])
    tab.goto(demo_address + "pages/queue")
    expect(tab.locator("#rows .mark")).to_have_text("maintenance in 3 h")
    expect(tab.locator("tr[data-key='1'] .mark")).to_have_attribute("href", re.compile("reservations.name=update"))


def test_the_whole_queue_is_never_requested(tab: Page, demo_address: str) -> None:
    watched = Watched(tab)
    tab.goto(demo_address + "pages/queue")
    expect(rows(tab).first).to_be_visible()
    asked_for = [parse_qs(urlsplit(url).query) for url in watched.requests if urlsplit(url).path == "/queue"]
    assert asked_for
    assert all("limit" in query or "group_by" in query for query in asked_for)


def test_a_job_that_is_gone_is_marked_and_the_focus_stays(tab: Page, demo_address: str) -> None:
    jobs = [job(1), job(2), job(3)]
    answer_with(tab, lambda: jobs)
    tab.goto(demo_address + "pages/queue")
    tab.locator("tr[data-key='3'] th a").focus()
    jobs[:] = [job(2, job_state="COMPLETING"), job(3), job(4)]
    expect(tab.locator("tr.left[data-key='1']")).to_be_visible()
    expect(tab.locator("tr[data-key='4']")).to_be_visible()
    expect(tab.locator("tr[data-key='2'] .chip")).to_have_text("completing")
    expect(tab.locator("tr[data-key='3'] th a")).to_be_focused()


def test_new_jobs_wait_above_the_rows_until_they_are_wanted(tab: Page, demo_address: str) -> None:
    jobs = [job(number) for number in (6, 5, 4, 3)]
    answer_with(tab, lambda: sorted(jobs, key=lambda one: -int(one["job_id"]))[:4], lambda: jobs)
    tab.goto(demo_address + "pages/queue")
    tab.locator("tr[data-key='5'] th a").focus()
    jobs += [job(7), job(8)]
    jobs[1] = job(5, job_state="COMPLETING")
    news = tab.get_by_role("button", name="2 new jobs: show")
    expect(news).to_be_visible()
    expect(tab.locator("tr[data-key='5'] .chip")).to_have_text("completing")
    assert tab.locator("#rows tr:not(.left)").evaluate_all("(all) => all.map((row) => row.dataset.key)") == list("6543")
    expect(tab.locator("tr[data-key='5'] th a")).to_be_focused()
    news.press("Enter")
    expect(tab.locator("tr[data-key='8']")).to_be_visible()
    expect(tab.locator("#scroll")).to_be_focused()
    expect(news).to_be_hidden()


def test_tasks_of_an_array_are_one_row_until_it_is_opened(tab: Page, demo_address: str) -> None:
    waiting = job(9, array_job_id=9, array_task_str="4-9%2", job_state="PENDING", state_reason="JobArrayTaskLimit")
    jobs = [job(7, array_job_id=9, array_task_id=2), job(8, array_job_id=9, array_task_id=3), waiting]
    answer_with(tab, lambda: jobs)
    tab.goto(demo_address + "pages/queue")
    expect(rows(tab)).to_have_count(1)
    expect(rows(tab)).to_contain_text("2 running, 6 pending")
    tab.get_by_role("button", name="Tasks of array 9").click()
    expect(rows(tab)).to_have_count(4)
    expect(tab.locator("tr.task", has_text="9_2")).to_be_visible()
    expect(tab.get_by_role("link", name="9_[…] (6 tasks)")).to_be_visible()
    assert "open=9" in tab.url


def test_text_from_slurm_is_text(tab: Page, demo_address: str) -> None:
    answer_with(tab, lambda: [job(1, name=EVIL, state_reason=EVIL)])
    tab.goto(demo_address + "pages/queue")
    expect(tab.locator("#rows td").first).to_have_text(EVIL)
    assert tab.locator("#rows script").count() == 0


def test_a_reason_that_names_many_nodes_has_few_lines(tab: Page, demo_address: str) -> None:
    whole = "ReqNodeNotAvail,_UnavailableNodes:" + ",".join(f"n_{number}[1-3]" for number in range(60))
    answer_with(tab, lambda: [job(1, job_state="PENDING", state_reason=whole)])
    tab.goto(demo_address + "pages/queue")
    cell = tab.locator("#rows td[data-field=state_reason]")
    expect(cell).to_contain_text("Required node not available: UnavailableNodes:n_0[1-3],n_1[1-3]")
    expect(cell.get_by_title(whole, exact=True)).to_be_visible()
    lines = "span => span.clientHeight / parseFloat(getComputedStyle(span).lineHeight)"
    assert cell.locator("span").evaluate(lines) < 3.5


def test_rows_stay_while_the_service_is_unavailable(tab: Page, demo_address: str) -> None:
    answer_with(tab, lambda: [job(1), job(2)])
    tab.goto(demo_address + "pages/queue")
    expect(rows(tab)).to_have_count(2)
    body = json.dumps({"errors": [{"status": "503", "title": "x", "detail": "Nothing has been loaded yet."}]})
    tab.route(re.compile(r"/queue\?"), lambda route: route.fulfill(status=503, body=body))
    expect(tab.get_by_role("alert")).to_contain_text("Nothing has been loaded yet.")
    expect(rows(tab)).to_have_count(2)


def test_reasons_are_explained(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/queue?state=PD")
    tab.get_by_role("button", name="Show breakdown").click()
    expect(tab.get_by_role("link", name="Priority", exact=True)).to_be_visible()
    groups = asked(demo_address, "queue?state=PD&group_by=reason")["data"]
    for name, group in groups.items():
        if name == "None":
            continue
        row = tab.locator("#why tr", has=tab.get_by_role("link", name=name, exact=True))
        cells = row.get_by_role("cell")
        # The pages have a label for each reason of the demo.
        expect(cells.nth(0)).not_to_have_text("–")
        # Jobs may start between the two requests.
        expect(cells.nth(1)).to_have_text(re.compile(r"\d"))
        assert group["count"] > 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_has_cards_and_a_button_for_the_filters(new_page: NewPage, demo_address: str, scheme: str) -> None:
    page = new_page(color_scheme=scheme, viewport={"width": 360, "height": 780})
    page.goto(demo_address + "pages/queue?state=PD&fold=no")
    # Roles, because a card is no longer laid out as a row of a table.
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader")).first
    for field in ("job_state", "state_reason", "time_limit"):
        cell = row.locator(f"[role=cell][data-field={field}]")
        expect(cell).to_be_visible()
        box = cell.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 360
    expect(page.get_by_role("search", name="Filters")).to_be_hidden()
    page.get_by_role("button", name="Filters (1)").click()
    expect(page.get_by_role("search", name="Filters")).to_be_visible()
    page.get_by_role("button", name="Show breakdown").click()
    expect(page.locator("#why table")).to_be_visible()
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

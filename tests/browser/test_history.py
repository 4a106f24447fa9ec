"""The History page: records, filters, failures and CSV."""

from __future__ import annotations

import csv
import io
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.asking import answer_with, asked, fail_with, is_of
from tests.browser.fixture import NewPage
from tests.browser.watching import barriers
from tests.waiting import wait_for

FIRST_PAGE = 50
FAILURES = {"FAILED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "BOOT_FAIL", "DEADLINE"}


def record(number: int, **others: Any) -> dict[str, Any]:
    """Returns a record of a completed job with the fields that the page requests."""
    usual: dict[str, Any] = {
        "id_record": str(number),
        "id_job": number,
        "job_id_str": str(number),
        "job_name": f"job{number}",
        "user_name": "alice",
        "account": "physics",
        "partition": "main",
        "qos": "normal",
        "state_name": "COMPLETED",
        "reason": None,
        "exit_code": 0,
        "exit_signal": 0,
        "time_submit": 1_795_000_000,
        "time_start": 1_795_000_060,
        "elapsed": 1800,
        "timelimit": 120,
        "tres_alloc": {"cpu": 8},
        "cpus_req": 8,
        "nodes_alloc": 1,
        "nodelist": "rack001",
        "failed_node": None,
    }
    return usual | others


def answer(records: list[dict[str, Any]], onward: str | None = None) -> dict[str, Any]:
    meta = {"source": "demo", "cluster": "demo", "count": len(records), "next": onward, "truncated": False}
    return {"data": records, "meta": meta}


def window(address: str, least: int = 3 * FIRST_PAGE) -> tuple[int, int]:
    """Returns bounds of submission with at least `least` records, all of which are written."""
    until = int(time.time()) // 3600 * 3600 - 3600
    since = until - 6 * 3600
    # The demo writes its past a day at a time, the newest first: yesterday is complete once the day before has records.
    wait_for("the past of the jobs", lambda: asked(address, "history?endbefore=now-2days&limit=1")["data"])
    question = f"history?submitafter={since}&submitbefore={until}&fields=id_job&limit=1000"
    assert len(asked(address, question)["data"]) >= least
    return since, until


def rows(page: Page) -> list[str]:
    return page.locator("#rows tr th a").all_text_contents()


def test_the_first_records_are_those_of_the_api(tab: Page, demo_address: str) -> None:
    since, until = window(demo_address)
    filters = f"submitafter={since}&submitbefore={until}"
    found = asked(demo_address, f"history?{filters}&limit={FIRST_PAGE}&times=epoch")["data"]
    tab.set_viewport_size({"width": 1280, "height": 300})
    tab.goto(f"{demo_address}pages/history?{filters}&unended=yes")
    expect(tab.locator("#rows tr")).to_have_count(FIRST_PAGE)
    assert rows(tab) == [record["job_id_str"] for record in found]
    # A job that runs may end between the two requests.
    place, ended = next((place, record) for place, record in enumerate(found) if record["time_end"])
    row = tab.locator("#rows tr").nth(place)
    expect(row.locator(".chip")).to_have_text(ended["state_name"].lower().replace("_", " "))
    for field in ("job_name", "user_name", "account", "partition", "qos"):
        expect(row).to_contain_text(ended[field])
    link = row.get_by_role("link", name=ended["job_id_str"])
    expect(link).to_have_attribute("href", re.compile(rf"/pages/job\?id={ended['id_job']}$"))
    expect(tab.locator("#curl")).to_contain_text(f"submitafter={since}&submitbefore={until}")


def test_scrolling_and_the_button_add_records_without_duplicates(tab: Page, demo_address: str) -> None:
    since, until = window(demo_address)
    filters = f"submitafter={since}&submitbefore={until}"
    found = asked(demo_address, f"history?{filters}&limit={3 * FIRST_PAGE}&fields=job_id_str")["data"]
    tab.goto(f"{demo_address}pages/history?{filters}&unended=yes")
    expect(tab.locator("#rows tr")).to_have_count(FIRST_PAGE)
    tab.get_by_role("button", name="More records").focus()
    expect(tab.locator("#rows tr")).to_have_count(2 * FIRST_PAGE)
    tab.keyboard.press("Enter")
    expect(tab.locator("#rows tr")).to_have_count(3 * FIRST_PAGE)
    assert rows(tab)[: 3 * FIRST_PAGE] == [record["job_id_str"] for record in found]


def test_the_filters_are_in_the_address(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/history")
    tab.get_by_label("User", exact=True).fill("rosa")
    tab.get_by_label("State").fill("COMPLETED,FAILED")
    tab.get_by_role("button", name="Search").click()
    expect(tab).to_have_url(re.compile(r"user=rosa&state=COMPLETED%2CFAILED"))
    expect(tab.locator("#rows tr").first).to_contain_text("rosa")
    states = set(tab.locator("#rows .chip").all_text_contents())
    assert states <= {"completed", "failed"}
    tab.go_back()
    expect(tab.get_by_label("User", exact=True)).to_have_value("")
    tab.go_forward()
    expect(tab.get_by_label("User", exact=True)).to_have_value("rosa")
    tab.get_by_role("button", name="Clear").click()
    expect(tab).to_have_url(re.compile(r"/pages/history$"))


def test_every_filter_is_sent_as_it_is_typed(tab: Page, demo_address: str) -> None:
    given = {
        "user": "alice",
        "account": "physics",
        "partition": "main",
        "jobname": "a b&c",
        "qos": "normal,high",
        "associd": "7",
        "state": "FAILED",
        "node": "rack[001-003]",
        "submitafter": "now-7days",
        "submitbefore": "now",
        "startafter": "yesterday",
        "startbefore": "1795000000",
        "endafter": "now-2days",
        "endbefore": "today",
        "duplicates": "false",
    }
    answer_with(tab, "history", answer([]))
    query = "&".join(f"{name}={quote(value)}" for name, value in given.items())
    with tab.expect_request(lambda request: is_of("history", request.url)) as request:
        tab.goto(f"{demo_address}pages/history?{query}&jobid={quote('>5 <=10')}")
    asked_for = parse_qs(urlsplit(request.value.url).query)
    assert asked_for["jobid"] == [">5", "<=10"]
    assert {name: asked_for[name] for name in given} == {name: [value] for name, value in given.items()}
    expect(tab.get_by_label("Association ID")).to_be_visible()
    expect(tab.locator("#state")).to_contain_text("No matching records")
    expect(tab.locator("#state")).to_contain_text("jobname=a b&c")


def test_names_are_offered_with_counts_and_corrected(tab: Page, past_address: str) -> None:
    tab.goto(past_address + "pages/history?partition=Main")
    expect(tab.locator("#state")).to_contain_text("0 jobs for partition Main; did you mean main?")
    tab.get_by_label("Account", exact=True).focus()
    offered = tab.locator("#l-account option")
    expect(offered.first).to_be_attached()
    expect(offered.first).to_have_text(re.compile(r"^[\d,]+ jobs$"))
    accounts = asked(past_address, "history?submitafter=now-7days&group_by=account")["data"]
    assert {option.get_attribute("value") for option in offered.all()} == {group["account"] for group in accounts}
    tab.get_by_role("link", name="main", exact=True).click()
    expect(tab).to_have_url(past_address + "pages/history?partition=main")
    expect(tab.locator("#rows tr").first).to_contain_text("main")


def test_a_date_is_in_the_users_time_zone(new_page: NewPage, demo_address: str) -> None:
    page = new_page(timezone_id="Asia/Tokyo")
    with page.expect_request(lambda request: is_of("history", request.url)) as request:
        page.goto(f"{demo_address}pages/history?submitafter=2026-11-24&submitbefore=2026-11-24T09:00")
    asked_for = parse_qs(urlsplit(request.value.url).query)
    # Midnight in Tokyo, which is 9 hours ahead of UTC.
    assert asked_for["submitafter"] == ["1795446000"]
    assert asked_for["submitbefore"] == [str(1795446000 + 9 * 3600)]


def test_failures_are_those_of_all_records(tab: Page, demo_address: str) -> None:
    since, until = window(demo_address)
    filters = f"submitafter={since}&submitbefore={until}"
    sums = asked(demo_address, f"history?{filters}&group_by=state&fields=state,jobs")["data"]
    failed = {one["state"]: one["jobs"] for one in sums if one["state"] in FAILURES}
    assert failed
    tab.goto(f"{demo_address}pages/history?{filters}")
    expect(tab.locator("#failures-of")).to_have_text(re.compile(rf"^{sum(failed.values()):,} of all"))
    tab.get_by_text("Failures", exact=True).click()
    shown = tab.locator("#failure-rows tr")
    expect(shown).to_have_count(len(failed))
    words = (state.lower().replace("_", " ") for state in failed)
    assert {
        row.get_by_role("button").inner_text(): row.get_by_role("cell").first.inner_text() for row in shown.all()
    } == {word: f"{jobs:,}" for word, jobs in zip(words, failed.values(), strict=True)}
    shown.get_by_role("button").first.click()
    expect(tab).to_have_url(re.compile("state=[A-Z_]+"))


def test_elapsed_time_is_compared_with_the_limit(tab: Page, demo_address: str) -> None:
    unlimited = record(2, timelimit="UNLIMITED")
    waiting = record(3, state_name="PENDING", time_start=None, elapsed=0, reason="Resources", tres_alloc={})
    answer_with(tab, "history", answer([record(1), unlimited, waiting]))
    tab.goto(demo_address + "pages/history")
    row = tab.locator("#rows tr")
    expect(row.nth(0)).to_contain_text("25% of 02:00:00")
    expect(row.nth(0)).to_contain_text("4 CPU h")
    expect(row.nth(0)).to_contain_text("waited 00:01:00")
    expect(row.nth(1)).to_contain_text("limit unlimited")
    expect(row.nth(2)).to_contain_text("Resources")
    expect(row.nth(2)).to_contain_text("not started")


def test_cpu_time_is_compared_with_the_allocation(tab: Page, demo_address: str) -> None:
    half, nothing = record(1, cpu_time=7200.0), record(2, cpu_time=None)
    still_running = record(3, cpu_time=10.0, time_end=None, state_name="RUNNING")
    answer_with(tab, "history", answer([half, nothing, still_running]))
    tab.goto(demo_address + "pages/history")
    row = tab.locator("#rows tr")
    expect(row.nth(0)).to_contain_text("50% of 4 CPU h")
    for place in (1, 2):
        expect(row.nth(place)).to_contain_text("4 CPU h")
        expect(row.nth(place)).not_to_contain_text("of 4 CPU h")


def test_names_are_text(tab: Page, demo_address: str) -> None:
    name = "<script>alert(1)</script>"
    answer_with(tab, "history", answer([record(1, job_name=name, user_name="<b>eve</b>", nodelist="<i>n</i>")]))
    tab.goto(demo_address + "pages/history")
    expect(tab.locator("#rows .name")).to_have_text(name)
    assert tab.locator("#rows :is(script, b, i)").count() == 0


def test_an_invalid_value_is_explained_and_marked(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/history?startafter=yesteryear")
    expect(tab.locator("#state")).to_contain_text("Invalid startafter: 'yesteryear'.")
    expect(tab.get_by_label("Started after")).to_have_attribute("aria-invalid", "true")


def test_a_slow_search_offers_a_time_range(tab: Page, demo_address: str) -> None:
    fail_with(tab, "history", 504, "The database ended the search after 10 s.")
    tab.goto(demo_address + "pages/history?jobname=align")
    expect(tab.locator("#state")).to_contain_text("The database ended the search after 10 s.")
    tab.get_by_role("button", name="Last week").click()
    expect(tab).to_have_url(re.compile("jobname=align&submitafter=now-7days"))


def test_csv_is_disabled_without_records(tab: Page, demo_address: str) -> None:
    fail_with(tab, "history", 503, "This and that was the cause.")
    tab.goto(demo_address + "pages/history")
    expect(tab.locator("#state")).to_contain_text("This and that was the cause.")
    expect(tab.get_by_role("button", name="Download as CSV")).to_be_disabled()


def test_a_failing_page_keeps_the_records_before_it(tab: Page, demo_address: str) -> None:
    found = [record(number) for number in range(FIRST_PAGE)]

    def only_the_first(route: Route) -> None:
        if "cursor=" in route.request.url:
            route.fulfill(
                status=503, json={"errors": [{"status": "503", "title": "t", "detail": "The database is away."}]}
            )
        else:
            route.fulfill(json=answer(found, "/history?cursor=abc"))

    tab.route(lambda url: is_of("history", url), only_the_first)
    tab.goto(demo_address + "pages/history")
    tab.get_by_role("button", name="More records").click()
    expect(tab.locator("#state")).to_contain_text("The database is away.")
    expect(tab.locator("#rows tr")).to_have_count(FIRST_PAGE)
    expect(tab.get_by_role("button", name="More records")).to_be_enabled()


def test_the_table_can_be_downloaded(tab: Page, demo_address: str, tmp_path: Path) -> None:
    since, until = window(demo_address)
    filters = f"submitafter={since}&submitbefore={until}&partition=main"
    found = asked(demo_address, f"history?{filters}&limit=1000&fields=id_record")["data"]
    tab.goto(f"{demo_address}pages/history?{filters}&unended=yes")
    expect(tab.locator("#rows tr").first).to_be_visible()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download as CSV").click()
    file = tmp_path / "history.csv"
    download.value.save_as(file)
    table = list(csv.DictReader(io.StringIO(file.read_text())))
    assert [row["id_record"] for row in table] == [one["id_record"] for one in found]
    assert {row["partition"] for row in table} == {"main"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_records_meet_wcag_on_a_phone(new_page: NewPage, demo_address: str, scheme: str) -> None:
    page = new_page(color_scheme=scheme, viewport={"width": 390, "height": 800})
    page.goto(demo_address + "pages/history?qos=normal&state=FAILED,TIMEOUT,COMPLETED")
    expect(page.locator("#rows tr").first).to_be_visible()
    assert barriers(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_page_sends_few_requests(tab: Page, demo_address: str) -> None:
    sizes: list[int] = []

    def weighed(request: Request) -> None:
        sizes.append(request.sizes()["responseBodySize"])

    tab.on("requestfinished", weighed)
    tab.goto(demo_address + "pages/history")
    expect(tab.locator("#rows tr")).to_have_count(FIRST_PAGE)
    assert len(sizes) <= 15
    assert sum(sizes) <= 150_000

"""The My jobs page: its user, its sections, and what it says without data."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.asking import answer_with, asked, fail_with
from tests.browser.fixture import NewPage
from tests.browser.watching import barriers

META = {"version": "v-1", "total": 1, "stale": False, "error": None, "next": None, "truncated": False}
RECORD = {
    "id_record": "1",
    "id_job": 900,
    "job_id_str": "900",
    "job_name": "align",
    "state_name": "COMPLETED",
    "exit_code": 0,
    "exit_signal": 0,
    "time_start": 1_795_000_000,
    "time_end": 1_795_003_600,
    "elapsed": 3600,
    "timelimit": 120,
    "time_efficiency": 0.5,
    "tres_alloc": {"cpu": 4, "mem": 8192},
    "cpu_efficiency": 0.25,
    "mem_efficiency": None,
    "max_rss": None,
    "gpu_util": None,
    "failed_node": None,
}


def user_with_jobs(address: str) -> str:
    """Returns the user with the most running jobs who has pending ones, too."""
    running, pending = (asked(address, f"queue?state={state}&group_by=user")["data"] for state in ("R", "PD"))
    return str(max(running.keys() & pending.keys(), key=lambda name: int(running[name]["count"])))


def test_a_user_is_chosen_once_and_kept_in_the_browser(tab: Page, demo_address: str) -> None:
    user = user_with_jobs(demo_address)
    tab.goto(f"{demo_address}pages/my-jobs")
    expect(tab.get_by_text("Whose jobs?")).to_be_visible()
    field = tab.get_by_label("User", exact=True)
    field.focus()
    expect(tab.locator(f"#users option[value='{user}']")).to_be_attached()
    field.fill(user)
    field.press("Enter")
    expect(tab.locator("#running tbody tr").first).to_be_visible()
    expect(tab).to_have_url(re.compile(rf"my-jobs.user={user}$"))
    tab.goto(f"{demo_address}pages/my-jobs")
    expect(tab.get_by_role("heading", level=1)).to_have_text("My jobs")
    expect(field).to_have_value(user)
    # A link shows the jobs of its user, and changes nothing in the browser.
    tab.goto(f"{demo_address}pages/my-jobs?user=no-such-user")
    expect(tab.get_by_text("No jobs of no-such-user")).to_be_visible()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Jobs of no-such-user")
    tab.get_by_role("button", name="Forget this user").click()
    expect(tab.get_by_text("Whose jobs?")).to_be_visible()
    assert tab.evaluate("localStorage.getItem('slurm-rest-api user')") is None


def test_running_and_waiting_jobs_are_those_of_the_queue(tab: Page, demo_address: str) -> None:
    user = user_with_jobs(demo_address)
    totals = {state: asked(demo_address, f"queue?user={user}&state={state}&limit=1")["meta"]["total"] for state in "R"}
    waiting: dict[str, Any] = asked(demo_address, f"queue?user={user}&state=PD&sort=-priority&limit=1")["data"]
    tab.goto(f"{demo_address}pages/my-jobs?user={user}")
    running = tab.locator("#running")
    expect(running.locator("tbody tr").first).to_contain_text(re.compile(r"\d+% of"))
    assert int(re.findall(r"\d+", running.locator("p").first.inner_text())[0]) >= totals["R"] - 3
    (job,) = waiting.values()
    row = tab.locator("#waiting tbody tr", has_text=job["name"]).first
    expect(row).to_contain_text(re.compile("no estimate yet|[AP]M"))
    row.get_by_role("button", name="Place of job").click()
    expect(row).to_contain_text(re.compile(r"Place [\d,]+ in|First in|[Hh]eld|not considered|scheduler"))
    assert barriers(tab) == []


def test_ended_jobs_show_failures_first_and_unknown_use_as_such(tab: Page, demo_address: str) -> None:
    failed = {**RECORD, "id_record": "2", "job_id_str": "800", "state_name": "FAILED", "exit_code": 3, "time_end": 1}
    answer_with(tab, "history", {"data": [RECORD, failed], "meta": META})
    tab.goto(f"{demo_address}pages/my-jobs?user=alice")
    rows = tab.locator("#ended tbody tr")
    expect(rows.first).to_contain_text("exit 3")
    expect(rows.nth(1)).to_contain_text("25%")
    expect(rows.nth(1)).to_contain_text("50% of the limit")
    expect(rows.nth(1)).to_contain_text("not recorded")
    expect(tab.locator("#ended > p")).to_contain_text("2 jobs, 1 failed.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_rows_are_cards_on_a_phone(new_page: NewPage, demo_address: str, scheme: str) -> None:
    page = new_page(color_scheme=scheme, viewport={"width": 360, "height": 800})
    fail_with(page, "history", 404, "Accounting is off here.")
    page.goto(f"{demo_address}pages/my-jobs?user={user_with_jobs(demo_address)}")
    expect(page.locator("#ended")).to_contain_text("Accounting is off")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#running tbody tr").first.evaluate("(row) => getComputedStyle(row).display") == "flex"
    assert barriers(page) == []

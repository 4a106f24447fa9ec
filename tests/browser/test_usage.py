"""The Usage page: accounts and their users, ranges in the address, CSV, and services without slurmdbd's usage."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.asking import asked, fail_with, is_of
from tests.waiting import wait_for

# Both ends are over, so that no sum changes meanwhile.
LAST = date.today() - timedelta(days=3)  # noqa: DTZ011 - the service's days
FIRST = LAST - timedelta(days=6)
RANGE = f"since={FIRST}&until={LAST}"
ASKED = f"since={FIRST}&until={LAST + timedelta(days=1)}"
ENDED = f"endafter={FIRST}&endbefore={LAST + timedelta(days=1)}"


@pytest.fixture(autouse=True)
def _summed_up(demo_address: str) -> None:
    # The demo sums its past up once all of its records are written.
    wait_for("the sums", lambda: len(asked(demo_address, f"utilization?{ASKED}")["data"]) == 7)


def number(text: str) -> int:
    return int(text.split(" ")[0].replace(",", ""))


def hours(address: str) -> dict[tuple[str, str], float]:
    """Returns the CPU hours by account and user."""
    path = f"utilization?group_by=account,user&step=total&tres=cpu&limit=10000&{ASKED}"
    records: list[dict[str, Any]] = asked(address, path)["data"]
    return {(record["account"], record["user"]): record["allocated"] / 3600 for record in records}


def test_accounts_open_to_their_users(tab: Page, demo_address: str, tmp_path: Path) -> None:
    known = hours(demo_address)
    of_physics = sum(value for (account, _), value in known.items() if account == "physics")
    [jobs] = [sum_ for sum_ in asked(demo_address, f"history?group_by=account&{ENDED}")["data"]
              if sum_["account"] == "physics"]  # fmt: skip
    tab.goto(f"{demo_address}pages/usage?{RANGE}")
    row = tab.locator("tr[data-account=physics]")
    expect(row.locator("td").nth(2)).to_have_text(f"{jobs['jobs']:,}")
    assert abs(number(row.locator("td").nth(0).inner_text()) - of_physics) <= 1
    expect(tab.locator("#graphs svg")).to_have_count(2)
    expect(tab.locator("#graphs svg").first.locator("g")).to_have_count(7)

    held: list[Route] = []
    tab.route(lambda url: is_of("history", url) and "group_by=user" in url, lambda route: held.append(route), times=1)
    with tab.expect_request(lambda request: "group_by=user" in request.url):
        row.get_by_role("button").press("Enter")
    expect(tab.locator("#rows [role=status]")).to_have_text("Loading …")
    held[0].continue_()
    users = tab.locator("tr[data-user]")
    expect(users).to_have_count(len([user for account, user in known if account == "physics"]))
    expect(row.get_by_role("button")).to_be_focused()
    expect(users.first.locator("td").nth(2)).not_to_have_text("–")
    assert "open=physics" in tab.url

    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download as CSV").click()
    download.value.save_as(tmp_path / "usage.csv")
    rows = list(csv.DictReader((tmp_path / "usage.csv").read_text().splitlines()))
    assert {(row["account"], row["user"]) for row in rows if row["cpu_hours"]} == set(known)
    assert abs(sum(float(row["cpu_hours"] or 0) for row in rows) - sum(known.values())) < 1


def test_the_address_has_the_range_and_filters(tab: Page, demo_address: str) -> None:
    tab.goto(f"{demo_address}pages/usage?{RANGE}&open=physics")
    expect(tab.locator("tr[data-user]").first).to_be_visible()
    tab.get_by_label("Account", exact=True).fill("physics")
    tab.get_by_role("button", name="Show").click()
    expect(tab.locator("#rows tr[data-account]")).to_have_count(1)
    assert f"{RANGE}&account=physics" in tab.url
    months = tab.locator("#month").locator("option")
    expect(months).to_have_count(25)
    tab.locator("#month").select_option(index=2)
    expect(tab.locator("#about")).to_contain_text("days")
    assert "month=" in tab.url
    assert "since=" not in tab.url
    tab.go_back()
    expect(tab.locator("#rows tr[data-account]")).to_have_count(1)
    assert f"{RANGE}&account=physics" in tab.url
    tab.get_by_text("Limits of accounts and QOS").click()
    expect(tab.get_by_role("heading", name="Limits of accounts")).to_be_visible()
    expect(tab.get_by_role("region", name="QOS limits").locator("tbody tr").first).to_be_visible()


def test_without_slurmdbds_usage_the_hours_are_those_of_jobs(tab: Page, demo_address: str) -> None:
    fail_with(tab, "utilization", 404, "`database.tables_usage` is not set.")
    tab.goto(f"{demo_address}pages/usage?{RANGE}")
    expect(tab.locator("#lacks")).to_contain_text("database.tables_usage is not set. The hours are those of jobs")
    [*_, first] = sorted(asked(demo_address, f"history?group_by=account&{ENDED}")["data"], key=lambda s: s["cpu_hours"])
    expect(tab.locator("#rows tr").first.locator("td").first).to_have_text(f"{round(first['cpu_hours']):,}")

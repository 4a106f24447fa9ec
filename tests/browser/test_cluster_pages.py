"""The pages of the menu Cluster: their content, filters and links, on a desktop and on a phone."""

from __future__ import annotations

import re
import time
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.asking import answer_with, asked, is_of
from tests.browser.fixture import NewPage
from tests.browser.watching import Watched, barriers

UPDATE = re.compile(r"[?&]since=[0-9a-f]{20}")
# For each page an element that it has once it is complete, and its first requests to the API.
PAGES = {
    "partitions": ("#partitions tbody tr", 4),
    "reservations": ("#reservations tbody tr", 1),
    "licenses": ("#licenses tbody tr", 2),
    "events": ("#events tbody tr", 3),
    "accounts": ("#tree li", 2),
    "qos": ("#qos tbody tr", 4),
}


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_every_page_fits_and_meets_wcag(new_page: NewPage, past_address: str, width: int, scheme: str) -> None:
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    watched = Watched(page)
    for name, (complete, most) in PAGES.items():
        # The page before polls no more.
        page.goto("about:blank")
        watched.requests.clear()
        page.goto(f"{past_address}pages/{name}")
        expect(page.locator(complete).first).to_be_visible()
        expect(page.locator("h1")).to_have_text(re.compile(f"^{name}$", re.IGNORECASE))
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert barriers(page) == [], name
        asking = {url for url in watched.requests if "/pages/" not in urlsplit(url).path and not UPDATE.search(url)}
        assert len(asking) == most, asking
    assert watched.faults == []


def test_the_menu_of_the_navigation_works_with_the_keyboard(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/licenses")
    menu = tab.locator("nav summary")
    expect(menu).to_have_attribute("aria-current", "true")
    menu.focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("link", name="Licenses")).to_have_attribute("aria-current", "page")
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("link", name="Licenses")).to_be_hidden()
    expect(menu).to_be_focused()
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("link", name="Partitions")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.locator("h1")).to_have_text("Partitions")


def test_a_partition_shows_what_is_free_and_links_to_its_jobs(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/partitions")
    row = tab.get_by_role("row").filter(has=tab.get_by_role("rowheader", name="gpu", exact=True))
    nodes = asked(demo_address, "nodes?gpus=>0&fields=gpus")["data"].values()
    totals = {
        model: sum(node["gpus"].get(model, {"total": 0})["total"] for node in nodes) for model in ("a100", "4090")
    }
    for model, total in totals.items():
        expect(row).to_contain_text(re.compile(rf"{model}: \d+ of {total}"))
    expect(row.get_by_role("link", name=re.compile(r"\d+ running"))).to_have_attribute(
        "href", re.compile(r"queue\?partition=gpu&state=RUNNING")
    )
    row.get_by_role("link", name="gpu", exact=True).click()
    expect(tab.locator("h1")).to_have_text("Partition gpu")
    (record,) = asked(demo_address, "partitions?name=gpu")["data"].values()
    expect(tab.get_by_text(record["nodes"], exact=True)).to_be_visible()
    expect(tab.locator("main")).to_contain_text(f"Maximum time{record['max_time_str']}")
    tab.goto(demo_address + "pages/partitions?name=nosuch")
    expect(tab.locator("main")).to_contain_text("No partition nosuch")


def test_the_time_line_has_the_reservations_of_the_table(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/reservations")
    row = tab.get_by_role("row").filter(has=tab.get_by_role("rowheader", name="maintenance", exact=True))
    expect(row).to_contain_text("upcoming")
    expect(row).to_contain_text("maintenance, named nodes, all nodes")
    expect(row).to_contain_text("users root")
    line = tab.get_by_role("img", name=re.compile("Time line of the next 7 days"))
    names = set(line.locator(".name").all_text_contents())
    assert {"maintenance", "course"} <= names
    assert line.locator("rect").count() == len(line.locator(".name").all())
    tab.goto(demo_address + "pages/reservations?name=course")
    expect(tab.locator("#reservations tbody tr")).to_have_count(1)
    tab.get_by_role("button", name="Show all").click()
    expect(row).to_be_visible()


def test_licenses_name_the_jobs_that_wait_for_them(tab: Page, demo_address: str) -> None:
    meta = {"version": "v-1", "total": 2, "stale": False, "error": None, "next": None}
    jobs = {"1": {"licenses": {"fluent": 2}}, "2": {"licenses": {"fluent": 1, "ansys": 1}}}
    answer_with(tab, "queue", {"data": jobs, "meta": meta})
    tab.goto(demo_address + "pages/licenses")
    row = tab.get_by_role("row").filter(has=tab.get_by_role("rowheader", name="fluent"))
    (record,) = asked(demo_address, "licenses?name=fluent&fields=total")["data"].values()
    expect(row).to_contain_text(f"of {record['total']:,}")
    expect(row.get_by_role("link", name="2")).to_have_attribute(
        "href", re.compile(r"queue\?state=PENDING&reason=Licenses")
    )


def test_events_are_filtered_and_summed(tab: Page, past_address: str) -> None:
    tab.goto(past_address + "pages/events")
    rows = tab.locator("#events tbody tr")
    sums = asked(past_address, "events?group_by=reason&since=now-30days&limit=5")["data"]
    expect(tab.locator("#by-reason tbody tr")).to_have_count(len(sums))
    reason, number = sums[0]["group"], sums[0]["events"]
    tab.locator("#by-reason").get_by_role("button", name=reason).click()
    expect(rows).to_have_count(number)
    expect(tab).to_have_url(re.compile(r"reason="))
    expect(rows.first).to_contain_text(reason)
    tab.go_back()
    expect(tab.get_by_label("Reason contains")).to_have_value("")
    tab.get_by_label("Node or hostlist").fill("nosuchnode")
    tab.get_by_role("button", name="Search").click()
    expect(tab.locator("main")).to_contain_text("No matching events")
    tab.get_by_label("From").fill("no time")
    tab.get_by_role("button", name="Search").click()
    expect(tab.get_by_label("From")).to_have_attribute("aria-invalid", "true")


def test_accounts_open_to_their_users_and_limits_with_the_keyboard(tab: Page, demo_address: str) -> None:
    (record,) = asked(demo_address, "accounts?name=physics")["data"]
    tab.goto(demo_address + "pages/accounts")
    root = tab.get_by_role("treeitem", name=re.compile("^root"))
    physics = tab.get_by_role("treeitem", name=re.compile("^physics"))
    expect(physics).to_contain_text(f"{record['user_count']} users")
    assert tab.get_by_role("treeitem").count() == 1 + len(asked(demo_address, "accounts?parent=root")["data"])
    root.focus()
    tab.keyboard.press("End")
    expect(physics).to_be_focused()
    tab.keyboard.press("ArrowRight")
    expect(physics).to_have_attribute("aria-expanded", "true")
    users = tab.locator("#tree .member")
    expect(users).to_have_text(record["users"])
    tab.keyboard.press("Enter")
    details = tab.get_by_role("region", name="Details")
    expect(details.get_by_role("heading", name="Account physics")).to_be_visible()
    limit = details.get_by_role("row").filter(has_text="GrpTRES=cpu")
    expect(limit).to_contain_text("CPUs of all running jobs, with all accounts below")
    expect(limit).to_contain_text(re.compile(rf"{record['grp_tres']['cpu']:,}[\d,]+ \(\d+%\)physics"))
    (share,) = asked(demo_address, "fairshare?account=physics&sort=name&limit=1")["data"].values()
    expect(details).to_contain_text(f"Level{share['level_fs']:.2f}: has used")
    expect(details.get_by_role("link", name="Usage")).to_have_attribute("href", re.compile(r"usage\?account=physics$"))
    assert tab.url.endswith("accounts?name=physics")

    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(details.get_by_role("heading", name=f"User {record['users'][0]}")).to_be_visible()
    expect(details.get_by_role("link", name="My jobs")).to_have_attribute("href", re.compile(r"my-jobs\?user="))
    tab.go_back()
    expect(details.get_by_role("heading", name="Account physics")).to_be_visible()
    physics.focus()
    tab.keyboard.press("ArrowLeft")
    expect(users).to_have_count(0)

    tab.get_by_role("searchbox").fill(record["users"][1])
    expect(users).to_have_text([record["users"][1]])
    expect(tab.locator("#about")).to_contain_text("1 of")
    tab.goto(demo_address + "pages/accounts?name=nosuch")
    expect(details).to_contain_text("No account nosuch")


def test_more_users_of_an_account_are_read_on_demand(tab: Page, demo_address: str) -> None:
    asking: list[str] = []
    tab.on("request", lambda request: asking.append(request.url))
    meta = {"source": "slurmdbd", "cluster": "demo", "count": 1, "truncated": False}
    tab.goto(demo_address + "pages/accounts")
    physics = tab.get_by_role("treeitem", name=re.compile("^physics"))
    expect(physics).to_be_visible()
    assert not any(is_of("users", url) for url in asking)
    answer_with(tab, "users", {"data": [{"user": "ada"}], "meta": meta | {"next": "/users?acct=physics&cursor=c1"}})
    physics.focus()
    tab.keyboard.press("ArrowRight")
    expect(tab.locator("#tree .note")).to_have_text("Show the next users: 1 are shown")
    answer_with(tab, "users", {"data": [{"user": "bob"}], "meta": meta | {"next": None}})
    tab.locator("#tree .note").click()
    expect(tab.locator("#tree .member")).to_have_text(["ada", "bob"])
    expect(tab.locator("#tree .note")).to_have_count(0)
    assert "cursor=c1" in [url for url in asking if is_of("users", url)][-1]


def test_a_qos_shows_its_limits_and_the_users_who_reach_them(tab: Page, demo_address: str) -> None:
    meta = {"version": "v-1", "total": 2, "stale": False, "error": None}
    sums = {user: {"RUNNING": {"count": 1, "tasks": 1, "cpus": cpus, "memory": 0, "nodes": 1, "gpus": 0}}
            for user, cpus in (("ada", 4), ("bob", 24))}  # fmt: skip
    answer_with(tab, "queue", {"data": sums, "meta": meta})
    (record,) = asked(demo_address, "qos?name=interactive")["data"]
    tab.goto(demo_address + "pages/qos")
    row = tab.get_by_role("row").filter(has=tab.get_by_role("rowheader", name=re.compile("^interactive")))
    expect(row).to_contain_text(f"Running jobs of each user: {record['max_jobs_per_user']}")
    expect(row).to_contain_text("all accountsin all partitions")
    row.get_by_role("link", name="interactive").click()
    expect(tab.locator("h1")).to_have_text("QOS interactive")
    limit = tab.get_by_role("row").filter(has_text="MaxTRESPerUser=cpu")
    expect(limit).to_contain_text("CPUs of running jobs of each user")
    expect(limit).to_contain_text(f"{record['max_tres_per_user']['cpu']}24 (75%)bob")
    tab.goto(demo_address + "pages/qos?name=nosuch")
    expect(tab.locator("main")).to_contain_text("No QOS nosuch")


def test_maintenance_is_announced_on_the_home_page_and_on_jobs(tab: Page, demo_address: str) -> None:
    now = int(time.time())
    (job,) = asked(demo_address, "queue?state=RUNNING&limit=1")["data"].values()
    maintenance = {"name": "update", "start_time": now + 3 * 3600, "end_time": now + 9 * 3600, "nodes": job["nodes"]}
    maintenance |= {"state": "UPCOMING", "node_cnt": 7, "flags": ["MAINT"]}
    meta = {"version": "v-1", "total": 1, "stale": False, "error": None}
    answer_with(tab, "reservations", {"data": [maintenance], "meta": meta})
    tab.goto(demo_address)
    expect(tab.locator("#maintenance")).to_contain_text(re.compile("Maintenance begins in 3 h: 7 nodes"))
    tab.unroute_all()
    asking: list[str] = []
    tab.on("request", lambda request: asking.append(request.url))
    answer_with(tab, "reservations", {"data": {"update": maintenance}, "meta": meta})
    answer_with(tab, f"queue/{job['job_id']}", {"data": job | {"end_time": now + 4 * 3600}, "meta": meta})
    tab.goto(f"{demo_address}pages/job?id={job['job_id']}")
    line = tab.locator("main .strip")
    expect(line).to_contain_text("Maintenance of its nodes begins in 3 h")
    expect(line.get_by_role("link", name="Reservation update")).to_have_attribute("href", re.compile(r"name=update$"))
    (url,) = {url for url in asking if is_of("reservations", url)}
    assert {"flag=MAINT", f"startbefore={now + 4 * 3600}"} <= set(urlsplit(url).query.split("&"))

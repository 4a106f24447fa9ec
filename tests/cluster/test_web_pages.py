"""The pages over a real cluster: jobs that come and go, slurmctld stopped and started, hidden partitions."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.watching import settle
from tests.cluster.answers import fresh
from tests.cluster.faults import without
from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs
from tests.testbed.service import Service, StartService
from tests.testbed.slurmnodes import HIDDEN_NODE, HIDDEN_PARTITION

pytestmark = pytest.mark.browser
CONFIG = f"""\
system:
  refresh_seconds: 1
  serve_index: true
filter:
  partitions: [{HIDDEN_PARTITION}]
"""
# Other tests may have left many jobs that slurmctld still knows.
NEWEST_JOBS = "/pages/queue?sort=-job_id"


@pytest.fixture(scope="module")
def pages(start: StartService) -> Service:
    return start(CONFIG)


def row_of(tab: Page, job: int) -> Locator:
    """Returns the row of a job in the table of the queue."""
    return tab.get_by_role("row").filter(has=tab.get_by_role("link", name=str(job), exact=True))


def show(tab: Page, job: int) -> Locator:
    """Returns the row of a job, which is held back above the others until the user asks for new jobs."""
    row, new = row_of(tab, job), tab.get_by_role("button", name=re.compile("new jobs?: show"))
    while not row.is_visible():
        expect(row.or_(new).first).to_be_visible()
        if new.is_visible():
            new.click()
    return row


def test_jobs_come_and_go_while_the_focus_stays(tab: Page, pages: Service, cluster: Cluster, jobs: Jobs) -> None:
    name = "<script>alert(1)</script>"
    tab.goto(pages.url + NEWEST_JOBS)
    expect(tab.get_by_role("heading", level=1)).to_be_visible()
    first = jobs.running(partition="main", job_name=name)
    row = show(tab, first)
    expect(row).to_contain_text(name)
    row.get_by_role("link", name=str(first), exact=True).focus()
    tab.evaluate("window.focused = document.activeElement")
    for _ in range(5):
        jobs.submit(partition="main", hold=True)
    last = jobs.submit(partition="main", hold=True)
    expect(tab.get_by_role("button", name=re.compile("new jobs?: show"))).to_be_visible()
    assert tab.evaluate("document.activeElement === window.focused && window.focused.matches('a')")
    expect(show(tab, last)).to_contain_text("pending")
    row.get_by_role("link", name=str(first), exact=True).focus()
    cluster.cancel(last)
    expect(row_of(tab, last)).to_contain_text("cancelled")
    expect(row).to_be_visible()
    assert tab.locator("main script").count() == 0
    assert tab.evaluate("document.activeElement === window.focused && window.focused.matches('a')")


def test_every_page_shows_that_slurmctld_is_down_until_it_is_back(tab: Page, pages: Service, cluster: Cluster) -> None:
    other = tab.context.new_page()
    tab.goto(pages.url)
    other.goto(pages.url + "/pages/queue")
    for page in (tab, other):
        expect(page.locator("#freshness")).to_contain_text("Updated")
        expect(page.locator("#trouble")).to_be_hidden()
    with without(cluster, "slurmctld"):
        for page in (tab, other):
            expect(page.locator("#trouble")).to_contain_text("Showing data from")
    for page in (tab, other):
        expect(page.locator("#trouble")).to_be_hidden()


def test_rows_stay_when_the_service_ends(tab: Page, start: StartService, jobs: Jobs) -> None:
    job = jobs.submit(partition="main", hold=True)
    service = start(CONFIG)
    tab.goto(service.url + NEWEST_JOBS)
    row = row_of(tab, job)
    expect(row).to_be_visible()
    service.stop()
    expect(tab.locator("#trouble")).to_contain_text("Can't reach the server.")
    expect(row).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/pages/nodes", "/pages/queue"])
def test_no_page_shows_hidden_partitions_their_jobs_or_nodes(tab: Page, pages: Service, jobs: Jobs, path: str) -> None:
    hidden = jobs.running(partition=HIDDEN_PARTITION, job_name="hidden-job-name")
    seen = jobs.running(partition="main")
    (queue,) = fresh(pages, "/queue")
    assert (str(seen) in queue, str(hidden) in queue) == (True, False)
    tab.goto(pages.url + path)
    expect(tab.locator("#freshness")).to_contain_text("Updated")
    settle(tab)
    content = tab.content()
    assert "main" in content
    assert [word for word in (HIDDEN_PARTITION, HIDDEN_NODE, "hidden-job-name") if word in content] == []

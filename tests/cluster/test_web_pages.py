"""The pages over a real cluster: jobs that come and go, slurmctld stopped and back, hidden partitions."""

from __future__ import annotations

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
# Reload and waiting take a few seconds each; a controller that starts takes longer.


@pytest.fixture(scope="module")
def pages(start: StartService) -> Service:
    return start(CONFIG)


def row_of(tab: Page, job: int) -> Locator:
    """The row of a job in the queue's table."""
    return tab.get_by_role("row").filter(has=tab.get_by_role("link", name=str(job), exact=True))


def test_jobs_come_and_go_while_the_page_is_open_and_focus_stays(
    tab: Page, pages: Service, cluster: Cluster, jobs: Jobs
) -> None:
    name = "<script>alert(1)</script>"
    tab.goto(pages.url + NEWEST_JOBS)
    expect(tab.get_by_role("heading", level=1)).to_be_visible()
    first = jobs.running(partition="main", job_name=name)
    row = row_of(tab, first)
    expect(row).to_contain_text(name)
    row.get_by_role("link", name=str(first), exact=True).focus()
    tab.evaluate("window.focused = document.activeElement")
    for _ in range(5):
        jobs.submit(partition="main", hold=True)
    last = jobs.submit(partition="main", hold=True)
    expect(row_of(tab, last)).to_contain_text("pending")
    cluster.cancel(last)
    expect(row_of(tab, last)).to_contain_text("cancelled")
    expect(row).to_be_visible()
    assert tab.locator("main script").count() == 0
    assert tab.evaluate("document.activeElement === window.focused && window.focused.matches('a')")


def test_a_controller_that_is_away_is_told_on_every_page_and_forgotten_when_it_is_back(
    tab: Page, pages: Service, cluster: Cluster
) -> None:
    other = tab.context.new_page()
    tab.goto(pages.url)
    other.goto(pages.url + "/pages/queue")
    for page in (tab, other):
        expect(page.locator("#freshness")).to_contain_text("State of")
        expect(page.locator("#trouble")).to_be_hidden()
    with without(cluster, "slurmctld"):
        for page in (tab, other):
            expect(page.locator("#trouble")).to_contain_text("Old data")
    for page in (tab, other):
        expect(page.locator("#trouble")).to_be_hidden()


def test_a_service_that_ends_is_told_and_what_was_there_stays(tab: Page, start: StartService, jobs: Jobs) -> None:
    job = jobs.submit(partition="main", hold=True)
    service = start(CONFIG)
    tab.goto(service.url + NEWEST_JOBS)
    row = row_of(tab, job)
    expect(row).to_be_visible()
    service.stop()
    expect(tab.locator("#trouble")).to_contain_text("The service does not answer.")
    expect(row).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/pages/nodes", "/pages/queue"])
def test_hidden_partitions_their_jobs_and_nodes_are_on_no_page(
    tab: Page, pages: Service, jobs: Jobs, path: str
) -> None:
    hidden = jobs.running(partition=HIDDEN_PARTITION, job_name="nobody-sees-this")
    seen = jobs.running(partition="main")
    (queue,) = fresh(pages, "/queue")
    assert (str(seen) in queue, str(hidden) in queue) == (True, False)
    tab.goto(pages.url + path)
    expect(tab.locator("#freshness")).to_contain_text("State of")
    settle(tab)
    content = tab.content()
    assert "main" in content
    assert [word for word in (HIDDEN_PARTITION, HIDDEN_NODE, "nobody-sees-this") if word in content] == []

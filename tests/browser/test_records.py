"""The pages of one job and one node, against what the API says itself."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.watching import barriers
from tests.waiting import GIVE_UP_SECONDS


def asked(address: str, question: str) -> Any:
    """The API's own answer to `question`."""
    with urllib.request.urlopen(address + question, timeout=GIVE_UP_SECONDS) as answer:
        return json.load(answer)["data"]


def first(address: str, question: str) -> dict[str, Any]:
    """The first record of the answer to `question`."""
    found: dict[str, Any] = next(iter(asked(address, question).values()))
    return found


def test_a_job_that_waits_says_why_in_words_and_links_what_it_waits_for(tab: Page, demo_address: str) -> None:
    waiting = first(demo_address, "queue?reason=Dependency&limit=1")
    tab.goto(f"{demo_address}pages/job?id={waiting['job_id']}")
    expect(tab.get_by_text("It waits for a job that it depends on.")).to_be_visible()
    other = re.search(r"\d+", waiting["dependency"])
    assert other is not None
    tab.get_by_role("link", name=other[0]).first.click()
    expect(tab.get_by_role("heading", level=1)).to_contain_text("Job ")
    assert tab.url.endswith(f"id={other[0]}")


def test_a_running_job_shows_what_it_holds_on_each_node(tab: Page, demo_address: str) -> None:
    running = first(demo_address, "queue?state=R&sort=-num_nodes&limit=1&jobid>0")
    tab.goto(f"{demo_address}pages/job?id={running['job_id']}")
    held = tab.get_by_role("region", name="Held now, by node")
    expect(held.get_by_role("row")).to_have_count(1 + len(running["cpus_allocated"]))
    expect(held).to_contain_text(next(iter(running["cpus_allocated"])))
    expect(tab.get_by_text(re.compile(r"Has run \d"))).to_be_visible()


def test_what_slurmctld_has_forgotten_comes_from_the_database(tab: Page, demo_address: str) -> None:
    (old,) = asked(demo_address, "history?state=CD&endbefore=now-1hours&limit=1")
    tab.goto(f"{demo_address}pages/job?id={old['id_job']}")
    expect(tab.get_by_text("slurmctld has forgotten this job")).to_be_visible()
    expect(tab.get_by_role("heading", level=1)).to_have_text(f"Job {old['job_id_str']}")
    expect(tab.get_by_role("region", name="In the accounting database")).to_contain_text("completed")


def test_a_job_that_nobody_knows_is_said_so(tab: Page, demo_address: str) -> None:
    tab.goto(f"{demo_address}pages/job?id=7")
    expect(tab.get_by_text("No job 7", exact=True)).to_be_visible()
    expect(tab.get_by_text("The accounting database has no record of it either.")).to_be_visible()


def test_the_record_tells_what_each_field_means(tab: Page, demo_address: str) -> None:
    job = first(demo_address, "queue?state=R&limit=1")
    tab.goto(f"{demo_address}pages/job?id={job['job_id']}")
    tab.get_by_text("The whole record of /queue").click()
    row = tab.locator("#raw tr", has_text="restart_cnt")
    expect(row).to_contain_text("Number of requeues and restarts.")


def test_a_node_that_is_drained_says_why_and_by_whom(tab: Page, demo_address: str) -> None:
    node = first(demo_address, "nodes?state=DRAIN&limit=1")
    tab.goto(f"{demo_address}pages/node?name={node['name']}")
    expect(tab.locator(".why")).to_contain_text(node["reason"])
    expect(tab.locator(".why")).to_contain_text(f"said by {node['reason_user']}")
    expect(tab.get_by_text("takes no new jobs")).to_be_visible()


def test_a_node_shows_what_is_in_use_and_its_jobs(tab: Page, demo_address: str) -> None:
    job = first(demo_address, "queue?state=R&partition=gpu&limit=1")
    name = next(iter(job["cpus_allocated"]))
    tab.goto(f"{demo_address}pages/node?name={name}")
    expect(tab.get_by_text("GPUs held")).to_be_visible()
    expect(tab.get_by_role("region", name="Jobs now")).to_contain_text(job["name"])
    tab.get_by_role("link", name="All jobs of this node in the queue").click()
    expect(tab).to_have_url(re.compile(f"pages/queue.node={name}"))
    expect(tab.get_by_label("Node", exact=True)).to_have_value(name)


def test_a_node_that_does_not_exist_is_said_so(tab: Page, demo_address: str) -> None:
    tab.goto(f"{demo_address}pages/node?name=nowhere")
    expect(tab.get_by_text("No node nowhere")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_full_pages_keep_nobody_out(browser: Browser, demo_address: str, scheme: str) -> None:
    job = first(demo_address, "queue?state=R&limit=1")
    context = browser.new_context(color_scheme=scheme, viewport={"width": 390, "height": 844})  # type: ignore[arg-type]
    page = context.new_page()
    for path in (f"job?id={job['job_id']}", f"node?name={next(iter(job['cpus_allocated']))}"):
        page.goto(f"{demo_address}pages/{path}")
        expect(page.locator(".facts").first).to_be_visible()
        page.locator("#raw summary").click()
        expect(page.locator("#raw table")).to_be_visible()
        assert barriers(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()

"""The Job and Node pages, compared with the API."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.asking import answer_with, asked, fail_with, node_state
from tests.browser.fixture import NewPage
from tests.browser.watching import barriers


def first(address: str, question: str) -> dict[str, Any]:
    """Returns the first record of the answer to `question`."""
    found: dict[str, Any] = next(iter(asked(address, question)["data"].values()))
    return found


def test_a_pending_job_explains_its_reason_and_links_its_dependency(tab: Page, demo_address: str) -> None:
    job = first(demo_address, "queue?reason=Dependency&limit=1")
    tab.goto(f"{demo_address}pages/job?id={job['job_id']}")
    expect(tab.locator(".why")).to_contain_text("A job that it depends on has not reached the required state")
    expect(tab.locator(".facts", has_text="Waits until")).to_contain_text("other jobs of its user end")
    other = re.search(r"\d+", job["dependency"])
    assert other is not None
    tab.get_by_role("link", name=other[0]).first.click()
    expect(tab.get_by_role("heading", level=1)).to_contain_text("Job ")
    assert tab.url.endswith(f"id={other[0]}")


def test_a_pending_job_shows_its_rank_limits_and_priority(tab: Page, demo_address: str) -> None:
    job = first(demo_address, "queue?reason=Priority&limit=1")
    path = f"queue/{job['job_id']}/explain"
    told = asked(demo_address, path)
    rank = {"partition": "main", "place": 8, "jobs_ahead": 7, "cpus_ahead": 56, "gpus_ahead": 0}
    limit = {"name": "MaxJobsPerUser", "text": "8 of 8 running jobs in QOS normal.", "is_reason": True}
    factors = dict.fromkeys(("job_size", "partition", "qos", "tres", "site", "assoc"))
    changes = {
        "rank": [{**rank, "jobs_ahead_at_limit": 2}],
        "limits": [{**limit, "limit": 8, "used": 8}],
        "estimated_start": 1_900_000_000,
        "priority": {
            "read_at": 1_795_000_000,
            "weights": None,
            "partitions": [
                {"partition": "main", "priority": 990, "factors": {"age": 600, "fairshare": 400, "nice": 10, **factors}}
            ],
        },
    }
    answer_with(tab, path, {**told, "data": {**told["data"], **changes}})
    tab.goto(f"{demo_address}pages/job?id={job['job_id']}")
    expect(tab.locator(".why")).to_contain_text(told["data"]["text"])
    waits = tab.locator(".facts", has_text="Waits until")
    expect(waits).to_contain_text("Place 8 in main: 7 jobs ahead with 56 CPUs. A limit keeps 2 of them from starting.")
    expect(waits).to_contain_text("2030, ")
    limits = tab.get_by_role("region", name="Limits").get_by_role("row").last
    expect(limits).to_have_text("MaxJobsPerUser8 of 8 running jobs in QOS normal.8 of 8")
    priority = tab.get_by_role("region", name="Priority")
    expect(priority).to_contain_text("Priority 990 in main")
    rows = ["FactorPointsShare", "Age60060%", "Fair share40040%", "Nice-10-1%"]
    expect(priority.get_by_role("row")).to_have_text(rows)
    expect(tab.locator(".factors .factor")).to_have_count(3)
    assert barriers(tab) == []


def test_a_pending_job_without_an_explanation_shows_the_rest(tab: Page, demo_address: str) -> None:
    job = first(demo_address, "queue?reason=Priority&limit=1")
    tab.route("**/explain", lambda route: route.fulfill(status=503, json={"errors": [{"detail": "Try again."}]}))
    tab.goto(f"{demo_address}pages/job?id={job['job_id']}")
    expect(tab.locator(".why")).to_have_text("Waiting behind higher-priority jobs. Slurm reason: Priority.")
    expect(tab.locator(".facts").first).to_be_visible()


def test_the_whole_reason_of_slurm_is_shown_and_fits_a_phone(tab: Page, demo_address: str) -> None:
    job = first(demo_address, "queue?reason=Priority&limit=1")
    whole = "ReqNodeNotAvail,_UnavailableNodes:" + ",".join(f"{'n' * 60}_{number}" for number in range(9))
    told = asked(demo_address, f"queue/{job['job_id']}")
    nodes = f"rack[{','.join(map(str, range(1, 200, 2)))}]"
    record = {**told["data"], "job_state": "NODE_FAIL", "state_reason": whole, "nodes": nodes}
    answer_with(tab, f"queue/{job['job_id']}", {**told, "data": record})
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.goto(f"{demo_address}pages/job?id={job['job_id']}")
    expect(tab.locator(".why")).to_contain_text(f" Slurm reason: {whole}.")
    expect(tab.locator(".record")).to_contain_text(nodes)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_running_job_shows_its_allocation_on_each_node(tab: Page, demo_address: str) -> None:
    running = first(demo_address, "queue?state=R&sort=-num_nodes&limit=1&jobid>0")
    tab.goto(f"{demo_address}pages/job?id={running['job_id']}")
    held = tab.get_by_role("region", name="Allocated resources")
    expect(held.get_by_role("row")).to_have_count(1 + len(running["cpus_allocated"]))
    expect(held).to_contain_text(next(iter(running["cpus_allocated"])))
    expect(tab.get_by_text(re.compile(r"Elapsed \d"))).to_be_visible()


def ended_job(address: str) -> Any:
    """Returns the record of a completed job that is no component of a heterogeneous one."""
    found = asked(address, "history?state=CD&endbefore=now-1hours&limit=100&times=epoch")["data"]
    return next(record for record in found if "+" not in record["job_id_str"])


def test_a_job_that_left_the_queue_shows_what_it_used(tab: Page, past_address: str) -> None:
    old = ended_job(past_address)
    record = {
        **old,
        "max_rss": 12_288,
        "mem_req": 90_112,
        "mem_req_per": "node",
        "tres_alloc": {"cpu": 16, "mem": 90_112},
        "elapsed": 14_400,
        "timelimit": 300,
        "cpu_time": 15 * 14_400,
        "nodes_alloc": 1,
    }
    step = asked(past_address, f"history/{old['id_job']}/steps?times=epoch")["data"][0]
    measured = {**step, "max_rss": 12_288, "total_rss": 12_288, "max_rss_node": "n1", "max_rss_task": 3}
    meta = {"next": None, "truncated": False}
    requeued = {**record, "state_name": "NODE_FAIL", "id_record": "1"}
    answer_with(tab, "history", {"data": [record, requeued], "meta": meta})
    answer_with(tab, f"history/{old['job_id_str']}/steps", {"data": [measured], "meta": meta})
    tab.goto(f"{past_address}pages/job?id={old['id_job']}")
    expect(tab.get_by_text("This job is no longer in the queue")).to_be_visible()
    expect(tab.get_by_role("heading", level=1)).to_have_text(f"Job {old['job_id_str']}")
    expect(tab.get_by_text(re.compile(r"Elapsed .* of "))).to_be_visible()
    expect(tab.locator(".verdict")).to_have_text(
        "Used 12 of 88 GiB: --mem=16G would do, with at least a quarter to spare."
    )
    expect(tab.get_by_role("region", name="Requested and used").locator("tr", has_text="Memory")).to_contain_text(
        "12 GiB (14%)"
    )
    expect(tab.get_by_role("region", name="Steps").get_by_role("row").last).to_contain_text("n1, task 3")
    expect(tab.get_by_role("region", name="Attempts")).to_contain_text("node fail")
    expect(tab.locator(".facts", has_text="Submit line")).to_contain_text(old["submit_line"])
    assert barriers(tab) == []


def test_steps_of_a_running_job_are_read_when_they_are_opened(tab: Page, demo_address: str) -> None:
    job = first(demo_address, "queue?state=R&limit=1")
    asked_for: list[str] = []
    tab.on("request", lambda request: asked_for.append(request.url))
    tab.goto(f"{demo_address}pages/job?id={job['job_id']}")
    details = tab.get_by_text("Submit line, steps and attempts")
    expect(details).to_be_visible()
    assert not [url for url in asked_for if "/history" in url]
    details.click()
    expect(tab.locator("#past .facts", has_text="Submit line")).to_contain_text("sbatch")
    expect(tab.locator(".verdict")).to_have_count(0)


def test_the_steps_that_are_not_read_leave_the_record(tab: Page, past_address: str) -> None:
    old = ended_job(past_address)
    fail_with(tab, f"history/{old['job_id_str']}/steps", 503, "The database is away.")
    tab.goto(f"{past_address}pages/job?id={old['id_job']}")
    expect(tab.get_by_role("alert")).to_contain_text("The database is away.")
    expect(tab.get_by_role("region", name="Requested and used")).to_be_visible()


def test_an_unknown_job_is_reported(tab: Page, demo_address: str) -> None:
    tab.goto(f"{demo_address}pages/job?id=7")
    expect(tab.get_by_text("No job 7", exact=True)).to_be_visible()
    expect(tab.get_by_text("The accounting database has no record of it either.")).to_be_visible()
    tab.goto(f"{demo_address}pages/job?id=abc")
    expect(tab.get_by_role("alert")).to_contain_text("Not a valid job ID")


def test_the_record_describes_each_field(tab: Page, demo_address: str) -> None:
    job = first(demo_address, "queue?state=R&limit=1")
    tab.goto(f"{demo_address}pages/job?id={job['job_id']}")
    tab.get_by_text("The whole record of /queue").click()
    row = tab.locator("#raw tr", has_text="restart_cnt")
    expect(row).to_contain_text("Number of requeues and restarts.")


def test_a_drained_node_shows_its_reason_and_user(tab: Page, demo_address: str) -> None:
    node = first(demo_address, "nodes?state=IDLE,MIXED,ALLOCATED&limit=1")
    drained = {
        **node,
        **node_state("IDLE+DRAIN"),
        "reason": "new disk",
        "reason_user": "amy",
        "reason_time": 1_795_000_000,
    }
    answer_with(tab, f"nodes/{node['name']}", {"data": drained, "meta": {}})
    tab.goto(f"{demo_address}pages/node?name={node['name']}")
    expect(tab.locator(".why")).to_contain_text("new disk by amy, since ")
    expect(tab.get_by_text("drained: no jobs running")).to_be_visible()


def test_a_node_shows_its_use_and_its_jobs(tab: Page, demo_address: str) -> None:
    job = first(demo_address, "queue?state=R&partition=gpu&limit=1")
    name = next(iter(job["cpus_allocated"]))
    tab.goto(f"{demo_address}pages/node?name={name}")
    expect(tab.get_by_text("GPUs allocated")).to_be_visible()
    expect(tab.get_by_role("region", name="Jobs now")).to_contain_text(job["name"])
    tab.get_by_role("link", name="All jobs of this node in the queue").click()
    expect(tab).to_have_url(re.compile(f"pages/queue.node={name}"))
    expect(tab.get_by_label("Node", exact=True)).to_have_value(name)


def test_an_unknown_node_is_reported(tab: Page, demo_address: str) -> None:
    tab.goto(f"{demo_address}pages/node?name=nowhere")
    expect(tab.get_by_text("No node nowhere")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_full_pages_meet_wcag_on_a_phone(new_page: NewPage, demo_address: str, scheme: str) -> None:
    job = first(demo_address, "queue?state=R&limit=1")
    page = new_page(color_scheme=scheme, viewport={"width": 390, "height": 844})
    for path in (f"job?id={job['job_id']}", f"node?name={next(iter(job['cpus_allocated']))}"):
        page.goto(f"{demo_address}pages/{path}")
        expect(page.locator(".facts").first).to_be_visible()
        page.locator("#raw summary").click()
        expect(page.locator("#raw table")).to_be_visible()
        assert barriers(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

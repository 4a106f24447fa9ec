"""The API page: the check of each endpoint, the examples, and their commands."""

from __future__ import annotations

import json
import subprocess
import urllib.request

from playwright.sync_api import Page, Route, expect

from tests.waiting import GIVE_UP_SECONDS


def test_the_check_reports_each_endpoint(tab: Page, demo_address: str) -> None:
    with urllib.request.urlopen(demo_address + "openapi/openapi.json", timeout=GIVE_UP_SECONDS) as answer:
        found = json.load(answer)["paths"]
    # /jobs needs ids.
    paths = [path for path in found if "{" not in path and path != "/jobs"]
    tab.goto(demo_address + "pages/api")
    tab.get_by_role("button", name="Check each endpoint").click()
    expect(tab.locator("#outcome")).to_contain_text(f"All {len(paths)} endpoints OK")
    assert tab.locator("td.state").all_text_contents() == ["OK"] * len(paths)


def test_a_failing_endpoint_is_shown_with_its_cause(tab: Page, demo_address: str) -> None:
    def fail(route: Route) -> None:
        errors = [{"status": 503, "title": "No data", "detail": "Nothing has been loaded yet."}]
        route.fulfill(status=503, json={"errors": errors}, headers={"Retry-After": "5"})

    tab.route("**/queue", fail)
    tab.route("**/usage", lambda route: route.abort())
    tab.goto(demo_address + "pages/api")
    tab.get_by_role("button", name="Check each endpoint").click()
    row = tab.get_by_role("row", name="/queue")
    expect(row.locator(".state")).to_have_text("503: Nothing has been loaded yet.")
    usage = tab.get_by_role("row", name="/usage").locator(".state")
    expect(usage).to_contain_text("Can't reach the server.")


def test_every_example_works_as_command_and_as_link(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/api")
    examples = tab.locator("#examples li")
    assert examples.count() == 6
    for example in examples.all():
        command = example.locator("code").text_content() or ""
        printed = subprocess.run(
            ["bash", "-c", f"{command} -w '%{{http_code}}'"], capture_output=True, text=True, check=True
        ).stdout
        assert printed.endswith("200"), command
        link = example.get_by_role("link")
        assert tab.request.get(f"{demo_address}pages/{link.get_attribute('href')}").ok


def test_a_command_is_copied_with_and_without_the_clipboard(tab: Page, demo_address: str) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=demo_address.rstrip("/"))
    tab.goto(demo_address + "pages/api")
    button = tab.get_by_role("button", name="Copy the command: Why are jobs pending?")
    button.click()
    expect(button).to_have_text("Copied")
    first = tab.locator("#examples code").first.text_content()
    assert tab.evaluate("navigator.clipboard.readText()") == first
    # Plain HTTP from another machine: browsers offer no clipboard there.
    tab.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    last = tab.locator("#examples li").last
    last.get_by_role("button").click()
    expect(last.get_by_role("button")).to_have_text("Copied")
    assert tab.evaluate("getSelection().toString()") == last.locator("code").text_content()


def test_the_interactive_reference_lists_the_routes(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/api")
    tab.get_by_role("link", name="Interactive reference").click()
    expect(tab.get_by_text("/queue/{jobid}").first).to_be_visible()

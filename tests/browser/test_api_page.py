"""The API page: how each route answers, what to ask, and commands that a shell understands."""

from __future__ import annotations

import json
import subprocess
import urllib.parse
import urllib.request

from playwright.sync_api import Page, Route, expect

from tests.waiting import GIVE_UP_SECONDS


def test_the_check_of_the_routes_says_how_each_answers(tab: Page, demo_address: str) -> None:
    with urllib.request.urlopen(demo_address + "openapi/openapi.json", timeout=GIVE_UP_SECONDS) as answer:
        paths = [path for path in json.load(answer)["paths"] if "{" not in path]
    tab.goto(demo_address + "pages/api")
    tab.get_by_role("button", name="Check each route").click()
    told = f"{len(paths)} of {len(paths)} routes answer with present data"
    expect(tab.locator("#outcome")).to_contain_text(told)
    assert tab.locator("td.state").all_text_contents() == ["answers"] * len(paths)


def test_a_route_that_fails_is_told_with_its_cause(tab: Page, demo_address: str) -> None:
    def fail(route: Route) -> None:
        errors = [{"status": 503, "title": "No data", "detail": "Nothing has been loaded yet."}]
        route.fulfill(status=503, json={"errors": errors}, headers={"Retry-After": "5"})

    tab.route("**/queue", fail)
    tab.route("**/usage", lambda route: route.abort())
    tab.goto(demo_address + "pages/api")
    tab.get_by_role("button", name="Check each route").click()
    row = tab.get_by_role("row", name="/queue")
    expect(row.locator(".state")).to_have_text("503: Nothing has been loaded yet.")
    usage = tab.get_by_role("row", name="/usage").locator(".state")
    expect(usage).to_contain_text("The service does not answer.")


def test_every_example_is_answered_by_a_shell_as_by_its_link(tab: Page, demo_address: str) -> None:
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


def test_quotes_and_dollars_in_a_question_reach_the_service_through_a_shell(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/api")
    asked = 'it\'s $HOME `id` "x" \\ & é'
    command = tab.evaluate(
        """async ([name]) => {
            const from = document.querySelector("script[src$='frame.js']").src;
            const { address } = await import(new URL("api-client.js", from));
            const { curlLine } = await import(from);
            return curlLine(address("queue", { name, format: "json" }));
        }""",
        [asked],
    )
    answer = subprocess.run(["bash", "-c", command.replace("curl", "echo", 1)], capture_output=True, text=True)
    # echo has taken "-s" for text; what the shell has made of the address is the last word.
    address = answer.stdout.split()[-1]
    assert urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)["name"] == [asked]


def test_a_command_is_copied_with_and_without_the_clipboard(tab: Page, demo_address: str) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=demo_address.rstrip("/"))
    tab.goto(demo_address + "pages/api")
    button = tab.get_by_role("button", name="Copy the command: Why are jobs waiting?")
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


def test_the_interactive_reference_tries_a_route(tab: Page, demo_address: str) -> None:
    tab.goto(demo_address + "pages/api")
    tab.get_by_role("link", name="Interactive reference").click()
    expect(tab.get_by_text("/queue/{jobid}").first).to_be_visible(timeout=20_000)

"""The texts of each page: while it waits, without data, with old data, after an error, and without access."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from slurm_rest_api.config import Settings
from tests.browser.fixture import open_tab
from tests.browser.mounted import mounted
from tests.browser.paths import filled
from tests.browser.watching import barriers, open_asking
from tests.waiting import wait_for

Respond = Callable[[Route], None]

NODES, QUEUE, HISTORY, LOAD, API = (f"pages/{name}" for name in ("nodes", "queue", "history", "load", "api"))
JOB, NODE, MINE = "pages/job?id=7", "pages/node?name=n1", "pages/my-jobs?user=alice"
PARTITIONS, RESERVATIONS, LICENSES, EVENTS, ACCOUNTS, QOS = (
    f"pages/{name}" for name in ("partitions", "reservations", "licenses", "events", "accounts", "qos")
)
REFERENCE = (EVENTS, ACCOUNTS, QOS)
LIVE = (PARTITIONS, RESERVATIONS, LICENSES)
ACCOUNT_USAGE = "pages/usage"
EVERYWHERE = ("", NODES, QUEUE, HISTORY, LOAD, API, JOB, NODE, *LIVE, *REFERENCE, MINE, ACCOUNT_USAGE)
CAUSE = "This and that was the cause."
_ROUTES = frozenset(
    (
        "accounts", "availability", "events", "fairshare", "health", "history", "jobs", "licenses", "load", "metrics",
        "nodes", "partitions", "qos", "queue", "reservations", "stats", "usage", "users",
        "utilization",
    )
)  # fmt: skip
META = {"source": "demo", "version": "v-1", "changed_at": 1, "total": 0, "stale": False, "error": None, "next": None}
USAGE: dict[str, Any] = {"total_load": None, "total_gpus": 0, "nodes_by_state": {}, "partitions": {}}
RANGE = {"since": 1_795_000_000, "until": 1_795_086_400, "step": 0, "count": 0, "truncated": False}


def of_data(url: str) -> bool:
    """Returns True if `url` is a request to the API, and not to a page, file or document."""
    return urlsplit(url).path.split("/")[1].partition(".")[0] in _ROUTES


def refused(status: int) -> Respond:
    """Returns a handler that answers with an error of the API."""
    error = {"status": str(status), "title": "A failure", "detail": CAUSE, "meta": {"args": []}}
    return lambda route: route.fulfill(status=status, json={"errors": [error]})


def of_a_proxy(status: int) -> Respond:
    """Returns a handler that answers with the error page of a proxy."""
    return lambda route: route.fulfill(status=status, body="<h1>Bad gateway</h1>", content_type="text/html")


def never(_route: Route) -> None:
    """Never answers."""


def nothing(route: Route) -> None:
    """Answers without any data."""
    name = urlsplit(route.request.url).path.strip("/")
    listed = (
        name in ("history", "load", "utilization", "events", "accounts", "qos") or "shape=list" in route.request.url
    )
    data = USAGE if name == "usage" else [] if listed else {}
    route.fulfill(json={"data": data, "meta": {**META, **(RANGE if name == "load" else {})}}, headers={"Age": "1"})


def old(route: Route) -> None:
    """Answers as the service does while slurmctld does not respond."""
    response = route.fetch()
    headers = {**response.headers, "X-Slurm-Stale": "1"}
    body = response.text()
    if "/json" in response.headers["content-type"] and "stale" in (document := json.loads(body)).get("meta", {}):
        error = {"detail": CAUSE, "since": 1_795_000_000, "loaded_at": 1_795_000_000}
        document["meta"] |= {"stale": True, "error": error}
        body = json.dumps(document)
    route.fulfill(response=response, headers=headers, body=body)


SAID = "main"
ALERT = "main [role=alert]"
STRIP = "#trouble[role=status]"
TABLE = "main tr[data-path=queue] td.state"


def alerts(title: str, *paths: str) -> dict[str, tuple[str, list[str]]]:
    return {path: (ALERT, [title, CAUSE]) for path in paths}


WRONG = "Temporarily unavailable"
DATA = ("", NODES, QUEUE, HISTORY, LOAD, JOB, NODE, *LIVE, *REFERENCE, MINE, ACCOUNT_USAGE)
# For each state the handler of API requests, and for each page the place and the words that it shows.
STATES: dict[str, tuple[Respond, dict[str, tuple[str, list[str]]]]] = {
    "loading": (
        never,
        {
            **dict.fromkeys(("", NODES, QUEUE, JOB, NODE, *LIVE, *REFERENCE, MINE), (SAID, ["Loading …"])),
            HISTORY: (SAID, ["Searching …"]),
            LOAD: (SAID, ["Loading samples …"]),
            ACCOUNT_USAGE: (SAID, ["Adding up usage …"]),
            API: ("#outcome", ["Checking each endpoint …"]),
        },
    ),
    "empty": (
        nothing,
        {
            "": (SAID, ["No problems", "No GPUs", "The archive has no samples of the last hour."]),
            NODES: (SAID, ["No matching nodes", "The cluster has no nodes in partitions that you may view."]),
            QUEUE: (SAID, ["The queue is empty", "0 jobs", "Jobs appear here when they are submitted."]),
            HISTORY: (SAID, ["No matching records", "No jobs have ended yet."]),
            LOAD: (SAID, ["No samples in this range"]),
            ACCOUNT_USAGE: (SAID, ["No usage", "No account has usage in this range"]),
            PARTITIONS: (SAID, ["No partitions", "The cluster has no partitions that you may view."]),
            RESERVATIONS: (SAID, ["No reservations", "No nodes, cores or licenses are reserved"]),
            LICENSES: (SAID, ["No licenses", "Neither slurm.conf nor slurmdbd has licenses"]),
            ACCOUNTS: (SAID, ["No accounts", "The cluster has no accounts that you may view."]),
            QOS: (SAID, ["No QOS", "The accounting database has none."]),
            EVENTS: (SAID, ["No matching events", "No node was down, drained, failing or in maintenance"]),
            "pages/job": (SAID, ["Which job?"]),
            "pages/my-jobs": (SAID, ["Whose jobs?"]),
            MINE: (SAID, ["No jobs of alice", "Nothing is running", "Nothing is waiting", "No jobs ended in the last"]),
            "pages/node": (SAID, ["Which node?"]),
        },
    ),
    "500": (refused(500), {**alerts(WRONG, *DATA), API: (TABLE, [f"500: {CAUSE}"])}),
    "503": (refused(503), {**alerts(WRONG, *DATA), API: (TABLE, [f"503: {CAUSE}"])}),
    "502": (of_a_proxy(502), dict.fromkeys(DATA, (ALERT, [WRONG, "502 Bad Gateway"]))),
    "403": (refused(403), {**alerts("You don't have permission to view this", *DATA), API: (TABLE, [f"403: {CAUSE}"])}),
    "404": (
        refused(404),
        {
            HISTORY: (SAID, ["No job records here", CAUSE]),
            LOAD: (SAID, ["Load archiving is off", CAUSE]),
            RESERVATIONS: (SAID, ["Reservations are not read", CAUSE]),
            LICENSES: (SAID, ["Licenses are not read", CAUSE]),
            EVENTS: (SAID, ["No events here", CAUSE]),
            ACCOUNTS: (SAID, ["Accounts are not read", CAUSE]),
            QOS: (SAID, ["QOS are not read", CAUSE]),
            ACCOUNT_USAGE: (SAID, ["No usage here", CAUSE]),
            API: (TABLE, [f"404: {CAUSE}"]),
            MINE: (ALERT, ["Not found", CAUSE]),
            JOB: (SAID, ["No job 7", "Not in the queue.", "Accounting is off"]),
            NODE: (SAID, ["No node n1", "slurmctld has no node with this name, or it is in a hidden partition."]),
        },
    ),
    "old data": (
        old,
        {
            "": (ALERT, ["Slurm data is out of date", CAUSE]),
            **dict.fromkeys(
                (NODES, QUEUE, "pages/job", "pages/node", "pages/my-jobs", *LIVE, ACCOUNTS, QOS),
                (STRIP, ["Showing data from", CAUSE]),
            ),
            API: ("main tr[data-path=nodes] td.state", ["OK, old data"]),
        },
    ),
}
# The page that axe checks in each state: another one for each.
LOOKED_AT = {"loading": QUEUE, "empty": HISTORY, "500": LOAD, "503": "", "502": JOB, "403": NODE, "404": API}
LOOKED_AT["old data"] = NODES


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """One tab for all states, because they leave no traces."""
    with open_tab(browser) as page:
        yield page


@pytest.mark.parametrize("state", STATES)
def test_every_page_shows_each_state(page: Page, demo_address: str, state: str) -> None:
    respond, expected = STATES[state]
    page.route(of_data, respond)
    for path, (place, words) in expected.items():
        open_asking(page, demo_address + (filled(demo_address, path) if state == "old data" else path))
        for text in words:
            expect(page.locator(place).first, path).to_contain_text(text)
        # Only errors are alerts.
        expect(page.locator(ALERT)).to_have_count(1 if place == ALERT else 0)
        if path == LOOKED_AT[state]:
            assert barriers(page) == []
    page.unroute_all(behavior="ignoreErrors")
    page.goto("about:blank")


def test_every_page_asks_for_a_missing_token(page: Page, demo_settings: Settings, tmp_path: Path) -> None:
    auth = {"mode": "token", "token_file": str(tmp_path / "tokens.json")}
    section = type(demo_settings.auth).model_validate(auth)
    with mounted(demo_settings.model_copy(update={"auth": section})) as address:
        for path in EVERYWHERE:
            open_asking(page, address + path)
            dialog = page.get_by_role("dialog", name="Log in")
            expect(dialog.get_by_label("Token")).to_be_focused()
            expect(page.get_by_role("button", name="Log out")).to_be_hidden()
            expect(page.locator("main")).to_contain_text(re.compile("Log in first|401: "))
        # A user who closes the dialog reads what is missing, and can open it again. Late answers do not open it.
        late: list[Route] = []
        page.route(lambda url: "group_by=state" in url, lambda route: late.append(route))
        page.goto(address + HISTORY)
        expect(dialog).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("alert")).to_contain_text("Log in first")
        wait_for("the second request", lambda: page.evaluate("true") and late)
        late.pop().continue_()
        expect(page.locator("#failures-of")).to_contain_text("are not counted")
        page.get_by_role("button", name="Log in").click()
        expect(dialog).to_be_visible()
        page.goto("about:blank")


def test_a_bad_gateway_is_retried(tab: Page, demo_address: str) -> None:
    tab.clock.install()
    for path in ("", NODES, QUEUE, LOAD, "pages/job", "pages/node"):
        to_ask = demo_address + filled(demo_address, path)
        tab.route(of_data, of_a_proxy(502))
        tab.goto(to_ask)
        expect(tab.locator(ALERT)).to_contain_text(WRONG)
        tab.unroute_all()
        tab.clock.fast_forward(61_000)
        expect(tab.locator(ALERT)).to_have_count(0)
        expect(tab.locator("main :is(tbody tr, #map section, .facts)").first).to_be_visible()

"""What a tab does while a test drives it: its requests, and everything that it complains about."""

from __future__ import annotations

from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, Request

_HERE = "127.0.0.1"
# A page that has not changed for so long is taken for complete; one that ticks, after some more.
_QUIET_MS, _LONGEST_MS = 1000, 5000
_STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


class Watched:
    """Watches `page` from now on.

    Attributes:
        requests: URLs in the order in which they were asked.
        faults: errors of scripts, breaches of the content policy, and requests to other hosts. A status of 400 or
            above is none: pages show it, and tests say whether it was expected.
    """

    def __init__(self, page: Page) -> None:
        self.requests: list[str] = []
        self.faults: list[str] = []
        page.on("request", self._asked)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"error in a script: {error}"))

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.hostname != _HERE:
            self.faults.append(f"asked another host: {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.faults.append(f"console: {message.text}")


def barriers(page: Page) -> list[str]:
    """What axe-core finds on `page` against WCAG 2.1 AA, each with the element and the rule."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": _STANDARD}}).response["violations"]
    return [f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


def open_asking(page: Page, url: str) -> None:
    """Open a page and have it ask what it shows: the API page asks its routes when somebody wants to know."""
    page.goto(url)
    page.evaluate("document.getElementById('check')?.click()")


def settle(page: Page) -> None:
    """Wait until nothing that `page` shows has changed for a while. Requests that wait for news do not count."""
    page.evaluate(
        """([quiet, longest]) => new Promise((resolve) => {
            const done = () => { watching.disconnect(); resolve(); };
            let timer = setTimeout(done, quiet);
            const watching = new MutationObserver(() => { clearTimeout(timer); timer = setTimeout(done, quiet); });
            watching.observe(document.querySelector("main"), { childList: true, subtree: true, characterData: true });
            setTimeout(done, longest);
        })""",
        [_QUIET_MS, _LONGEST_MS],
    )

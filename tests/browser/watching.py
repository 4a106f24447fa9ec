"""Watches a tab: its requests, its errors, and when it has finished loading."""

from __future__ import annotations

from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, Request

_HERE = "127.0.0.1"
# A page without changes for this long is complete. The limit is for pages with a clock.
_QUIET_MS, _LONGEST_MS = 1000, 5000
# True if the focused element is in the window with nothing over it, and has an outline. Date fields show the focus in
# a part of theirs.
_IS_FOCUS_SEEN = """() => {
    const at = document.activeElement;
    const box = at.getClientRects()[0];
    const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
    const found = document.elementFromPoint(box.left + Math.min(box.width / 2, 20), (top + bottom) / 2);
    const parts = found === null ? [] : [at.contains(found), found.contains(at), found.closest("label")?.contains(at)];
    return parts.some(Boolean) && (getComputedStyle(at).outlineStyle !== "none" || /^date/.test(at.type));
}"""
_STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


class Watched:
    """Watches `page` from now on.

    Attributes:
        requests: URLs in the order of the requests.
        faults: script errors, violations of the content policy, and requests to other hosts. A status of 400 or above
            is no fault: pages show it.
    """

    def __init__(self, page: Page) -> None:
        self.requests: list[str] = []
        self.faults: list[str] = []
        page.on("request", self._on_request)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.faults.append(f"error in a script: {error}"))

    def _on_request(self, request: Request) -> None:
        self.requests.append(request.url)
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.hostname != _HERE:
            self.faults.append(f"request to another host: {request.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.faults.append(f"console: {message.text}")


def barriers(page: Page) -> list[str]:
    """Returns the violations of WCAG 2.1 AA that axe-core finds, each with its element and rule."""
    # The elements that meet a rule are not listed. Their list takes more than half of the time.
    options = {"runOnly": {"type": "tag", "values": _STANDARD}, "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


def unseen_focus(page: Page, most: int) -> list[str]:
    """Moves the focus with the tab key to the end of the page, at most `most` times. Returns where it is not seen."""
    unseen: list[str] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        if not page.evaluate(_IS_FOCUS_SEEN):
            unseen.append(page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))
    return unseen


def open_asking(page: Page, url: str) -> None:
    """Opens a page and starts its requests: the API page checks its endpoints on a click."""
    page.goto(url)
    page.evaluate("document.getElementById('check')?.click()")


def settle(page: Page) -> None:
    """Waits until `page` has loaded all that it requests at first, and does not change for a second."""
    page.wait_for_load_state("networkidle")
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

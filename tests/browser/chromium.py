"""Debian's Chromium, for tests here and on the test cluster, and for screenshots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.debian import program

# The same engine without windows and extensions. A page takes a third of the processor time of `chromium --headless`.
_PROGRAM: Final = "chromium-headless-shell"


@contextmanager
def chromium_of(driver: Playwright) -> Iterator[Browser]:
    """Runs Chromium without a window."""
    path = program(_PROGRAM, _PROGRAM, "fonts-dejavu-core")
    # Its sandbox does not work for root in many containers. It opens pages of this service only.
    running = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
    yield running
    running.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Runs Chromium with a driver of its own."""
    with sync_playwright() as driver, chromium_of(driver) as running:
        yield running

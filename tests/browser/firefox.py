"""Debian's Firefox, driven by Playwright with WebDriver BiDi."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Playwright

from tests.debian import program

_CHECKOUT = Path(__file__).parents[2]


@contextmanager
def firefox_of(driver: Playwright, folder: Path) -> Iterator[Browser]:
    """Runs Firefox without a window. `folder` gets the script that starts it."""
    path = program("firefox-esr", "firefox-esr", "fonts-dejavu-core")
    relay = shlex.join([sys.executable, "-m", "tests.browser.bidi_relay", path])
    start = folder / "firefox"
    start.write_text(f'#!/bin/sh\ncd {shlex.quote(str(_CHECKOUT))}\nexec {relay} "$@"\n')
    start.chmod(0o700)
    # Playwright's other Firefox is its own build, which Debian does not have.
    running = driver.firefox.launch(channel="moz-firefox", executable_path=start)
    try:
        yield running
    finally:
        running.close()

"""Debian's Chromium, for tests here and on the test cluster, and for screenshots."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright


def _program() -> str:
    """Returns the path of Debian's Chromium. Root installs it if it is missing."""
    if (path := shutil.which("chromium")) is None:
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=environ)
        packages = ["chromium", "fonts-dejavu-core"]
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], check=True, env=environ
        )
        path = shutil.which("chromium")
    assert path is not None
    return path


@contextmanager
def chromium() -> Iterator[Browser]:
    """Runs Chromium without a window."""
    with sync_playwright() as driver:
        # Its sandbox does not work for root in many containers. It opens pages of this service only.
        running = driver.chromium.launch(executable_path=_program(), args=["--no-sandbox"])
        yield running
        running.close()

"""Makes docs/pages/*.png: `python -m tests.browser.screenshots [ADDRESS]`, of a running demo or of a new one."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, expect

from slurm_rest_api.demo.scale import Scale
from tests.browser.asking import asked
from tests.browser.chromium import chromium
from tests.browser.fixture import new_context
from tests.browser.paths import filled
from tests.browser.service import demo
from tests.browser.watching import settle
from tests.waiting import wait_for

FOLDER = Path(__file__).parents[2] / "docs" / "pages"
MOST_BYTES = 200_000
_LAST_DAY = "load?time=86400&fields=time"
_DESKTOP, _PHONE = (1280, 800), (390, 780)


@dataclass(frozen=True)
class Picture:
    """A picture of a page in a window of `size`."""

    name: str
    path: str
    scheme: Literal["light", "dark"] = "light"
    size: tuple[int, int] = _DESKTOP


PICTURES = (
    Picture("now", ""),
    Picture("nodes", "pages/nodes", "dark"),
    Picture("queue", "pages/queue"),
    Picture("load", "pages/load", "dark"),
    Picture("history", "pages/history"),
    Picture("now-phone", "", size=_PHONE),
)


def take(browser: Browser, address: str, picture: Picture) -> int:
    """Writes one picture, and returns its size in bytes."""
    width, height = picture.size
    context = new_context(
        browser, viewport={"width": width, "height": height}, color_scheme=picture.scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(address + filled(address, picture.path))
    expect(page.locator("h1")).to_be_visible()
    settle(page)
    written = page.screenshot(path=FOLDER / f"{picture.name}.png")
    context.close()
    return len(written)


def take_all(address: str) -> dict[str, int]:
    """Writes all pictures of the service at `address`, and returns the size of each in bytes."""
    with chromium() as browser:
        return {picture.name: take(browser, address, picture) for picture in PICTURES}


def main() -> None:
    """Writes all pictures. Exits with an error if one is too large for the repository."""
    FOLDER.mkdir(exist_ok=True)
    if len(sys.argv) > 1:
        sizes = take_all(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder, demo(Path(folder), Scale()) as address:
            wait_for("the last day of the archive", lambda: len(asked(address, _LAST_DAY)["data"]) >= 140)
            sizes = take_all(address)
    for name, size in sizes.items():
        sys.stdout.write(f"{name}.png {size:,} bytes\n")
    if large := [name for name, size in sizes.items() if size > MOST_BYTES]:
        raise SystemExit(f"Larger than {MOST_BYTES:,} bytes: {', '.join(large)}")


if __name__ == "__main__":
    main()

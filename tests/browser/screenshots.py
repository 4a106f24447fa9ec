"""Makes docs/pages/*.png: `python -m tests.browser.screenshots [ADDRESS]`, of a running demo or of a new one."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, ViewportSize, expect

from slurm_rest_api.demo.scale import Scale
from tests.browser.asking import asked
from tests.browser.chromium import chromium
from tests.browser.fixture import new_profile
from tests.browser.paths import filled
from tests.browser.service import demo
from tests.browser.watching import settle
from tests.debian import program
from tests.waiting import wait_for

FOLDER = Path(__file__).parents[2] / "docs" / "pages"
MOST_BYTES = 150_000
_LAST_DAY = "load?time=86400&fields=time"
_DESKTOP, _PHONE, _WALL = (1280, 800), (360, 780), (1920, 1080)


@dataclass(frozen=True)
class Picture:
    """A picture of a page in a window of `size`."""

    name: str
    path: str
    scheme: Literal["light", "dark"] = "light"
    size: tuple[int, int] = _DESKTOP


_SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")

PICTURES = (
    *(
        Picture(f"{name}{suffix}{'-dark' if scheme == 'dark' else ''}", path, scheme, size)
        for name, path in (("now", ""), ("job", "pages/job"), ("usage", "pages/usage"))
        for suffix, size in (("", _DESKTOP), ("-phone", _PHONE))
        for scheme in _SCHEMES
    ),
    Picture("wall", "?kiosk", size=_WALL),
    Picture("wall-dark", "?kiosk", "dark", _WALL),
    Picture("nodes", "pages/nodes", "dark"),
    Picture("queue", "pages/queue"),
    Picture("load", "pages/load", "dark"),
    Picture("history", "pages/history"),
)


def _address_of(address: str, picture: Picture) -> str:
    """Returns the URL of a picture. The job is a long one that has ended: Slurm knows what it used."""
    if picture.path == "pages/job":
        ended = asked(address, "history?state=COMPLETED&partition=main&limit=50&fields=id_job,elapsed")["data"]
        return f"{address}{picture.path}?id={max(ended, key=lambda record: int(record['elapsed']))['id_job']}"
    return address + filled(address, picture.path)


def take(browser: Browser, address: str, picture: Picture) -> int:
    """Writes one picture, and returns its size in bytes."""
    width, height = picture.size
    size: ViewportSize = {"width": width, "height": height}
    file = FOLDER / f"{picture.name}.png"
    with new_profile(browser, viewport=size, color_scheme=picture.scheme, reduced_motion="reduce") as context:
        page = context.new_page()
        page.goto(_address_of(address, picture))
        expect(page.locator("h1")).to_be_visible()
        settle(page)
        page.screenshot(path=file)
    # At most 256 colours: the pages have few, and letters stay as they are.
    subprocess.run([program("pngquant"), "--force", "--ext=.png", "--strip", "--", file], check=True)
    return file.stat().st_size


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

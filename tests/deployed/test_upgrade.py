"""Upgrading a running deployment as documented, and going back, with load archive and snapshot kept."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployed.asking import ask, wait_healthy
from tests.deployed.installation import CHECKOUT, Installation, build_wheel, checked_out
from tests.deployed.nginx_server import Nginx, nginx
from tests.deployed.site import Site, demo_site
from tests.waiting import wait_for

PREVIOUS = "SLURM_REST_API_PREVIOUS"


def previous_revision() -> str:
    """Returns the revision to upgrade from: $SLURM_REST_API_PREVIOUS, the last release, or the previous commit."""
    if named := os.environ.get(PREVIOUS):
        return named
    command = ["git", "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD^"]
    found = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "HEAD^"


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("previous")
    return build_wheel(checked_out(previous_revision(), folder / "source"), folder / "wheel")


@pytest.fixture
def site(installation: Installation, previous: Path) -> Iterator[Site]:
    """A deployment of the previous version, with its own files."""
    installation.install(previous)
    try:
        with demo_site(installation) as site:
            yield site
    finally:
        installation.install(installation.wheel)


def times(web: Nginx) -> set[int]:
    return {sample["time"] for sample in ask(web, "/load?since=now-3hours").json["data"]}


def step(site: Site, web: Nginx, wheel: Path) -> None:
    """The documented steps: install, look at the files, reload."""
    before = int(ask(web, "/health").json["data"]["parts"]["snapshot"]["facts"]["loaded_at"])
    site.installation.install(wheel)
    site.install_files()
    site.reload()
    wait_for("a load by the new version", lambda: loaded_at(web) > before + 2)


def loaded_at(web: Nginx) -> int:
    return int(ask(web, "/health").json["data"]["parts"]["snapshot"].get("facts", {}).get("loaded_at", 0))


def test_there_and_back_again(site: Site, previous: Path) -> None:
    def unlimited(block: str) -> str:
        return block.replace("        limit_req zone", "        #limit_req zone")

    with nginx(site, unlimited) as web:
        wait_healthy(web)
        wait_for("the demo's past", lambda: len(times(web)) > 5)
        kept = times(web)
        for wheel in (site.installation.wheel, previous):
            step(site, web, wheel)
            for route in ("/queue", "/nodes", "/partitions", "/usage", "/history", "/users", "/health"):
                assert ask(web, route).status == 200, route
            # The samples from before are there (all but those that have left the window asked for).
            assert len(kept & times(web)) >= len(kept) - 2

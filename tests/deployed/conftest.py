"""Fixtures over a real deployment of the demonstration cluster: an installation, uWSGI and nginx, no Slurm."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployed.installation import Installation, make_installation
from tests.deployed.nginx_server import Nginx, nginx
from tests.deployed.site import Site, demo_site

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder: `-m 'not deployed'` leaves it out."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.deployed)


@pytest.fixture(scope="session")
def installation() -> Installation:
    """The checkout's wheel in an environment of its own, with uWSGI."""
    return make_installation(Path(os.environ.get("SLURM_REST_API_DEPLOYED", "/var/cache/slurm-rest-api-deployed")))


@pytest.fixture(scope="module")
def site(installation: Installation) -> Iterator[Site]:
    """A deployment of the demo as its files make it."""
    with demo_site(installation) as site:
        yield site


@pytest.fixture(scope="module")
def web(site: Site) -> Iterator[Nginx]:
    """nginx in front of it, without its limit of requests: these tests ask as often as they can."""
    with nginx(site, lambda block: block.replace("        limit_req zone", "        #limit_req zone")) as running:
        yield running

"""Fixtures over a real deployment of the demonstration cluster, without Slurm: installation, uWSGI and nginx."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployed.installation import Installation, make_installation
from tests.deployed.nginx_server import Nginx, nginx, unlimited
from tests.deployed.service_manager import ServiceManager, service_manager
from tests.deployed.site import Site, demo_site

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test of this folder with `deployed`."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.deployed)


@pytest.fixture(scope="session")
def installation() -> Installation:
    """Installs the checkout's wheel in a separate environment with uWSGI."""
    return make_installation(Path(os.environ.get("SLURM_REST_API_DEPLOYED", "/var/cache/slurm-rest-api-deployed")))


@pytest.fixture(scope="module")
def manager() -> Iterator[ServiceManager]:
    """Listens on the notification socket of the deployment."""
    with service_manager() as manager:
        yield manager


@pytest.fixture(scope="module")
def site(installation: Installation, manager: ServiceManager) -> Iterator[Site]:
    """Deploys the demo with the installed files, unchanged."""
    with demo_site(installation, environ=manager.environ) as site:
        yield site


@pytest.fixture(scope="module")
def web(site: Site) -> Iterator[Nginx]:
    """Runs nginx in front of it, without the limit of requests per second."""
    with nginx(site, unlimited) as running:
        yield running

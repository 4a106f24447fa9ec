"""A file system without room for the counters of /metrics: no worker ends, no request fails, no count is lost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.deployed.asking import ask, wait_healthy
from tests.deployed.installation import Installation
from tests.deployed.nginx_server import Nginx, nginx, unlimited
from tests.deployed.site import RUNTIME, USER, Site, demo_site
from tests.waiting import wait_for

WARNING = "The counters for /metrics in .* cannot be written: No space left on device"
ROUTES = ("/queue?count=true", "/nodes?limit=1", "/partitions", "/stats", "/usage", "/users", "/load", "/missing")
LIMITED = ("/users", "/load")
# More than one worker has threads.
CLIENTS = 16


@pytest.fixture(scope="module")
def site(installation: Installation) -> Iterator[Site]:
    with demo_site(installation, processes=2) as site:
        yield site


@pytest.fixture(scope="module")
def web(site: Site) -> Iterator[Nginx]:
    with nginx(site, unlimited) as running:
        wait_healthy(running)
        yield running


@pytest.fixture
def disk(site: Site, web: Nginx) -> Iterator[Path]:
    """Mounts a file system of 1 MiB over the counters, without room."""
    folder = site.path(RUNTIME) / "metrics"
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=1m,mode=0700,uid={USER}", "tmpfs", str(folder)], check=True)
    try:
        fill(folder)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    size = os.statvfs(folder)
    with (folder / "full").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size.f_bavail * size.f_frsize)
    assert os.statvfs(folder).f_bavail == 0


def status_of(web: Nginx, route: str) -> int:
    return ask(web, route).status


def counted(web: Nginx, route: str) -> int:
    """Returns the number of requests for `route` in /metrics, of all workers."""
    pattern = rf'^slurm_rest_api_http_requests_total{{[^}}]*route="{route}"[^}}]*}} (\S+)$'
    return int(sum(map(float, re.findall(pattern, ask(web, "/metrics").body.decode(), re.MULTILINE))))


def test_workers_go_on_without_room_for_counters(site: Site, web: Nginx, disk: Path) -> None:
    written, workers = site.deployment.log.stat().st_size, set(site.deployment.workers())

    def log() -> str:
        return site.deployment.log.read_bytes()[written:].decode()

    def all_warned() -> bool:
        # On an idle machine one worker would answer all of one client's requests.
        with ThreadPoolExecutor(CLIENTS) as clients:
            answers = list(zip(ROUTES * CLIENTS, clients.map(partial(status_of, web), ROUTES * CLIENTS), strict=True))
        # A worker has a limit of requests that read a database.
        assert {status for route, status in answers if route not in LIMITED} == {200, 404}
        assert {status for route, status in answers if route in LIMITED} <= {200, 503}
        return set(map(int, re.findall(rf"\[(\d+)\] \S+: {WARNING}", log()))) >= workers

    wait_for("the warning of each worker", all_warned)
    # A worker that starts finds no room either.
    os.kill(min(workers), signal.SIGKILL)
    wait_for("another worker", lambda: len(set(site.deployment.workers()) - workers) == 1)
    workers = set(site.deployment.workers())
    # Any of the two may answer the next requests, but nginx has no connection to the old one.
    wait_for("the warning of the new worker", all_warned)
    for _ in range(30):
        assert {ask(web, route).status for route in (*ROUTES, "/metrics")} == {200, 404}
    # One line of each worker, because the next ones follow within a minute.
    warned = re.findall(rf"\[(\d+)\] \S+: {WARNING}", log())
    assert len(warned) <= 2 * len(set(warned))
    assert workers == set(site.deployment.workers())
    assert "SIGBUS" not in log()
    assert "Traceback" not in log()
    before = counted(web, "/partitions")
    (disk / "full").unlink()
    # What the workers counted meanwhile is not lost.
    wait_for("all counts", lambda: ask(web, "/partitions").status == 200 and counted(web, "/partitions") > before + 30)
    assert "are written again" in log()

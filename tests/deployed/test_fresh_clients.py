"""Requests with `Cache-Control: no-cache` that wait for a load, through nginx and uWSGI."""

from __future__ import annotations

import re
import select
import socket
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.deployed.asking import ask, wait_healthy
from tests.deployed.installation import Installation
from tests.deployed.nginx_server import Nginx, nginx
from tests.deployed.site import INI, Site, demo_site
from tests.waiting import GIVE_UP_SECONDS, wait_for


@pytest.fixture(scope="module")
def site(installation: Installation) -> Iterator[Site]:
    # One process, so that its threads can be counted. After the first load there is none, so requests for one wait.
    extra = {"system": {"refresh_seconds": 3600, "fresh_seconds": 3600}}
    with demo_site(installation, extra, processes=1) as site:
        yield site


@pytest.fixture(scope="module")
def web(site: Site) -> Iterator[Nginx]:
    with nginx(site, lambda block: block.replace("        limit_req zone", "        #limit_req zone")) as running:
        wait_healthy(running)
        yield running


@pytest.fixture(scope="module")
def slots(site: Site) -> int:
    """The number of requests that may wait at once.

    Of uWSGI's threads, a half may use the accounting database and a quarter the archive. Of the rest, a half may wait.
    """
    threads = re.search(r"^threads = (\d+)$", site.path(INI).read_text(), re.MULTILINE)
    assert threads is not None
    return int(threads[1]) // 8


class FreshClient:
    """A client that requests a load and has not read the response yet."""

    def __init__(self, web: Nginx) -> None:
        parts = urllib.parse.urlsplit(web.url)
        self.connection = socket.create_connection((parts.hostname, parts.port), timeout=GIVE_UP_SECONDS)
        lines = "GET /queue?count=true HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCache-Control: no-cache\r\n\r\n"
        self.connection.sendall(lines.encode())

    def is_answered(self) -> bool:
        """True once the response has begun."""
        return bool(select.select([self.connection], [], [], 0)[0])

    def status(self) -> int:
        """Reads the response and returns its status."""
        received = b""
        with self.connection:
            while part := self.connection.recv(65536):
                received += part
        return int(received.split(b" ", 2)[1])


def test_some_threads_wait_and_all_others_are_answered(web: Nginx, slots: int) -> None:
    clients = [FreshClient(web) for _ in range(3 * slots)]
    # Requests without a slot get the current data at once.
    wait_for("every other request", lambda: sum(client.is_answered() for client in clients) >= 2 * slots)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _n: ask(web, "/nodes").status, range(40))) == {200}
    assert [client.status() for client in clients] == [200] * len(clients)


def test_clients_that_disconnect_free_their_slots(web: Nginx, slots: int) -> None:
    def leaving_clients() -> bool:
        clients = [FreshClient(web) for _ in range(slots + 1)]
        wait_for("one more request than slots", lambda: any(client.is_answered() for client in clients))
        # By then the others wait or are answered too.
        assert {ask(web, "/nodes").status for _ in range(20)} == {200}
        waited = sum(not client.is_answered() for client in clients)
        for client in clients:
            client.connection.close()
        return waited == slots

    # Each round waits only if the slots of the round before are free again.
    for _ in range(3):
        wait_for("all slots to be free", leaving_clients)

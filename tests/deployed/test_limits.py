"""nginx and uWSGI at their limits: what is refused, in which form, and that all else is answered."""

from __future__ import annotations

import json
import signal
import socket
import urllib.parse
from collections.abc import Iterator

import pytest

from tests.deployed.asking import ask, wait_healthy
from tests.deployed.installation import Installation
from tests.deployed.nginx_server import Nginx, nginx, unlimited
from tests.deployed.site import INI, Site, demo_site
from tests.testbed.processes import send_signal
from tests.waiting import GIVE_UP_SECONDS, wait_for

LISTEN = 16
# limit_conn of the installed block.
CONNECTIONS = 100


@pytest.fixture(scope="module")
def site(installation: Installation) -> Iterator[Site]:
    with demo_site(installation, processes=1) as site:
        site.stop()
        site.edit(INI, r"\nlisten = \d+\n", f"\nlisten = {LISTEN}\n")
        site.start()
        yield site


class Client:
    """A client that has sent a request."""

    def __init__(self, web: Nginx) -> None:
        parts = urllib.parse.urlsplit(web.url)
        self.connection = socket.create_connection((parts.hostname, parts.port), timeout=GIVE_UP_SECONDS)
        self.connection.sendall(b"GET /partitions HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        self.received = b""

    def is_answered(self) -> bool:
        """Returns True if the whole response is here."""
        if self.connection.fileno() < 0:
            return True
        self.connection.setblocking(False)
        try:
            while part := self.connection.recv(65536):
                self.received += part
        except BlockingIOError:
            return False
        self.connection.close()
        return True

    @property
    def status(self) -> int:
        """Returns the status of the response."""
        return int(self.received.split(b" ", 2)[1])

    def fault(self) -> tuple[str | None, dict[str, str]]:
        """Returns `Retry-After` and the error of the response."""
        head, _, body = self.received.partition(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        assert lines["Content-Type"] == "application/json"
        assert lines["Cache-Control"] == "no-store"
        (error,) = json.loads(body)["errors"]
        assert error["meta"]["args"] == [error["detail"]]
        return lines.get("Retry-After"), error


def clients_of_a_stopped_worker(web: Nginx, site: Site, number: int, refused: int) -> list[Client]:
    """Sends `number` requests while the worker is stopped. Returns their clients, all of them answered."""
    (worker,) = site.deployment.workers()
    send_signal(worker, signal.SIGSTOP)
    try:
        clients = [Client(web) for _ in range(number)]
        wait_for("the refused requests", lambda: sum(client.is_answered() for client in clients) >= refused)
    finally:
        send_signal(worker, signal.SIGCONT)
    wait_for("all requests", lambda: all(client.is_answered() for client in clients))
    return clients


def test_full_queue_of_uwsgi_refuses_at_once_and_loses_no_other_request(site: Site) -> None:
    with nginx(site, unlimited) as web:
        wait_healthy(web)
        clients = clients_of_a_stopped_worker(web, site, 3 * LISTEN, LISTEN)
        assert {client.status for client in clients} == {200, 502}
        # The queue of a socket has room for one more than `listen`.
        assert sum(client.status == 200 for client in clients) >= LISTEN
        for client in clients:
            if client.status == 502:
                assert client.fault()[0] == "5"
                assert client.fault()[1]["title"] == "Service not reachable"
        assert ask(web, "/partitions").status == 200


def test_one_client_has_a_hundred_requests_at_once(site: Site) -> None:
    def without_limit_of_requests(block: str) -> str:
        return block.replace("        limit_req zone", "        #limit_req zone")

    with nginx(site, without_limit_of_requests) as web:
        wait_healthy(web)
        site.stop()
        site.edit(INI, r"\nlisten = \d+\n", "\nlisten = 256\n")
        site.start()
        clients = clients_of_a_stopped_worker(web, site, CONNECTIONS + 20, 20)
        statuses = [client.status for client in clients]
        assert (statuses.count(200), statuses.count(429)) == (CONNECTIONS, 20)
        for client in clients:
            if client.status == 429:
                assert client.fault()[0] == "1"
                assert client.fault()[1]["title"] == "Too many requests"


def test_a_client_beyond_its_rate_is_told_in_the_form_of_the_service(site: Site) -> None:
    with nginx(site) as web:
        wait_healthy(web)
        refused = next(answer for _ in range(10_000) if (answer := ask(web, "/health/live")).status == 429)
        assert refused.headers["retry-after"] == "1"
        assert refused.json["errors"][0]["status"] == "429"

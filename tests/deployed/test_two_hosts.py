"""Two web hosts with one address: clients that move between them, and a host that is killed under load."""

from __future__ import annotations

import http.client
import itertools
import signal
import threading
from collections.abc import Iterator

import pytest

from tests.deployed.asking import ask, wait_healthy
from tests.deployed.balancer import balancer
from tests.deployed.installation import Installation
from tests.deployed.nginx_server import Nginx, nginx
from tests.deployed.site import Site, demo_site
from tests.deployed.uwsgi_server import session_processes_and_children
from tests.testbed.processes import send_signal
from tests.waiting import wait_for

CLIENTS = 8
ROUTES = ("/nodes?limit=5", "/partitions", "/queue?count=true", "/usage?compact=true", "/stats")


def unlimited(block: str) -> str:
    return block.replace("        limit_req zone", "        #limit_req zone")


@pytest.fixture(scope="module")
def sites(installation: Installation) -> Iterator[list[Site]]:
    with demo_site(installation, processes=1) as first, demo_site(installation, processes=1) as second:
        yield [first, second]


@pytest.fixture(scope="module")
def hosts(sites: list[Site]) -> Iterator[list[Nginx]]:
    with nginx(sites[0], unlimited) as first, nginx(sites[1], unlimited) as second:
        for host in (first, second):
            wait_healthy(host)
        yield [first, second]


def test_a_validator_of_one_host_is_none_of_the_other(hosts: list[Nginx]) -> None:
    """Both show the same nodes, but they may have loaded them at different moments."""
    first, second = hosts
    known = ask(first, "/nodes")
    moved = ask(second, "/nodes", **{"If-None-Match": known.headers["etag"]})
    assert moved.status == 200
    assert moved.json["data"].keys() == known.json["data"].keys()
    assert moved.json["meta"]["version"].split("-")[0] != known.json["meta"]["version"].split("-")[0]
    # A date says nothing about the other host, whose clock and loads differ.
    future = "Fri, 01 Jan 2100 00:00:00 GMT"
    assert ask(second, "/nodes", **{"If-Modified-Since": future}).status == 200


def test_a_client_that_moves_gets_everything_once_and_then_changes(hosts: list[Nginx]) -> None:
    first, second = hosts
    version = ask(first, "/queue").json["meta"]["version"]
    for host, other in ((second, first), (first, second)):
        moved = ask(host, f"/queue?since={version}").json
        assert moved["meta"]["full"] is True
        assert moved["meta"]["gone"] == []
        assert len(moved["data"]) == moved["meta"]["total"]
        version = moved["meta"]["version"]
        assert ask(host, f"/queue?since={version}").json["meta"]["full"] is False
        assert ask(other, f"/queue?since={version}").json["meta"]["full"] is True


def test_pages_continue_on_the_other_host(hosts: list[Nginx]) -> None:
    whole = list(ask(hosts[0], "/nodes").json["data"])
    path, seen = "/nodes?limit=7", []
    for host in itertools.cycle(hosts):
        page = ask(host, path).json
        seen += list(page["data"])
        if page["meta"]["next"] is None:
            break
        path = page["meta"]["next"]
    assert seen == whole


class Clients:
    """Clients that ask without pause until `stop()`. `failures` has each response that was not a whole 200."""

    def __init__(self, web: Nginx) -> None:
        self.answered = 0
        self.failures: list[str] = []
        self._web = web
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def wait_for_more(self, count: int) -> None:
        wanted = self.answered + count
        wait_for("more responses", lambda: self.answered >= wanted)

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        routes = itertools.cycle(ROUTES[number % len(ROUTES) :] + ROUTES[: number % len(ROUTES)])
        while not self._stopping.is_set():
            path = next(routes)
            try:
                reply = ask(self._web, path)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{path}: {error!r}")
                continue
            if reply.status == 200:
                self.answered += 1
            else:
                self.failures.append(f"{path}: {reply.status} {reply.body[:200]!r}")


def generation(web: Nginx) -> str:
    version: str = ask(web, "/nodes").json["meta"]["version"]
    return version.split("-", maxsplit=1)[0]


def test_a_killed_host_costs_no_request_that_was_not_in_flight(sites: list[Site], hosts: list[Nginx]) -> None:
    own = [generation(host) for host in hosts]
    with balancer(hosts) as web:
        # The block keeps a client on one host while it answers.
        assert len({generation(web) for _ in range(6)}) == 1
        used = own.index(generation(web))
        clients = Clients(web)
        try:
            clients.wait_for_more(40)
            killed = sites[used].running.pop()
            for pid in session_processes_and_children(killed.master):
                send_signal(pid, signal.SIGKILL)
            killed.process.wait()
            clients.wait_for_more(100)
            assert generation(web) == own[1 - used]
            sites[used].start()
            wait_healthy(hosts[used])
            clients.wait_for_more(40)
        finally:
            clients.stop()
        # A response that was being sent when its host died cannot be sent again.
        assert len(clients.failures) <= CLIENTS, clients.failures
        assert all("IncompleteRead" in failure for failure in clients.failures), clients.failures
        # The store outlived the kill, so versions of before are still known.
        assert generation(hosts[used]) == own[used]

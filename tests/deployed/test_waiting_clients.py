"""Requests that wait for a change, through nginx and uWSGI."""

from __future__ import annotations

import select
import socket
import time
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.deployed.asking import ask, wait_healthy
from tests.deployed.installation import Installation
from tests.deployed.nginx_server import Nginx, nginx
from tests.deployed.site import Site, demo_site
from tests.waiting import GIVE_UP_SECONDS, wait_for

PLACES = 4


@pytest.fixture(scope="module")
def site(installation: Installation) -> Iterator[Site]:
    # One process, so that its places can be counted; loads far apart, so that nothing changes by itself meanwhile.
    extra = {"system": {"refresh_seconds": 3600, "fresh_seconds": 1, "waiting_requests": PLACES}}
    with demo_site(installation, extra, processes=1) as site:
        yield site


@pytest.fixture(scope="module")
def web(site: Site) -> Iterator[Nginx]:
    with nginx(site, lambda block: block.replace("        limit_req zone", "        #limit_req zone")) as running:
        wait_healthy(running)
        yield running


def version(web: Nginx) -> str:
    text: str = ask(web, "/queue?count=true").json["meta"]["version"]
    return text


class Waiter:
    """A client that asks to wait and does not read the answer yet."""

    def __init__(self, web: Nginx, since: str) -> None:
        parts = urllib.parse.urlsplit(web.url)
        self.connection = socket.create_connection((parts.hostname, parts.port), timeout=GIVE_UP_SECONDS)
        query = urllib.parse.urlencode({"since": since, "wait": 30, "clock": "true"})
        self.connection.sendall(f"GET /queue?{query} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())

    def is_answered(self) -> bool:
        """Whether it waits no longer."""
        return bool(select.select([self.connection], [], [], 0)[0])

    def status(self) -> int:
        """Read the answer; its status."""
        received = b""
        while part := self.connection.recv(65536):
            received += part
        return int(received.split(b" ", 2)[1])


def refused(web: Nginx, since: str) -> bool:
    """Whether a request that would wait for no more than a moment finds no place."""
    return ask(web, f"/queue?since={since}&wait=0.01").status == 503


def leave(waiters: list[Waiter]) -> None:
    for waiter in waiters:
        waiter.connection.close()


def occupy(web: Nginx) -> list[Waiter]:
    """Clients on all places; one that was answered, by a refusal or by a load that came just then, tries again.

    Those that wait stay meanwhile: were all to leave and come back, they would find their own places not yet free.
    """
    waiters: list[Waiter] = []

    def complete() -> bool:
        for waiter in [waiter for waiter in waiters if waiter.is_answered()]:
            waiter.connection.close()
            waiters.remove(waiter)
        since = version(web)
        waiters.extend(Waiter(web, since) for _ in range(PLACES - len(waiters)))
        # Twice, because the first of these may itself have had the place that a waiter was then refused.
        return refused(web, since) and refused(web, since) and not any(waiter.is_answered() for waiter in waiters)

    wait_for("all places to be taken", complete)
    return waiters


@pytest.fixture
def waiters(web: Nginx) -> Iterator[list[Waiter]]:
    waiters = occupy(web)
    yield waiters
    leave(waiters)


def test_others_are_answered_while_all_places_are_taken(web: Nginx, waiters: list[Waiter]) -> None:
    assert waiters
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _n: ask(web, "/nodes").status, range(40))) == {200}


def test_one_more_is_refused_and_told_when_to_come_back(web: Nginx, waiters: list[Waiter]) -> None:
    answer = ask(web, f"/queue?since={version(web)}&wait=30")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert "system.waiting_requests" in answer.json["errors"][0]["detail"]
    assert len(waiters) == PLACES


def test_all_that_wait_are_answered_by_a_change(web: Nginx, waiters: list[Waiter]) -> None:
    def loaded_and_told() -> bool:
        # A load that a client asks for; the clock of running jobs has moved, unless it comes in the same second.
        assert ask(web, "/queue?count=true", **{"Cache-Control": "no-cache"}).status == 200
        return all(waiter.is_answered() for waiter in waiters)

    # Their own time is longer.
    wait_for("all of them to be answered", loaded_and_told)
    assert [waiter.status() for waiter in waiters] == [200] * PLACES


def test_clients_that_go_away_free_their_places_at_once(web: Nginx, waiters: list[Waiter]) -> None:
    began = time.monotonic()
    leave(waiters)
    others = occupy(web)
    # Well before the time of those that left would have been over by itself.
    assert time.monotonic() - began < 20
    leave(others)


def test_nothing_that_happens_is_a_200_when_the_time_is_over(web: Nginx) -> None:
    since = version(web)
    # Those of the tests before may have left just now.
    wait_for("a free place", lambda: not refused(web, since))
    answer = ask(web, f"/queue?since={since}&wait=1")
    assert (answer.status, answer.json["data"], answer.json["meta"]["version"]) == (200, {}, since)

"""Clients with all kinds of requests, as dashboards, scripts, people and attackers send them."""

from __future__ import annotations

import http.client
import itertools
import random
import socket
import threading
import urllib.parse
from collections import Counter
from typing import Final

from tests.deployed.asking import ask
from tests.deployed.nginx_server import Nginx

# Request target: the statuses that are right for it.
REQUESTS: Final[dict[str, set[int]]] = {
    "/queue": {200},
    "/queue?state=PENDING&fields=job_id,user_name,partition&limit=50": {200},
    "/queue?group_by=account": {200},
    "/queue?count=true&node=cn[001-099]": {200},
    "/queue?sort=-submit_time&limit=20&format=csv": {200},
    "/nodes": {200},
    "/nodes?state=available&shape=list": {200},
    "/partitions": {200},
    "/usage": {200},
    "/usage?compact=true": {200},
    "/stats": {200},
    "/history?limit=100": {200},
    "/history?user=alice&state=COMPLETED": {200},
    "/users": {200},
    "/load?time=86400&step=600": {200},
    "/health": {200, 503},
    "/metrics": {200},
    "/openapi/openapi.json": {200},
    "/queue/99999999999": {400, 404},
    "/queue?limit=0": {400},
    "/queue?fields=" + ",".join(f"unknown{number}" for number in range(300)): {400},
    "/queue?node=n[1-99999999]": {400},
    "/history?submitafter=never": {400},
    "/missing": {404},
}
LIMITED: Final = ("/history", "/users", "/load")


class MixedLoad:
    """Threads that send requests at random until `stop()`. `failures` counts what was wrong, by its text.

    `busy` counts 503 responses with `Retry-After` of routes that read a database: a worker has a limit for each.
    """

    def __init__(self, web: Nginx, clients: int, pause_seconds: float) -> None:
        self.answered: Counter[int] = Counter()
        self.aborted = self.busy = 0
        self.failures: Counter[str] = Counter()
        self._web = web
        self._pause = pause_seconds
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends all clients."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        rng = random.Random(number)  # noqa: S311 - chooses requests
        etags: dict[str, str] = {}
        version = ""
        for turn in itertools.count():
            if self._stopping.wait(self._pause * rng.random()):
                return
            if turn % 50 == 49:
                self._abort()
                continue
            path = rng.choice(list(REQUESTS))
            headers = {"If-None-Match": etags[path]} if path in etags and rng.random() < 0.5 else {}
            if rng.random() < 0.3:
                headers["Accept-Encoding"] = "gzip"
            if rng.random() < 0.02:
                headers["Cache-Control"] = "no-cache"
            expected = REQUESTS[path] | ({304} if headers.get("If-None-Match") else set())
            if rng.random() < 0.1:
                path, headers, expected = f"/queue?since={version}", {}, {200}
            try:
                reply = ask(self._web, path, **headers)
            except (OSError, http.client.HTTPException) as error:
                self._fail(f"{path[:60]}: {error!r}")
                continue
            with self._lock:
                self.answered[reply.status] += 1
            if reply.status == 503 and "retry-after" in reply.headers and path.startswith(LIMITED):
                with self._lock:
                    self.busy += 1
            elif reply.status not in expected:
                self._fail(f"{path[:60]}: {reply.status} {reply.body[:120]!r}")
            if "etag" in reply.headers:
                etags[path] = reply.headers["etag"]
            if path.startswith("/queue?since=") and reply.status == 200:
                version = urllib.parse.quote(reply.json["meta"]["version"])

    def _fail(self, text: str) -> None:
        with self._lock:
            self.failures[text] += 1

    def _abort(self) -> None:
        """Asks for a large response, reads its beginning, and disconnects."""
        parts = urllib.parse.urlsplit(self._web.url)
        with socket.create_connection((parts.hostname or "", parts.port or 80)) as connection:
            connection.sendall(b"GET /queue HTTP/1.1\r\nHost: a\r\n\r\n")
            connection.recv(1000)
        with self._lock:
            self.aborted += 1

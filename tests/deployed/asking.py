"""Asks a deployment over HTTP."""

from __future__ import annotations

import urllib.error
import urllib.request

from tests.cluster.answers import Answer
from tests.deployed.nginx_server import Nginx
from tests.waiting import GIVE_UP_SECONDS, wait_for


def ask(web: Nginx, path: str, method: str = "GET", **headers: str) -> Answer:
    """One request through nginx."""
    request = urllib.request.Request(f"{web.url}{path}", method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=GIVE_UP_SECONDS) as reply:
            return Answer(reply.status, {k.lower(): v for k, v in reply.headers.items()}, reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())


def wait_healthy(web: Nginx) -> None:
    """Wait until the cluster has been loaded."""
    wait_for("data through nginx", lambda: ask(web, "/partitions").status == 200)

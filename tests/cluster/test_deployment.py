"""The real nginx and uWSGI with the installed files, in front of the real cluster."""

from __future__ import annotations

import json
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.cluster.answers import Answer
from tests.cluster.web_server import Deployment, Nginx, installed, nginx, start_uwsgi, wait_served
from tests.testbed.cluster import Cluster
from tests.testbed.processes import send_signal
from tests.waiting import GIVE_UP_SECONDS, wait_for

ROUTES = (
    "/queue",
    "/nodes",
    "/partitions",
    "/stats",
    "/usage",
    "/users",
    "/history",
    "/load",
    "/health",
    "/health/live",
)


def config(cluster: Cluster) -> str:
    facts = cluster.database
    return f"""\
system:
  refresh_seconds: 1
  use_acct_db: true
  archive_usage_load: true
  archive_wait_time: 1
database:
  db_host: {facts.host}
  db_port: {facts.port}
  db_name: {facts.name}
  db_user: {facts.user}
  db_pass: {facts.password}
  table_job: testbed_job_table
  table_assoc: testbed_assoc_table
filter:
  partitions: [secret]
"""


@pytest.fixture(scope="module")
def deployment(cluster: Cluster) -> Iterator[Deployment]:
    with installed(cluster, config(cluster)):
        deployment = start_uwsgi(cluster)
        yield deployment
        deployment.stop()


@pytest.fixture(scope="module")
def web(cluster: Cluster, deployment: Deployment) -> Iterator[Nginx]:
    with nginx(cluster) as running:
        wait_served(running.url)
        yield running


def ask(web: Nginx, path: str, method: str = "GET", **headers: str) -> Answer:
    request = urllib.request.Request(f"{web.url}{path}", method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=GIVE_UP_SECONDS) as reply:
            return Answer(reply.status, {k.lower(): v for k, v in reply.headers.items()}, reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())


def test_every_route_answers_through_nginx(web: Nginx) -> None:
    wait_for("the first sample", lambda: ask(web, "/load").json["data"])
    for route in ROUTES:
        answer = ask(web, route)
        assert answer.status == 200, (route, answer.body)
        assert "data" in answer.json
        assert ask(web, route, "HEAD").status == 200
        assert ask(web, route, "POST").status == 405
    assert ask(web, "/nothing").status == 404
    assert ask(web, "/queue?nothing=1").status == 400


def test_unchanged_answers_are_a_304(web: Nginx) -> None:
    tag = ask(web, "/partitions").headers["etag"]
    assert ask(web, "/partitions", **{"If-None-Match": tag}).status == 304


def test_answers_are_compressed_once(web: Nginx) -> None:
    for path in ("/nodes", "/partitions", "/openapi/openapi.json"):
        plain = ask(web, path, **{"Accept-Encoding": "identity"})
        packed = ask(web, path, **{"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert len(packed.body) < len(plain.body)
        assert "Accept-Encoding" in packed.headers["vary"]


def test_a_path_prefix_is_in_links_and_in_no_route(web: Nginx) -> None:
    assert ask(web, "/slurm/queue").json["data"].keys() == ask(web, "/queue").json["data"].keys()
    page = ask(web, "/slurm/history?limit=1").json
    if page["meta"]["next"] is not None:
        assert page["meta"]["next"].startswith("/slurm/history?")
        assert ask(web, page["meta"]["next"]).status == 200
    assert ask(web, "/slurm/openapi/swagger").status == 200
    assert ask(web, "/slurm/openapi/openapi.json").status == 200


def test_long_queries_and_long_headers(web: Nginx) -> None:
    nodes = ",".join(f"rack{number:05d}" for number in range(700))
    assert ask(web, f"/history?node={nodes}").status == 200
    assert ask(web, f"/history?user={'x' * 20000}").status in (400, 414)
    assert ask(web, "/queue", **{"X-Long": "x" * 70000}).status == 400


def test_the_access_log_has_no_query_and_can_be_rotated(web: Nginx) -> None:
    ask(web, "/history?user=somebody-secret", Authorization="Bearer hunter2")
    old = web.access_log.with_suffix(".1")
    web.access_log.rename(old)
    web.signal(signal.SIGUSR1)
    wait_for("a new log", web.access_log.exists)
    ask(web, "/nodes")
    line = json.loads(wait_for("a line", web.access_log.read_text).splitlines()[-1])
    assert (line["method"], line["path"], line["status"]) == ("GET", "/nodes", 200)
    assert line["bytes"] > 0
    written = old.read_text()
    assert "somebody-secret" not in written
    assert "hunter2" not in written


class Asking:
    """Asks again and again in threads until it ends; `statuses` has what came, an error as its text."""

    def __init__(self, web: Nginx, threads: int = 4) -> None:
        self.statuses: list[int | str] = []
        self._ended = threading.Event()
        self._web = web
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]

    def __enter__(self) -> Asking:
        for thread in self._threads:
            thread.start()
        wait_for("the first answers", lambda: len(self.statuses) > 8)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._ended.wait(0.02):
            try:
                self.statuses.append(ask(self._web, "/nodes").status)
            except OSError as error:
                self.statuses.append(str(error))


def unlimited(web: Nginx) -> None:
    """Take the limit of requests a second out: these tests ask as often as they can."""
    block = web.folder / "block.conf"
    block.write_text(block.read_text().replace("limit_req zone", "#limit_req zone"))
    web.signal(signal.SIGHUP)


def test_a_reload_drops_no_request(web: Nginx, deployment: Deployment) -> None:
    unlimited(web)
    before = set(deployment.workers())
    with Asking(web) as asking:
        send_signal(deployment.master, signal.SIGHUP)
        wait_for("new workers", lambda: len(set(deployment.workers()) - before) >= len(before))
        wait_for("the old ones to end", lambda: before.isdisjoint(deployment.workers()))
        seen = len(asking.statuses)
        wait_for("answers of the new ones", lambda: len(asking.statuses) > seen + 20)
    assert set(asking.statuses) == {200}


def test_a_killed_worker_is_replaced(web: Nginx, deployment: Deployment) -> None:
    before = deployment.workers()
    send_signal(before[0], signal.SIGKILL)
    wait_for(
        "another worker", lambda: before[0] not in deployment.workers() and len(deployment.workers()) == len(before)
    )
    assert ask(web, "/nodes").status == 200


def test_a_killed_collector_is_replaced(web: Nginx, deployment: Deployment) -> None:
    (victim, *_) = wait_for("the collector", deployment.collectors)
    send_signal(victim, signal.SIGKILL)
    wait_for("another collector", lambda: [pid for pid in deployment.collectors() if pid != victim])
    # `Age` is cut to whole seconds.
    replaced = time.time()
    wait_for("a load by the new collector", lambda: time.time() - int(ask(web, "/nodes").headers["age"]) > replaced + 1)
    assert ask(web, "/health").status == 200


def test_stop_and_start(web: Nginx, cluster: Cluster, deployment: Deployment) -> None:
    deployment.stop()
    assert ask(web, "/nodes").status == 502
    again = start_uwsgi(cluster)
    deployment.process = again.process
    wait_served(web.url)
    assert ask(web, "/health/live").status == 200

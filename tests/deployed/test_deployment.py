"""The real nginx and uWSGI with the installed files, in front of the demonstration cluster."""

from __future__ import annotations

import gzip
import json
import re
import signal
import socket
import time
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect
from zstandard import ZstdDecompressor

from tests.browser.watching import Watched
from tests.cluster.answers import Answer
from tests.deployed.asking import ask, wait_healthy
from tests.deployed.nginx_server import Nginx, nginx, unlimited
from tests.deployed.service_manager import ServiceManager
from tests.deployed.site import INI, RUNTIME, UNIT, Site
from tests.testbed.processes import send_signal
from tests.waiting import GIVE_UP_SECONDS, wait_for

ROUTES = ("/queue", "/nodes", "/partitions", "/stats", "/usage", "/users", "/history", "/load", "/health", "/metrics")


@pytest.fixture(scope="module", autouse=True)
def loaded(web: Nginx) -> None:
    wait_healthy(web)
    # The first sample is of now. The backfill writes those of the past.
    wait_for("the demo's past", lambda: len(ask(web, "/load?since=now-6hours").json["data"]) > 10)


def test_every_route_answers(web: Nginx) -> None:
    for route in ROUTES:
        answer = ask(web, route)
        assert answer.status == 200, (route, answer.body)
        head = ask(web, route, "HEAD")
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-type"] == answer.headers["content-type"]
        assert ask(web, route, "POST").status == 405


def test_unchanged_answers_are_a_304_without_a_body(web: Nginx) -> None:
    first = ask(web, "/partitions")
    again = ask(web, "/partitions", **{"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert ask(web, "/partitions", **{"If-None-Match": '"another"'}).status == 200


def test_ranges_of_load(web: Nginx) -> None:
    whole = [sample["time"] for sample in ask(web, "/load?since=now-6hours").json["data"]]
    assert len(whole) > 2
    middle = whole[len(whole) // 2]
    part = [sample["time"] for sample in ask(web, f"/load?since=now-6hours&until={middle}").json["data"]]
    assert part
    assert set(part) <= set(whole)
    assert max(part) <= middle


def test_answers_are_compressed_once(web: Nginx) -> None:
    plain = ask(web, "/queue", **{"Accept-Encoding": "identity"})
    packed = ask(web, "/queue", **{"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert len(packed.body) < len(plain.body) / 3
    assert gzip.decompress(packed.body).startswith(b'{"data":{')
    of_browser = ask(web, "/queue", **{"Accept-Encoding": "gzip, deflate, br, zstd"})
    assert of_browser.headers["content-encoding"] == "zstd"
    assert ZstdDecompressor().stream_reader(of_browser.body).read().startswith(b'{"data":{')


def test_nginx_sends_the_file_of_a_large_response(web: Nginx, site: Site) -> None:
    """The service below a prefix has no location for files, so a worker sends them there."""
    plain = {"Accept-Encoding": "identity"}

    def same_version() -> tuple[Answer, Answer] | None:
        by_worker, by_nginx = ask(web, "/slurm/queue", **plain), ask(web, "/queue", **plain)
        return (by_worker, by_nginx) if by_worker.headers["etag"] == by_nginx.headers["etag"] else None

    by_worker, by_nginx = wait_for("two responses with one version", same_version)
    assert by_nginx.body == by_worker.body
    varying = {"date", "age"}
    assert by_nginx.headers.keys() == by_worker.headers.keys()
    assert {name: value for name, value in by_nginx.headers.items() if name not in varying} == {
        name: value for name, value in by_worker.headers.items() if name not in varying
    }
    # A worker lets nginx read a file as it names it.
    assert 0o640 in {path.stat().st_mode & 0o777 for path in (site.path(RUNTIME) / "prepared").glob("queue-*.json")}
    head = ask(web, "/queue", "HEAD", **plain)
    assert (head.status, head.body) == (200, b"")
    part = ask(web, "/queue", **plain, Range="bytes=0-9", **{"If-Modified-Since": by_nginx.headers["last-modified"]})
    assert (part.status, len(part.body)) == (200, int(part.headers["content-length"]))
    assert len(part.body) > 256 * 1024
    assert ask(web, "/_prepared/").status == 404
    logged = [json.loads(line)["path"] for line in web.access_log.read_text().splitlines()]
    assert {"/queue", "/slurm/queue"} <= set(logged)
    assert [path for path in logged if path.startswith("/_prepared/q")] == []


def test_disconnected_clients_leave_no_file_open(site: Site) -> None:
    with nginx(site, unlimited) as web:
        # A small buffer of the kernel keeps nginx from sending a whole file before the client disconnects.
        web.edit(lambda block: re.sub(r"(listen 127\.0\.0\.1:\d+);", r"\1 sndbuf=4k;", block))

        def is_open(pid: int, number: int) -> bool:
            files = psutil.Process(pid).open_files()
            return sum(Path(file.path).match("prepared/queue-*.json") for file in files) == number

        (sender,) = web.workers()
        address = ("127.0.0.1", int(web.url.rpartition(":")[2]))
        clients = [socket.create_connection(address, timeout=GIVE_UP_SECONDS) for _ in range(20)]
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(b"GET /queue HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_for("nginx to send the files", lambda: is_open(sender, len(clients)))
        for client in clients:
            client.close()
        wait_for("nginx to close the files", lambda: is_open(sender, 0))
        for worker in site.deployment.workers():
            assert is_open(worker, 0)
        assert ask(web, "/queue?limit=1").status == 200
        assert not re.search(r"\[(warn|error|crit|alert|emerg)\]", web.error_log.read_text())


@pytest.mark.browser
def test_pages_below_a_prefix_lead_nowhere_else(tab: Page, web: Nginx) -> None:
    # At the root of the same nginx is the service, too: what left the prefix would be answered, and not be seen.
    prefix, watched = f"{web.url}/slurm/", Watched(tab)
    found: list[str] = []

    def look(path: str, rows: str) -> None:
        expect(tab).to_have_url(re.compile(rf"^{re.escape(prefix + path)}(\?|$)"))
        expect(tab.locator(rows).first).to_be_visible()
        found.extend(tab.eval_on_selector_all("a[href]", "(links) => links.map((link) => link.href)"))

    tab.goto(prefix)
    look("", "#jobs tbody tr")
    for title, rows in {
        "Nodes": "#map section",
        "History": "#rows tr",
        "Load": "#graphs .legend tbody tr",
        "API": "table.check",
        "Queue": "#rows tr.job",
    }.items():
        tab.get_by_role("navigation", name="Pages", exact=True).get_by_role("link", name=title).click()
        look(f"pages/{title.lower()}", rows)
    tab.get_by_role("combobox", name="State", exact=True).fill("R")
    tab.get_by_role("button", name="Show", exact=True).click()
    expect(tab.locator("#found")).to_contain_text("with state=R")
    with tab.expect_download() as started:
        tab.get_by_role("link", name="Download CSV").click()
    assert started.value.url.startswith(prefix + "queue.csv?")
    tab.locator("#rows tr.job th a").first.click()
    look("pages/job", "#raw summary")
    tab.get_by_role("region", name="Allocated resources").get_by_role("link").first.click()
    look("pages/node", "#raw summary")
    tab.locator("a.brand").click()
    look("", "#jobs tbody tr")
    expect(tab.locator("#curl")).to_contain_text(f"'{prefix}usage?")
    tab.goto(prefix + "openapi/swagger")
    expect(tab.get_by_text("/queue/{jobid}").first).to_be_visible()
    asked = [url for url in watched.requests if url.startswith("http")]
    assert [url for url in (*asked, *found) if not url.startswith(prefix)] == []
    assert watched.faults == []


def test_a_worker_and_the_collector_are_replaced(web: Nginx, site: Site) -> None:
    deployment = site.deployment
    before = deployment.workers()
    send_signal(before[0], signal.SIGKILL)
    wait_for(
        "another worker", lambda: before[0] not in deployment.workers() and len(deployment.workers()) == len(before)
    )
    (victim, *_) = deployment.collectors()
    send_signal(victim, signal.SIGKILL)
    wait_for("another collector", lambda: [pid for pid in deployment.collectors() if pid != victim])
    # `Age` is cut to whole seconds.
    replaced = time.time()
    wait_for("a load by the new collector", lambda: time.time() - int(ask(web, "/nodes").headers["age"]) > replaced + 1)
    assert ask(web, "/nodes").json["meta"]["stale"] is False
    assert not {before[0], victim} & {*deployment.workers(), *deployment.collectors()}


def test_readiness_and_watchdog_come_from_workers_that_answer(site: Site, manager: ServiceManager) -> None:
    # The helper sends READY=1. uWSGI's own one, sent before there is a worker, does not arrive.
    first = wait_for("the first message", lambda: manager.messages[:1])[0].splitlines()
    assert first[0] == "READY=1"
    assert "WATCHDOG=1" in first
    assert "ready in" in site.deployment.log.read_text()
    manager.wait_for_watchdog()

    for pid in site.deployment.workers():
        send_signal(pid, signal.SIGSTOP)
    manager.wait_for_silence()
    for pid in site.deployment.workers():
        send_signal(pid, signal.SIGCONT)
    manager.wait_for_watchdog()

    # A reload restarts the helper.
    site.reload()
    manager.wait_for_watchdog()


def test_systemd_waits_longer_than_uwsgi_for_a_worker_that_hangs(site: Site) -> None:
    harakiri = re.search(r"^harakiri = (\d+)$", site.path(INI).read_text(), re.MULTILINE)
    watchdog = re.search(r"^WatchdogSec=(\d+)$", site.path(UNIT).read_text(), re.MULTILINE)
    assert harakiri is not None
    assert watchdog is not None
    assert int(watchdog[1]) > int(harakiri[1])


def test_a_reload_and_a_new_start_are_served(web: Nginx, site: Site) -> None:
    site.reload()
    assert ask(web, "/nodes").status == 200
    site.stop()
    assert ask(web, "/nodes").status == 502
    site.start()
    wait_healthy(web)


def test_systemd_restarts_the_service_if_a_socket_is_deleted(site: Site, manager: ServiceManager) -> None:
    manager.wait_for_watchdog()
    for name in ("uwsgi.sock", "watch.sock"):
        socket = site.path(RUNTIME) / name
        manager.messages.clear()
        away = socket.rename(socket.with_name("away"))
        # sd_notify(3), since systemd 243: handled as if WATCHDOG=1 had not been sent in time.
        assert wait_for("the message", lambda: [text for text in manager.messages if "WATCHDOG=trigger" in text])
        away.rename(socket)
        manager.wait_for_watchdog()

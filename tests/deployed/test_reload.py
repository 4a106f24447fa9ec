"""`systemctl reload` and deleted runtime files, while clients ask."""

from __future__ import annotations

import os
import re
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
import yaml

from slurm_rest_api.deployment.libraries import FILE_NAME
from tests.deployed.asking import ask, wait_healthy
from tests.deployed.installation import Installation
from tests.deployed.nginx_server import Nginx, nginx, unlimited
from tests.deployed.site import CONFIG, RUNTIME, Site, demo_site
from tests.waiting import wait_for

ROUTES = (
    "/queue",
    "/nodes?count=true",
    "/partitions",
    "/stats",
    "/usage",
    "/metrics",
    "/health/live",
    "/users",
    "/load",
)
# What the deployment cannot recreate without a restart.
SOCKETS = {"uwsgi.sock", "watch.sock"}
CLIENTS = 2
# Between the requests of a client. Without it the clients would have the processors that the workers need to start.
PAUSE_SECONDS = 0.03


@pytest.fixture(scope="module")
def site(installation: Installation) -> Iterator[Site]:
    with demo_site(installation, {"system": {"archive_wait_time": 1}}, processes=2) as site:
        yield site


@pytest.fixture(scope="module")
def web(site: Site) -> Iterator[Nginx]:
    with nginx(site, unlimited) as running:
        wait_healthy(running)
        wait_for("all parts to work", lambda: ask(running, "/health").status == 200)
        yield running


@contextmanager
def asking_clients(web: Nginx) -> Iterator[Counter[tuple[str, int]]]:
    """Asks all routes again and again. Yields the number of responses by route and status, complete at the end."""
    counts: Counter[tuple[str, int]] = Counter()
    done = threading.Event()

    def client(first: int) -> None:
        number = first
        while not done.wait(PAUSE_SECONDS):
            route = ROUTES[number % len(ROUTES)]
            counts[route, ask(web, route).status] += 1
            number += 1

    threads = [threading.Thread(target=client, args=(first,)) for first in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_no_request_fails_during_a_reload(web: Nginx, site: Site) -> None:
    workers, collectors = set(site.deployment.workers()), set(site.deployment.collectors())
    with asking_clients(web) as counts:
        site.reload()
        wait_for("another collector", lambda: is_whole(site) and collectors.isdisjoint(site.deployment.collectors()))
    assert {status for _, status in counts} == {200}
    assert {route for route, _ in counts} == set(ROUTES)
    assert workers.isdisjoint(site.deployment.workers())
    log = site.deployment.log.read_text()
    # One after the other.
    first, second = (log.index(f"chain next victim is worker {number}") for number in (1, 2))
    assert "WSGI app 0" in log[first:second]
    # A worker loads at a lower priority than it serves.
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert {nice for pid in site.deployment.workers() for nice in niceness_of_threads(pid)} == {own}
    assert "loads at normal priority" not in log


def test_faulty_configuration_is_refused_and_nothing_restarts(web: Nginx, site: Site) -> None:
    config = site.path(CONFIG)
    valid = config.read_text()
    wait_for("the end of earlier reloads", lambda: is_whole(site) and len(site.deployment.collectors()) == 1)
    workers, collectors = set(site.deployment.workers()), site.deployment.collectors()
    try:
        for section, setting, value in (("system", "port", 0), ("auth", "private_data", ["jobs"])):
            sections = yaml.safe_load(valid)
            sections.setdefault(section, {})[setting] = value
            config.write_text(yaml.safe_dump(sections))
            done = site.ask_for_reload()
            assert done.returncode == 1
            assert f"{section}.{setting}" in done.stderr
    finally:
        config.write_text(valid)
    assert ask(web, "/queue").status == 200
    assert (set(site.deployment.workers()), site.deployment.collectors()) == (workers, collectors)


def test_sighup_with_a_faulty_configuration_names_all_faults_and_restarts_with_the_old(web: Nginx, site: Site) -> None:
    config, written = site.path(CONFIG), site.deployment.log.stat().st_size
    valid, workers, master = config.read_text(), set(site.deployment.workers()), site.deployment.master
    sections = yaml.safe_load(valid)
    sections["system"] |= {"port": 0, "refresh_seconds": "soon", "archive_wait_tme": 5}
    sections["auth"] = {"mode": "password"}
    sections["nonsense"] = 1
    named = ("system.port", "system.refresh_seconds", "system.archive_wait_tme", "auth.mode", "nonsense")
    try:
        config.write_text(yaml.safe_dump(sections))
        refused = site.ask_for_reload()
        assert refused.returncode == 1
        assert [name for name in named if name not in refused.stderr] == []
        with asking_clients(web) as counts:
            # The main process reads its file again, and starts all workers and the collector.
            os.kill(master, signal.SIGHUP)
            wait_for("new workers", lambda: workers.isdisjoint(site.deployment.workers()) and is_whole(site))
        log = site.deployment.log.read_bytes()[written:].decode()
        (line,) = re.findall(r"The reload is refused\..*?(?=\n\S*\[|\Z)", log, re.DOTALL)
        assert [name for name in named if name not in line] == []
        assert site.deployment.process.poll() is None
        assert {status for _, status in counts} == {200}
    finally:
        config.write_text(valid)


def test_other_libraries_are_loaded_by_a_reload(web: Nginx, site: Site) -> None:
    noted = site.path(RUNTIME) / FILE_NAME
    installed = noted.read_text()
    assert "sqlalchemy 2." in installed
    noted.write_text(installed.replace("sqlalchemy 2.", "sqlalchemy 1."))
    workers, written = set(site.deployment.workers()), site.deployment.log.stat().st_size
    with asking_clients(web) as counts:
        site.reload()
        wait_for("new workers", lambda: workers.isdisjoint(site.deployment.workers()) and is_whole(site))
    assert noted.read_text() == installed
    assert {status for _, status in counts} == {200}
    log = site.deployment.log.read_bytes()[written:].decode()
    assert "chain next victim" not in log
    assert "Traceback" not in log


def test_a_faulty_configuration_that_stays_in_place_ends_nothing(web: Nginx, site: Site) -> None:
    config, reload = site.path(CONFIG), site.path(RUNTIME) / "reload"
    valid, written = config.read_text(), site.deployment.log.stat().st_size
    try:
        config.write_text(f"{valid}\nnonsense: 1\n")
        with asking_clients(web) as counts:
            for old in (site.deployment.workers()[:1], site.deployment.collectors()[:1]):
                os.kill(old[0], signal.SIGTERM)
                wait_for("its end", partial(has_ended, site, old[0]))
                wait_for("another one", lambda: is_whole(site))
            # A user may touch the file without the check of `slurm-rest-api reload`.
            before = set(site.deployment.workers())
            touched = max(time.time(), reload.stat().st_mtime + 1) if reload.exists() else time.time()
            reload.touch()
            os.utime(reload, (touched, touched))
            wait_for("the end of the chain", lambda: before.isdisjoint(site.deployment.workers()) and is_whole(site))
        log = site.deployment.log.read_bytes()[written:].decode()
        assert "The reload is refused." in log
        assert "nonsense (line" in log
        assert "This worker cannot start." not in log
        assert site.deployment.process.poll() is None
        # A worker that is killed may not have sent its response.
        assert {status for _, status in counts} <= {200, 502}
    finally:
        config.write_text(valid)


def has_ended(site: Site, pid: int) -> bool:
    return pid not in (*site.deployment.workers(), *site.deployment.collectors())


def niceness_of_threads(pid: int) -> set[int]:
    found = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        # A thread that has ended in the meantime has none.
        with suppress(FileNotFoundError, ProcessLookupError):
            found.add(int((task / "stat").read_text().rpartition(")")[2].split()[16]))
    return found


def is_whole(site: Site) -> bool:
    """True if both workers and the collector with its loader run, and all workers have loaded."""
    ready = set(map(int, re.findall(r"WSGI app 0 .* pid: (\d+)", site.deployment.log.read_text())))
    workers = set(site.deployment.workers())
    return len(workers) == 2 and workers <= ready and len(site.deployment.collectors()) >= 1


def delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def is_right(web: Nginx) -> bool:
    """True if every route answers with fresh data and all parts work."""
    answers = [ask(web, route) for route in (*ROUTES, "/health")]
    return {answer.status for answer in answers} == {200} and "http_requests_total{" in ask(
        web, "/metrics"
    ).body.decode()


def test_each_runtime_file_can_be_deleted_under_load(web: Nginx, site: Site) -> None:
    folder = site.path(RUNTIME)
    names = sorted(path.name for path in folder.iterdir() if path.name not in SOCKETS)
    assert {
        "archive.json",
        "collector.lock",
        "config-in-use.json",
        "libraries",
        "metrics",
        "prepared",
        "refresh.pipe",
        "reload",
        "snapshot.sqlite",
    } <= set(names)
    inner = [f"{name}/{path.name}" for name in ("metrics", "prepared") for path in (folder / name).iterdir()]
    with asking_clients(web) as counts:
        for name in (*names, *inner[:4]):
            before = loaded_at(web)
            if (folder / name).exists():
                delete(folder / name)
            wait_for_load(web, before)
            wait_for(f"right answers after {name} was deleted", lambda: is_right(web))
    # Clients may get a 503 while the snapshot is missing. Nothing is an error of the service.
    log = site.deployment.log.read_text()
    assert "Traceback" not in log, log[log.index("Traceback") :][:6000]
    assert {status for _, status in counts} <= {200, 503}
    assert sum(number for (_, status), number in counts.items() if status == 503) < sum(counts.values()) / 2
    # nginx may open the large responses that it sends. It is in the group of the service.
    modes = {path: path.stat().st_mode & 0o077 for path in folder.rglob("*") if path.name not in SOCKETS}
    of_responses = {modes.pop(path) for path in list(modes) if "prepared" in path.parts}
    assert of_responses <= {0, 0o010, 0o040}
    assert set(modes.values()) == {0}


def wait_for_load(web: Nginx, before: int) -> None:
    """Waits for a load after the epoch second `before`."""
    wait_for("a load", lambda: loaded_at(web) > before)


def loaded_at(web: Nginx) -> int:
    """Returns the time of the last load, 0 if there is no snapshot."""
    return int(ask(web, "/health").json["data"]["parts"]["snapshot"]["facts"].get("loaded_at", 0))

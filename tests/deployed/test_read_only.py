"""A runtime folder that becomes read-only: workers serve the last load and say that it is old, and all of it heals."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deployed.asking import ask, wait_healthy
from tests.deployed.installation import Installation
from tests.deployed.nginx_server import Nginx, nginx, unlimited
from tests.deployed.site import RUNTIME, Site, demo_site
from tests.waiting import wait_for

LIVE = ("/queue?count=true", "/queue?limit=1", "/nodes?limit=1", "/partitions", "/usage?compact=true", "/stats")


@pytest.fixture(scope="module")
def site(installation: Installation) -> Iterator[Site]:
    with demo_site(installation, processes=2) as site:
        yield site


@contextmanager
def read_only(folder: Path, elsewhere: Path) -> Iterator[None]:
    """Mounts a folder over itself, read-only.

    The service opens files in a mount at once, so the mount becomes read-only at another place.
    """
    mount("--bind", str(folder), str(elsewhere))
    mount("-o", "remount,bind,ro", str(elsewhere))
    mount("--bind", str(elsewhere), str(folder))
    try:
        yield
    finally:
        for place in (folder, elsewhere):
            subprocess.run(["umount", "--lazy", str(place)], check=True)


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def end_processes(site: Site) -> None:
    """Ends a worker and the collector. Those that follow open their files again."""
    deployment = site.deployment
    victims = {min(deployment.workers()), *deployment.collectors()}
    for pid in victims:
        os.kill(pid, signal.SIGKILL)

    def replaced() -> bool:
        workers, collectors = deployment.workers(), deployment.collectors()
        return len(workers) == 2 and bool(collectors) and not victims & {*workers, *collectors}

    wait_for("another worker and another collector", replaced)


def test_a_read_only_runtime_folder(site: Site, tmp_path: Path) -> None:
    folder = site.path(RUNTIME)
    with nginx(site, unlimited) as web:
        wait_healthy(web)
        with read_only(folder, tmp_path):
            end_processes(site)

            def all_stale() -> bool:
                # 502 while uWSGI replaces the worker whose connection it was.
                answers = [ask(web, path) for path in LIVE * 4]
                assert {answer.status for answer in answers} <= {200, 502}
                return all(answer.headers.get("x-slurm-stale") == "1" for answer in answers)

            wait_for("stale answers of all workers", all_stale)
            workers = set(site.deployment.workers())
            for _ in range(10):
                answers = {path: ask(web, path) for path in LIVE}
                assert {path: answer.status for path, answer in answers.items()} == dict.fromkeys(LIVE, 200)
            assert all(answer.json["meta"]["stale"] is True for answer in answers.values())
            assert answers["/queue?count=true"].json["data"]
            assert set(site.deployment.workers()) == workers
            said = site.deployment.log.read_text(errors="replace")
            assert "Read-only file system" in said or "readonly" in said
            assert "Traceback" not in said
            mount("-o", "remount,bind,rw", str(folder))
            wait_for("fresh answers", lambda: all(_is_fresh(web, path) for path in LIVE * 4))
            wait_for("a healthy service", lambda: ask(web, "/health").status == 200)
            assert set(site.deployment.workers()) == workers


def _is_fresh(web: Nginx, path: str) -> bool:
    answer = ask(web, path)
    return answer.status == 200 and "x-slurm-stale" not in answer.headers

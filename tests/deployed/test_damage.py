"""Damage to each file of the runtime folder of a running deployment: the live routes answer again after one load."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deployed.asking import ask
from tests.deployed.installation import Installation
from tests.deployed.nginx_server import Nginx, nginx
from tests.deployed.site import RUNTIME, Site, demo_site
from tests.waiting import wait_for

LIVE = ("/queue?count=true", "/nodes?limit=1", "/partitions", "/usage?compact=true", "/stats")
RUNTIME_FILES = ("snapshot.sqlite", "snapshot.sqlite-wal", "snapshot.sqlite-shm", "collector.lock", "archive.json")

Damage = Callable[[Path], None]


def emptied(file: Path) -> None:
    os.truncate(file, 0)


def halved(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def unreadable(file: Path) -> None:
    file.chmod(0)


def overwritten(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(b"\xff" * 4096)


@pytest.fixture(scope="module")
def site(installation: Installation) -> Iterator[Site]:
    with demo_site(installation, {"system": {"archive_wait_time": 1}}, processes=1) as site:
        yield site


@pytest.fixture(scope="module")
def web(site: Site) -> Iterator[Nginx]:
    with nginx(site, lambda block: block.replace("        limit_req zone", "        #limit_req zone")) as running:
        wait_for("a healthy service", lambda: ask(running, "/health").status == 200)
        yield running


def statuses(web: Nginx) -> dict[str, int]:
    return {path: ask(web, path).status for path in LIVE}


def loaded_at(web: Nginx) -> float:
    answer = ask(web, "/health")
    facts = answer.json["data"]["parts"]["snapshot"]["facts"] if answer.status in (200, 503) else {}
    return float(facts["loaded_at"]) if facts else 0.0


def assert_next_loads_are_served(web: Nginx, *others: int) -> None:
    """Checks that the live routes answer while the collector loads twice more, and all with 200 then."""
    before = loaded_at(web)

    def loaded_twice() -> bool:
        answered = statuses(web)
        # A store that was damaged has no data until the next load.
        assert set(answered.values()) <= {200, 503, *others}, answered
        return loaded_at(web) > before + 1 and set(statuses(web).values()) == {200}

    wait_for("two more loads", loaded_twice)


@pytest.mark.parametrize("damage", [emptied, halved, overwritten, unreadable])
@pytest.mark.parametrize("name", RUNTIME_FILES)
def test_damage_in_the_runtime_folder_heals(site: Site, web: Nginx, name: str, damage: Damage) -> None:
    file = site.path(RUNTIME) / name
    if not file.exists():
        pytest.fail(f"{name} is no file of the runtime folder any more")
    damage(file)
    if damage is unreadable:
        # Open files stay readable. A new process of the service's user cannot open it.
        assert_live_routes_answer(web)
        file.chmod(0o600)
    # Linux ends a process that reads the lost part of a mapped file (SIGBUS). uWSGI starts another.
    is_mapped = name.endswith("-shm") and damage in (emptied, halved)
    assert_next_loads_are_served(web, *((502,) if is_mapped else ()))


def assert_live_routes_answer(web: Nginx) -> None:
    assert set(statuses(web).values()) <= {200, 503}

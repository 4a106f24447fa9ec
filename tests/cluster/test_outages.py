"""Faults of slurmctld, the collector, the store and the disk: the web workers keep answering."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.answers import ask
from tests.cluster.faults import frozen, without
from tests.testbed.cluster import Cluster
from tests.testbed.service import CONFIG, SERVICE, Service, StartService
from tests.testbed.slurmnodes import SERVICE_USER
from tests.testbed.steps import run_command
from tests.waiting import GIVE_UP_SECONDS, wait_for

ROUTES = ["/queue", "/nodes", "/partitions", "/stats", "/usage", "/usage?compact=true"]

_MANY = 250
_MANY_JOBS = f"for n in $(seq {_MANY}); do sbatch --quiet --hold --job-name=filling --comment=$(printf %01000d $n) "
_MANY_JOBS += "--chdir=/ --output=/dev/null --wrap=true >/dev/null || exit 1; done"


def is_fresh(service: Service) -> bool:
    """Returns True if `/nodes` is answered with data that is not stale."""
    answer = ask(service, "/nodes")
    return answer.status == 200 and not answer.json["meta"]["stale"]


def is_stale(service: Service, route: str = "/nodes") -> bool:
    """Returns True if `route` is answered, and both header and body mark it as stale."""
    answer = ask(service, route)
    return answer.status == 200 and answer.headers.get("x-slurm-stale") == "1" and answer.json["meta"]["stale"] is True


def wait_fresh(service: Service) -> None:
    wait_for("a fresh answer", lambda: is_fresh(service))


def wait_stale(service: Service) -> None:
    wait_for("an answer that says it is stale", lambda: is_stale(service))


def process(service: Service, word: str) -> int | None:
    """Returns the id of the only process of the service with `word` in its command line."""
    found = [pid for pid, command in service.processes().items() if word in command]
    return found[0] if len(found) == 1 else None


@pytest.fixture
def running(start: StartService) -> Iterator[Service]:
    """Starts a service for one test, which counts its processes or log lines."""
    service = start()
    yield service
    service.stop()


@pytest.fixture(scope="module")
def shared(start: StartService) -> Iterator[Service]:
    """Starts a service for the tests after which it is fresh again."""
    service = start()
    yield service
    service.stop()


def meta(service: Service) -> dict[str, Any]:
    """Returns `meta` of `/nodes`."""
    found: dict[str, Any] = ask(service, "/nodes").json["meta"]
    return found


def test_without_slurmctld_the_last_snapshot_is_served_as_stale(cluster: Cluster, running: Service) -> None:
    names = set(ask(running, "/partitions").json["data"])
    with without(cluster, "slurmctld"):
        # The first failed load may have another cause: slurmctld answers while it ends.
        wait_for("Slurm's own words", lambda: "Unable to contact slurm controller" in str(meta(running)["error"]))
        kept = {route: ask(running, route).json["data"] for route in ("/partitions", "/usage")}
        assert set(kept["/partitions"]) == names
        error = meta(running)["error"]
        assert error["loaded_at"] <= error["since"] + 1
        wait_for("an age of three seconds", lambda: int(ask(running, "/nodes").headers["age"]) >= 3)
        for route in ROUTES:
            assert is_stale(running, route)
            assert int(ask(running, route).headers["age"]) >= 3
        for route, data in kept.items():
            assert ask(running, route).json["data"] == data
    wait_fresh(running)
    assert meta(running)["error"] is None
    causes = [line.partition("Cannot load the cluster")[2] for line in running.log.splitlines()]
    logged = [cause for cause in causes if cause]
    assert any("Unable to contact slurm controller" in cause for cause in logged)
    # A cause is logged once, however many loads it fails.
    assert all(cause != following for cause, following in pairwise(logged))


def test_frozen_slurmctld_delays_no_answer(cluster: Cluster, shared: Service) -> None:
    with frozen(cluster, "slurmctld"):
        wait_stale(shared)
        for route in ROUTES:
            assert is_stale(shared, route)
    wait_fresh(shared)


def test_start_without_slurmctld_reports_the_cause_and_recovers(cluster: Cluster, start: StartService) -> None:
    service = start()
    service.stop()
    with without(cluster, "slurmctld"):
        store = service.folder / "snapshot.sqlite"
        store.unlink()
        again = run_again(cluster, service)
        try:
            wait_for("a 503 that names the cause", lambda: "Unable to contact" in str(ask_or_none(again)))
            refused = ask(again, "/queue")
            assert refused.status == 503
            assert refused.headers["retry-after"] == "5"
            cluster.daemons.start("slurmctld")
            wait_fresh(again)
        finally:
            again.stop()


def ask_or_none(service: Service) -> bytes | None:
    try:
        return ask(service, "/queue").body
    except OSError:
        return None


def run_again(cluster: Cluster, service: Service) -> Service:
    """Start the stopped `service` again with the same folder, without waiting for its first answer."""
    inside = f"/tmp/{service.folder.name}"
    host, port = service.url.removeprefix("http://").split(":")
    argv = [SERVICE, "--config", f"{inside}/config.yml", "run", "--host", host, "--port", port]
    again = cluster.popen(
        argv, user=SERVICE_USER, cwd=inside, log=service.folder / "log", env={"RUNTIME_DIRECTORY": inside}
    )
    return Service(cluster, service.url, service.folder, again)


def test_killed_collector_and_its_loader_are_replaced(cluster: Cluster, running: Service) -> None:
    collector = wait_for("the collector", lambda: process(running, " collect"))
    loader = wait_for("the loader", lambda: process(running, "loader_main"))
    with frozen(cluster, "slurmctld"):
        # Stale means that the loader has been waiting in an RPC for seconds: it is in the middle of a cycle.
        wait_stale(running)
        os.kill(collector, signal.SIGKILL)
        wait_for("the loader to end as well", lambda: loader not in running.processes())
        assert is_stale(running, "/queue")
        wait_for("another collector", lambda: process(running, " collect") not in (None, collector))
    wait_fresh(running)


def test_killed_loaders_leave_the_store_whole(shared: Service) -> None:
    nodes = ask(shared, "/nodes").json["data"].keys()
    for _ in range(4):
        loader = wait_for("a loader", lambda: process(shared, "loader_main"))
        os.kill(loader, signal.SIGKILL)
        assert ask(shared, "/nodes").json["data"].keys() == nodes
        wait_for("its end", partial(is_gone, shared, loader))
    wait_fresh(shared)


def is_gone(service: Service, pid: int) -> bool:
    """Returns True if the service has no process `pid`."""
    return pid not in service.processes()


def test_a_second_collector_waits_and_takes_over(cluster: Cluster, running: Service) -> None:
    first = wait_for("the first collector", lambda: process(running, " collect"))
    inside = f"/tmp/{running.folder.name}"
    log = running.folder / "second.log"
    second = cluster.popen(
        [SERVICE, "--config", f"{inside}/config.yml", "collect"],
        user=SERVICE_USER,
        log=log,
        env={"RUNTIME_DIRECTORY": inside},
    )
    try:
        wait_for("the second to stand by", lambda: f"(pid {first}) holds the lock" in log.read_text())
        assert loaders_of(second) == []
        os.kill(first, signal.SIGKILL)
        wait_for("the second to load", lambda: loaders_of(second))
        wait_for("the restarted first to stand by", lambda: "holds the lock; waiting as standby" in running.log)
        wait_fresh(running)
        assert process(running, "loader_main") is None
    finally:
        second.send_signal(signal.SIGTERM)
        assert second.wait(GIVE_UP_SECONDS) == 0
    wait_for("the first to take over again", lambda: process(running, "loader_main"))
    wait_fresh(running)


def loaders_of(collector: subprocess.Popen[str]) -> list[str]:
    children = Path(f"/proc/{collector.pid}/task/{collector.pid}/children").parent.parent
    found = []
    for task in children.iterdir():
        found += (task / "children").read_text().split()
    return found


def test_deleted_store_is_written_again(shared: Service) -> None:
    before = ask(shared, "/partitions").json
    (shared.folder / "snapshot.sqlite").unlink()

    def whole_again() -> bool:
        answer = ask(shared, "/partitions")
        return answer.status == 200 and answer.json["meta"]["version"] != before["meta"]["version"]

    wait_for("a new store", whole_again)
    assert ask(shared, "/partitions").json["data"] == before["data"]


def test_overwritten_store_is_written_again(shared: Service) -> None:
    (shared.folder / "snapshot.sqlite").write_bytes(os.urandom(200_000))
    wait_fresh(shared)
    assert set(ask(shared, "/partitions").json["data"]) == {"main", "high", "long"}


@pytest.fixture
def small_disk(cluster: Cluster) -> Iterator[tuple[Path, str]]:
    """A tmpfs of 32 MiB inside the root: its path on the host, and inside."""
    inside = "/tmp/small-disk"
    folder = cluster.path(inside)
    folder.mkdir(exist_ok=True)
    owner = cluster.run(["id", "-u", SERVICE_USER]).stdout.strip()
    run_command(["mount", "-t", "tmpfs", "-o", f"size=32m,mode=0700,uid={owner}", "tmpfs", str(folder)])
    try:
        yield folder, inside
    finally:
        run_command(["umount", str(folder)])


def fill(file: Path) -> None:
    """Write to `file` until its disk is full."""
    full = run_command(["dd", "if=/dev/zero", f"of={file}", "bs=4096"], check=False)
    assert "No space left" in full.stderr


def test_a_full_disk_stops_the_updates_and_not_the_answers(
    cluster: Cluster, start: StartService, small_disk: tuple[Path, str]
) -> None:
    folder, inside = small_disk
    service = start(CONFIG.replace("system:\n", f"system:\n  runtime_dir: {inside}\n"))
    try:
        partitions = ask(service, "/partitions").json["data"]
        fill(folder / "filler")
        # What fits into space that the store has already is still written, so the cluster has to grow.
        cluster.run(["bash", "-c", _MANY_JOBS], user="bob")
        wait_stale(service)
        for route in ROUTES:
            assert is_stale(service, route)
        assert ask(service, "/partitions").json["data"] == partitions
        wait_for("the log to name the disk", lambda: "disk is full" in service.log)
        (folder / "filler").unlink()
        wait_fresh(service)
        assert ask(service, "/queue").json["meta"]["total"] >= _MANY
    finally:
        cluster.run(["scancel", "--user=bob", "--name=filling"])
        service.stop()

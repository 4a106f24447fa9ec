"""The load archive: in real databases, on a full disk, and compared with squeue and sinfo."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from slurm_rest_api.archive.engine import open_engine
from slurm_rest_api.archive.tables import metadata
from slurm_rest_api.archive.time_range import TimeRange
from slurm_rest_api.archive.writer import ArchiveWriter
from slurm_rest_api.config import SystemSettings
from slurm_rest_api.errors import ArchiveError, ArchiveUnavailable
from tests.archive.databases import EVER, Archives, open_store, slots, sqlite_settings
from tests.archive.samples import make_sample
from tests.archive.writer_contract import CHECKS
from tests.cluster.answers import ask
from tests.cluster.conftest import Jobs, StartService
from tests.cluster.postgresql import postgresql
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service
from tests.testbed.slurmnodes import HIDDEN_NODE
from tests.waiting import wait_for

MARIADB = "archive_test"


@pytest.fixture(scope="module")
def postgresql_url() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(scope="module")
def mariadb_url(cluster: Cluster) -> Iterator[str]:
    facts = cluster.database
    cluster.sql(f"CREATE OR REPLACE DATABASE {MARIADB};")
    yield f"mysql+pymysql://{facts.user}:{facts.password}@{facts.host}:{facts.port}/{MARIADB}"
    cluster.sql(f"DROP DATABASE {MARIADB};")


@pytest.fixture(params=["postgresql", "mariadb"])
def server(request: pytest.FixtureRequest) -> Iterator[Archives]:
    """An archive without tables in a database server."""
    url = request.getfixturevalue(f"{request.param}_url")
    settings = SystemSettings.model_validate({"archive_url": url})
    engine = open_engine(settings, writable=True)
    metadata.drop_all(engine)
    engine.dispose()
    archives = Archives(settings)
    yield archives
    archives.close()


@pytest.mark.parametrize("check", CHECKS)
def test_the_contract_of_every_archive(check: Callable[[Archives], None], server: Archives) -> None:
    check(server)


def without_password(url: str, **query: str) -> SystemSettings:
    bare = make_url(url).set(password=None).update_query_dict(query)
    return SystemSettings.model_validate({"archive_url": bare.render_as_string(hide_password=False)})


def test_the_password_of_postgresql_can_be_in_a_file(postgresql_url: str, tmp_path: Path) -> None:
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"*:*:*:*:{make_url(postgresql_url).password}\n")
    passwords.chmod(0o600)
    archives = Archives(without_password(postgresql_url, passfile=str(passwords)))
    archives.store().add(make_sample(-600))
    assert -600 in [row.time for row in archives.reader().samples(TimeRange(-1000, 0, 0), 10)]
    archives.close()


def test_the_password_of_mariadb_can_be_in_a_file(mariadb_url: str, tmp_path: Path) -> None:
    options = tmp_path / "archive.cnf"
    options.write_text(f"[client]\npassword={make_url(mariadb_url).password}\n")
    archives = Archives(without_password(mariadb_url, read_default_file=str(options)))
    archives.store().add(make_sample(-600))
    assert -600 in [row.time for row in archives.reader().samples(TimeRange(-1000, 0, 0), 10)]
    archives.close()


def end_sessions(url: str) -> None:
    """Ends all sessions, as a restart of the server does."""
    engine = create_engine(url)
    with engine.connect() as connection:
        others = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = :user"
        )
        connection.execute(text(others), {"user": make_url(url).username})
    engine.dispose()


def test_a_server_that_goes_away_costs_no_sample(tmp_path: Path) -> None:
    with postgresql() as url:
        archives = Archives(SystemSettings.model_validate({"archive_url": url}))
        store, reader = archives.store(), archives.reader()
        assert store.add(make_sample(0))
        end_sessions(url)
        # The dead connections are detected and replaced.
        assert store.add(make_sample(60))
        assert [row.time for row in reader.samples(TimeRange(0, EVER, 0), 10)] == [0, 60]
    with pytest.raises(ArchiveError, match="cannot be written"):
        store.add(make_sample(120))
    with pytest.raises(ArchiveUnavailable, match="cannot be read"):
        reader.samples(TimeRange(0, EVER, 0), 10)
    archives.close()


def test_a_full_disk_damages_nothing_and_is_survived(tmp_path: Path) -> None:
    disk = tmp_path / "archive"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=True)
    try:
        settings = sqlite_settings(tmp_path)
        store = open_store(settings)
        assert store.add(make_sample(0))
        filler = disk / "filler"
        fill(filler)
        stored = [0]
        with pytest.raises(ArchiveError, match="full"):
            add_until_it_fails(store, stored)
        assert slots(settings) == stored
        filler.unlink()
        assert store.add(make_sample(60_000))
        assert slots(settings) == [*stored, 60_000]
        store.close()
        with sqlite3.connect(disk / "load.sqlite") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(file: Path) -> None:
    """Write to `file` until its disk is full."""
    with file.open("wb", buffering=0) as output, suppress(OSError):
        while True:
            output.write(b"x" * 4096)


def add_until_it_fails(store: ArchiveWriter, stored: list[int]) -> None:
    """Add sample after sample; the slots of those that were stored are appended to `stored`."""
    for slot in range(60, 60_000, 60):
        store.add(make_sample(slot, partitions=tuple(f"p{n}" for n in range(50))))
        stored.append(slot)


def config(archive: str) -> str:
    return f"""\
system:
  refresh_seconds: 1
  archive_usage_load: true
  archive_wait_time: 2
  archive_path: {archive}
filter:
  partitions: [secret]
"""


@pytest.fixture(scope="module")
def archiving(start: StartService) -> Service:
    return start(config("load.sqlite"))


def newest(service: Service) -> dict[str, Any]:
    """The next sample that is taken from now on."""
    before = ask(service, "/load?time=10").json["data"]
    last = before[-1]["time"] if before else 0

    def later() -> dict[str, Any] | None:
        found = [sample for sample in ask(service, "/load?time=10").json["data"] if sample["time"] > last + 2]
        return found[-1] if found else None

    return wait_for("a sample that was taken later", later)


def test_samples_are_what_squeue_and_sinfo_say(cluster: Cluster, jobs: Jobs, archiving: Service) -> None:
    jobs.running(partition="main", ntasks=4, mem_per_cpu=500)
    jobs.running(partition="main", gres="gpu:1")
    waiting = jobs.submit(partition="long,main", hold=True)
    jobs.running(user="mallory", partition="secret")
    cluster.run(["scontrol", "update", "NodeName=rack007", "State=DRAIN", "Reason=test"])
    try:
        sample = newest(archiving)
        shown = [job for job in cluster.squeue_json() if job["partition"] != "secret"]
        states = Counter(state for job in shown for state in job["job_state"])
        assert (sample["jobs_running"], sample["jobs_pending"]) == (states["RUNNING"], states["PENDING"])
        pending = [job for job in shown if "PENDING" in job["job_state"]]
        assert sample["jobs_pending_by_reason"] == Counter(job["state_reason"].replace(" ", "_") for job in pending)
        assert sample["jobs_pending_by_reason"]["JobHeldUser"] >= 1
        in_main = [job for job in shown if "main" in job["partition"].split(",")]
        main = sample["partitions"]["main"]
        assert main["jobs_running"] == sum("RUNNING" in job["job_state"] for job in in_main)
        assert main["jobs_pending"] == sum("PENDING" in job["job_state"] for job in in_main)
        assert sample["partitions"]["long"]["jobs_pending"] >= 1
        assert sample["nodes_by_state"] == _sinfo_states(cluster)
        nodes = {name: node for name, node in cluster.nodes_json().items() if name != HIDDEN_NODE}
        assert sample["total_cpus"] == sum(node["cpus"] for node in nodes.values())
        assert sample["alloc_cpus"] == sum(node["alloc_cpus"] for node in nodes.values())
        assert sample["alloc_mem"] == sum(node["alloc_memory"] for node in nodes.values())
        assert (sample["alloc_gpus"], sample["total_gpus"]) == (1, 4)
        assert set(sample["partitions"]) == {"main", "high", "long"}
    finally:
        cluster.run(["scontrol", "update", "NodeName=rack007", "State=RESUME"])
    jobs.cancel_all()
    after = wait_for(
        "a sample without these jobs",
        lambda: found if (found := newest(archiving))["jobs_pending"] < sample["jobs_pending"] else None,
    )
    assert after["alloc_gpus"] == 0
    assert cluster.job_state(waiting) == "CANCELLED"


def _sinfo_states(cluster: Cluster) -> dict[str, int]:
    printed = cluster.run(["sinfo", "--all", "-h", "-N", "-o", "%N %T"]).stdout
    states = {node: state.upper() for node, state in (line.split() for line in printed.splitlines())}
    del states[HIDDEN_NODE]
    return dict(sorted(Counter(states.values()).items()))


def test_there_is_a_gap_while_slurmctld_is_away(cluster: Cluster, archiving: Service) -> None:
    newest(archiving)
    cluster.daemons.stop("slurmctld")
    try:
        wait_for("stale data", lambda: ask(archiving, "/nodes").headers.get("x-slurm-stale") == "1")
        last = ask(archiving, "/load?time=60").json["data"][-1]["time"]
        wait_for("a few empty slots", lambda: ask(archiving, "/load?time=6").json["data"] == [])
    finally:
        cluster.daemons.start("slurmctld")
    wait_for("samples again", lambda: ask(archiving, "/load?time=6").json["data"])
    times = [sample["time"] for sample in ask(archiving, "/load?time=600").json["data"]]
    (gap,) = [(a, b) for a, b in itertools.pairwise(times) if a == last]
    assert gap[1] - gap[0] > 6


def test_two_collectors_share_one_archive(cluster: Cluster, start: StartService) -> None:
    folder = cluster.path("/tmp/shared-archive")
    # The root may be up since an earlier session.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    cluster.run(["chown", "slurmrestapi", "/tmp/shared-archive"])
    first, second = (start(config("/tmp/shared-archive/load.sqlite")) for _ in range(2))
    wait_for("samples", lambda: len(ask(second, "/load?time=60").json["data"]) >= 5)
    first.kill()
    before = len(slots(SystemSettings(archive_path=str(folder / "load.sqlite"))))
    wait_for("samples of the other", lambda: len(ask(second, "/load?time=60").json["data"]) >= before + 3)
    times = slots(SystemSettings(archive_path=str(folder / "load.sqlite")))
    assert times == sorted(set(times))
    assert {time % 2 for time in times} == {0}
    assert "Traceback" not in first.log + second.log

"""The image of the Containerfile on a real cluster: slurm.conf and munge's socket are mounted into its container."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from slurm_rest_api.version import __version__
from tests.fresh.machine import FreshMachine
from tests.releases.conftest import assert_agrees
from tests.releases.podman import Podman, podman
from tests.testbed.cluster import Cluster
from tests.testbed.service import free_port, http_status
from tests.waiting import GIVE_UP_SECONDS, wait_for

IMAGE: Final = "localhost/slurm-rest-api"
# The commands in the image are of Debian 12, as the cluster.
on_bookworm = pytest.mark.parametrize(
    "release", [pytest.param("bookworm", marks=pytest.mark.releases, id="22.05")], indirect=True
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """podman with the image."""
    with podman(tmp_path_factory.mktemp("podman")) as engine:
        engine.import_base(FreshMachine())
        engine.build(IMAGE)
        yield engine


def options(release: Cluster, config: Path, port: int) -> list[str]:
    """Returns the options of docs/deployment.md, with the paths of the cluster's root."""
    mounts = {
        str(release.path("/etc/slurm")): "/etc/slurm:ro",
        str(release.path("/run/munge")): "/run/munge",
        str(release.path("/etc/passwd")): "/etc/passwd:ro",
        str(release.path("/etc/group")): "/etc/group:ro",
        str(config): "/etc/slurm-rest-api/config.yml:ro",
    }
    return [
        "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges",
        "--tmpfs=/run/slurm-rest-api:mode=1777", "--tmpfs=/tmp",
        *(f"--volume={source}:{target}" for source, target in mounts.items()), f"--env=PORT={port}",
    ]  # fmt: skip


def different_jobs(release: Cluster, port: int) -> list[str]:
    """Returns the ids of jobs whose user or state is not what squeue prints. Users are names of mounted files."""
    lines = release.run(["squeue", "--all", "--states=all", "--noheader", "--format=%A %u %T"]).stdout.splitlines()
    expected = {job: (user, state) for job, user, state in map(str.split, lines)}
    found = {job: (record["user_name"], record["job_state"]) for job, record in get(port, "/queue")["data"].items()}
    assert expected
    return sorted(job for job in expected.keys() | found.keys() if expected.get(job) != found.get(job))


def is_healthy(engine: Podman, container: str) -> bool:
    """Runs the health check of the image once. Without systemd podman does not run it by time."""
    return engine.run("healthcheck", "run", container, check=False).returncode == 0


def get(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=GIVE_UP_SECONDS) as reply:
        return json.load(reply)


@pytest.mark.releases
def test_container_serves_the_demo(engine: Podman) -> None:
    port, tmpfs = free_port(), "--tmpfs=/run/slurm-rest-api:mode=1777"
    with engine.running(IMAGE, [tmpfs], ["run", "--demo", "--host=127.0.0.1", f"--port={port}"]) as container:
        wait_for("the demo", lambda: http_status(f"http://127.0.0.1:{port}/partitions") == 200)
        assert get(port, "/health")["meta"]["version"] == __version__
        label = '{{index .Config.Labels "org.opencontainers.image.version"}}'
        assert engine.run("inspect", f"--format={label}", container).stdout.strip() == __version__


@on_bookworm
@pytest.mark.usefixtures("scene")
def test_container_reads_the_cluster_with_mounted_configuration_and_munge(
    engine: Podman, release: Cluster, tmp_path: Path
) -> None:
    config, port = tmp_path / "config.yml", free_port()
    config.write_text("system:\n  refresh_seconds: 1\n")
    config.chmod(0o644)
    arguments = ["run", "--host=127.0.0.1", f"--port={port}"]
    with engine.running(IMAGE, options(release, config, port), arguments) as container:
        wait_for("an answer", lambda: http_status(f"http://127.0.0.1:{port}/queue") == 200)
        meta = get(port, "/nodes")["meta"]
        assert meta["source_detail"].startswith(f"commands of Slurm {release.release} in /usr/bin")
        assert_agrees(lambda: different_jobs(release, port))

        def inside(*command: str) -> int:
            return engine.run("exec", container, *command, check=False).returncode

        assert inside("test", "-w", "/") != 0
        assert engine.run("exec", container, "id", "-u").stdout.strip() != "0"
        assert [name for name in ("cc", "gcc", "make", "pip3") if inside("sh", "-c", f"command -v {name}") == 0] == []
        assert is_healthy(engine, container)
        web_server = engine.process_in(container, "slurm_rest_api.cli serve")
        os.kill(web_server, signal.SIGSTOP)
        assert not is_healthy(engine, container)
        os.kill(web_server, signal.SIGCONT)
        engine.run("stop", container)
        assert engine.run("inspect", "--format={{.State.ExitCode}}", container).stdout.strip() == "0"

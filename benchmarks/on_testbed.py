"""Runs the service over a real Slurm: uWSGI inside the root of `tests/testbed`, with nginx in front."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from benchmarks.deployment import Deployment, proxied
from tests.cluster.web_server import installed, start_uwsgi
from tests.deployed.nginx_server import RUNTIME
from tests.testbed.cluster import Cluster
from tests.testbed.service import free_port
from tests.testbed.slurmnodes import HIDDEN_PARTITION

_CONFIG: Final = f"filter:\n  partitions: [{HIDDEN_PARTITION}]\n"


@dataclass(frozen=True)
class Slurm:
    """The cluster's daemons, to be measured without the service."""

    cluster: Cluster
    folder: Path

    @property
    def store(self) -> Path:
        """Path of a file that does not exist, as there is no snapshot store."""
        return self.folder / "none.sqlite"

    def processes(self) -> dict[str, list[psutil.Process]]:
        """Returns slurmctld and slurmrestd."""
        pids = {name: self.cluster.daemons.pid(name) for name in ("slurmctld", "slurmrestd")}
        return {name: [psutil.Process(pid)] for name, pid in pids.items() if pid is not None}


@dataclass(frozen=True)
class DeploymentOnSlurm(Deployment):
    """The running service with the cluster that it reads."""

    slurm: Slurm

    @property
    def store(self) -> Path:
        """Path of the snapshot store."""
        return self.slurm.cluster.path(f"{RUNTIME}/snapshot.sqlite")

    def processes(self) -> dict[str, list[psutil.Process]]:
        """Returns the processes of the service and of the cluster."""
        return super().processes() | self.slurm.processes()


@contextmanager
def on_slurm(slurm: Slurm) -> Iterator[DeploymentOnSlurm]:
    """Runs the service with its installed files. Yields once the cluster is loaded."""
    port = free_port()
    with installed(slurm.cluster, _CONFIG):
        deployment = start_uwsgi(slurm.cluster)
        try:
            with proxied(slurm.folder, slurm.cluster.path(RUNTIME), port) as proxy:
                web, front = psutil.Process(deployment.master), psutil.Process(proxy.pid)
                service = DeploymentOnSlurm(port, slurm.folder, web, front, slurm)
                service.version()
                yield service
        finally:
            deployment.stop()

"""The service in front of a real Slurm: uWSGI inside the root of `tests/testbed`, nginx before it; and Slurm alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from benchmarks.deployed import Deployed, proxied
from tests.cluster.web_server import installed, start_uwsgi
from tests.deployed.nginx_server import RUNTIME
from tests.testbed.cluster import Cluster
from tests.testbed.service import free_port
from tests.testbed.slurmnodes import HIDDEN_PARTITION

_CONFIG: Final = f"filter:\n  partitions: [{HIDDEN_PARTITION}]\n"


@dataclass(frozen=True)
class Slurm:
    """The cluster's daemons, as something to watch."""

    cluster: Cluster
    folder: Path

    @property
    def store(self) -> Path:
        """No snapshot store is here."""
        return self.folder / "none.sqlite"

    def processes(self) -> dict[str, list[psutil.Process]]:
        """slurmctld and slurmrestd."""
        pids = {name: self.cluster.daemons.pid(name) for name in ("slurmctld", "slurmrestd")}
        return {name: [psutil.Process(pid)] for name, pid in pids.items() if pid is not None}


@dataclass(frozen=True)
class OnSlurm(Deployed):
    """The running service, with the cluster that it reads."""

    slurm: Slurm

    @property
    def store(self) -> Path:
        """The snapshot store."""
        return self.slurm.cluster.path(f"{RUNTIME}/snapshot.sqlite")

    def processes(self) -> dict[str, list[psutil.Process]]:
        """Those of the service and those of the cluster."""
        return super().processes() | self.slurm.processes()


@contextmanager
def on_slurm(slurm: Slurm) -> Iterator[OnSlurm]:
    """The service with its installed files, once it has loaded the cluster."""
    port = free_port()
    with installed(slurm.cluster, _CONFIG):
        deployment = start_uwsgi(slurm.cluster)
        try:
            with proxied(slurm.folder, slurm.cluster.path(RUNTIME), port) as proxy:
                web, front = psutil.Process(deployment.master), psutil.Process(proxy.pid)
                service = OnSlurm(port, slurm.folder, web, front, slurm)
                service.version()
                yield service
        finally:
            deployment.stop()

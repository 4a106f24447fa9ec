"""The deployment as it is installed: uWSGI inside the root with the installed files, a real nginx in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.deployed.nginx_server import BLOCK, RUNTIME, Nginx, nginx
from tests.deployed.uwsgi_server import Deployment
from tests.testbed.cluster import Cluster
from tests.testbed.layout import VENV_IN_ROOT
from tests.testbed.service import SERVICE, http_status
from tests.testbed.slurmnodes import SERVICE_USER
from tests.waiting import wait_for

__all__ = ["Deployment", "Nginx", "installed", "nginx", "start_uwsgi", "wait_served"]

_INI = "/etc/slurm-rest-api/slurm-rest-api.ini"
_CONFIG = "/etc/slurm-rest-api/config.yml"
_UNIT = "/etc/systemd/system/slurm-rest-api.service"


@contextmanager
def installed(cluster: Cluster, config: str) -> Iterator[None]:
    """The files of a deployment where they belong inside the root; all of it is gone afterwards.

    Other tests start the service without any configuration.
    """
    files = [cluster.path(path) for path in (BLOCK, _INI, _CONFIG, _UNIT)]
    folders = [RUNTIME, "/var/lib/slurm-rest-api"]
    for file in files:
        file.unlink(missing_ok=True)
    cluster.run([SERVICE, "install-files"])
    cluster.path(_CONFIG).write_text(config)
    # What RuntimeDirectory= and StateDirectory= of the unit do.
    cluster.run(["install", "-d", "-m", "0750", "-o", SERVICE_USER, *folders])
    try:
        yield
    finally:
        for file in files:
            file.unlink()
        cluster.run(["rm", "-rf", *folders])


def start_uwsgi(cluster: Cluster) -> Deployment:
    """Start uWSGI as the unit does and wait until its socket is there."""
    log = cluster.path("/tmp/uwsgi.log")
    environ = {"RUNTIME_DIRECTORY": RUNTIME, "STATE_DIRECTORY": "/var/lib/slurm-rest-api"}
    argv = [f"{VENV_IN_ROOT}/bin/uwsgi", "--ini", _INI]
    process = cluster.popen(argv, user=SERVICE_USER, cwd="/", log=log, env=environ)
    socket = cluster.path(f"{RUNTIME}/uwsgi.sock")
    wait_for("uWSGI's socket", socket.exists)
    return Deployment(process, log)


def wait_served(url: str) -> None:
    """Wait until the whole chain answers with data."""
    wait_for("an answer through nginx", lambda: http_status(f"{url}/queue") == 200)

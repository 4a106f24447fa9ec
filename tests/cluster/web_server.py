"""The deployment as it is installed: uWSGI inside the root with the installed files, a real nginx in front of it."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.testbed.cluster import Cluster
from tests.testbed.layout import VENV_IN_ROOT
from tests.testbed.processes import send_signal, session_processes
from tests.testbed.service import SERVICE, free_port, http_status
from tests.testbed.slurmnodes import SERVICE_USER
from tests.waiting import wait_for

_BLOCK = "/etc/nginx/conf.d/slurm-rest-api.conf"
_INI = "/etc/slurm-rest-api/slurm-rest-api.ini"
_CONFIG = "/etc/slurm-rest-api/config.yml"
_UNIT = "/etc/systemd/system/slurm-rest-api.service"
_RUNTIME = "/run/slurm-rest-api"


@dataclass
class Deployment:
    """uWSGI with its workers and its collector."""

    cluster: Cluster
    process: subprocess.Popen[str]
    log: Path

    @property
    def master(self) -> int:
        """Process id of uWSGI's master."""
        return self.process.pid

    def workers(self) -> list[int]:
        """Process ids of the web workers."""
        return [pid for pid, command in session_processes(self.master).items() if "uWSGI worker" in command]

    def collectors(self) -> list[int]:
        """Process ids of the collector."""
        found = session_processes_and_children(self.master)
        return [pid for pid, command in found.items() if "collect --with-parent" in command]

    def stop(self) -> None:
        """End it as systemd does: SIGTERM, and nothing may be left."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        left = session_processes_and_children(self.master)
        for pid in left:
            send_signal(pid, signal.SIGKILL)
        assert left == {}


def session_processes_and_children(pid: int) -> dict[int, str]:
    """Every process of a session, with those that its members have started in sessions of their own."""
    found = dict(session_processes(pid))
    for member in list(found):
        try:
            children = psutil.Process(member).children(recursive=True)
            found |= {child.pid: " ".join(child.cmdline()) for child in children}
        except psutil.NoSuchProcess:
            continue
    return found


@contextmanager
def installed(cluster: Cluster, config: str) -> Iterator[None]:
    """The files of a deployment where they belong inside the root; all of it is gone afterwards.

    Other tests start the service without any configuration.
    """
    files = [cluster.path(path) for path in (_BLOCK, _INI, _CONFIG, _UNIT)]
    folders = [_RUNTIME, "/var/lib/slurm-rest-api"]
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
    environ = {"RUNTIME_DIRECTORY": _RUNTIME, "STATE_DIRECTORY": "/var/lib/slurm-rest-api"}
    argv = [f"{VENV_IN_ROOT}/bin/uwsgi", "--ini", _INI]
    process = cluster.popen(argv, user=SERVICE_USER, cwd="/", log=log, env=environ)
    socket = cluster.path(f"{_RUNTIME}/uwsgi.sock")
    wait_for("uWSGI's socket", socket.exists, seconds=60)
    return Deployment(cluster, process, log)


@dataclass
class Nginx:
    """A running nginx; `folder` has its logs."""

    url: str
    folder: Path

    @property
    def access_log(self) -> Path:
        """Where the block writes a line a request."""
        return self.folder / "slurm-rest-api.log"

    def signal(self, number: signal.Signals) -> None:
        """Tell its master something."""
        os.kill(int((self.folder / "pid").read_text()), number)


@contextmanager
def nginx(cluster: Cluster) -> Iterator[Nginx]:
    """nginx with the installed block; only its port, its socket's and its log's place are others.

    The commented block for a path prefix is in use, too, in a location beside the one at the root.
    """
    if subprocess.run(["which", "nginx"], capture_output=True, check=False).returncode != 0:
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "nginx-light"], check=True, env=environ
        )
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="nginx-") as name:
        folder = Path(name)
        block = cluster.path(_BLOCK).read_text()
        (folder / "block.conf").write_text(_moved(_with_prefix(block), port, cluster.path(_RUNTIME), folder))
        (folder / "nginx.conf").write_text(_main(folder))
        command = ["nginx", "-p", name, "-c", str(folder / "nginx.conf")]
        subprocess.run(command, check=True)
        running = Nginx(f"http://127.0.0.1:{port}", folder)
        try:
            yield running
        finally:
            running.signal(signal.SIGQUIT)
            wait_for("nginx to end", lambda: not (folder / "pid").exists())


def _with_prefix(block: str) -> str:
    begin = block.index("        include uwsgi_params;")
    lines = block[begin : block.index("    }\n", begin)]
    commented = block[block.index("    #location /slurm/ {") : block.index("    #}\n") + len("    #}\n")]
    prefix = commented.replace("    #", "    ").replace("        (the lines of the location above, and)\n", lines)
    return block.replace(commented, prefix)


def _moved(block: str, port: int, runtime: Path, folder: Path) -> str:
    moved = block.replace("unix:/run/slurm-rest-api", f"unix:{runtime}").replace("/var/log/nginx", str(folder))
    moved = moved.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("    listen [::]:80;\n", "")
    return moved.replace("include uwsgi_params", "include /etc/nginx/uwsgi_params")


def _main(folder: Path) -> str:
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "uwsgi", "fastcgi", "scgi")
    )
    return (
        f"user root; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;"
        f"events {{ worker_connections 512; }} http {{ {places} include {folder}/block.conf; }}\n"
    )


def wait_served(url: str) -> None:
    """Wait until the whole chain answers with data."""
    wait_for("an answer through nginx", lambda: http_status(f"{url}/queue") == 200, seconds=60)

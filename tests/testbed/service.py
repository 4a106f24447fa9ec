"""The service, started inside the root and reached over loopback."""

from __future__ import annotations

import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.waiting import GIVE_UP_SECONDS

from .cluster import Cluster
from .layout import VENV_IN_ROOT
from .processes import send_signal, session_processes
from .slurmnodes import HIDDEN_PARTITION, SERVICE_USER
from .steps import DeadlineError, TestbedError, wait_until

SERVICE = f"{VENV_IN_ROOT}/bin/slurm-rest-api"
# The configuration of most tests: the shortest refresh, and one hidden partition.
CONFIG = f"""\
system:
  refresh_seconds: 1
filter:
  partitions: [{HIDDEN_PARTITION}]
"""


@dataclass
class Service:
    """A running `slurm-rest-api run`. Its `folder` has its configuration, store and log."""

    cluster: Cluster
    url: str
    folder: Path
    process: subprocess.Popen[str]

    @property
    def log(self) -> str:
        """Returns the service's log so far."""
        return (self.folder / "log").read_text(errors="replace")

    def processes(self) -> dict[int, str]:
        """Returns the command lines of the service's processes by process id."""
        return session_processes(self.process.pid)

    def stop(self) -> None:
        """Ends the service as Ctrl-C does. Raises TestbedError if a process of its session is left."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(GIVE_UP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TestbedError(
                f"the service did not end within {GIVE_UP_SECONDS:g} s of SIGINT; its log:\n{self.log}"
            ) from None
        left = self.processes()
        if left:
            self.kill()
            raise TestbedError(f"the service left processes: {left}; its log:\n{self.log}")

    def kill(self) -> None:
        """Kills every process of the service."""
        for pid in self.processes():
            send_signal(pid, signal.SIGKILL)
        self.process.wait(GIVE_UP_SECONDS)


class StartService(Protocol):
    """Starts a service with the given configuration. The fixture that provides this function stops it."""

    def __call__(self, config: str = CONFIG, *, env: Mapping[str, str] | None = None) -> Service: ...


def start_service(cluster: Cluster, name: str, config: str, *, env: Mapping[str, str] | None = None) -> Service:
    """Starts collector and web server, and waits until `/queue` is answered with 200 or 401.

    Args:
        cluster: the running cluster.
        name: the service's folder is /tmp/NAME inside the root. It must not be in use.
        config: the text of the service's config.yml.
        env: further environment variables.

    Raises:
        TestbedError: the service ended or did not answer. The message has its log.
    """
    folder = cluster.path(f"/tmp/{name}")
    folder.mkdir(parents=True, exist_ok=True)
    # It is the runtime folder, too, which must be closed to other users if clients authenticate.
    folder.chmod(0o700)
    (folder / "config.yml").write_text(config)
    (folder / "log").write_text("")
    cluster.run(["chown", "-R", SERVICE_USER, f"/tmp/{name}"])
    port = free_port()
    argv = [SERVICE, "--config", f"/tmp/{name}/config.yml", "run", "--host", "127.0.0.1", "--port", str(port)]
    process = cluster.popen(argv, user=SERVICE_USER, cwd=f"/tmp/{name}", log=folder / "log",
                            env={"RUNTIME_DIRECTORY": f"/tmp/{name}", **(env or {})})  # fmt: skip
    service = Service(cluster, f"http://127.0.0.1:{port}", folder, process)

    def status() -> int | str:
        if process.poll() is not None:
            raise TestbedError(f"the service ended with status {process.returncode}; its log:\n{service.log}")
        return http_status(f"{service.url}/queue")

    try:
        # A service with authentication answers 401 before and after its first load.
        wait_until("the service to answer /queue", status, lambda seen: seen in (200, 401), interval=0.2)
    except DeadlineError as error:
        written = service.log
        service.kill()
        raise TestbedError(f"{error}; its log:\n{written}") from error
    return service


def http_status(url: str) -> int | str:
    """Returns the status of a GET, or the text of a connection error."""
    try:
        with urllib.request.urlopen(url, timeout=GIVE_UP_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return str(error)


def free_port() -> int:
    """Returns a loopback port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

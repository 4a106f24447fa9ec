"""The service itself, started inside the root and spoken to over loopback."""

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

from .cluster import Cluster
from .layout import VENV_IN_ROOT
from .processes import send_signal, session_processes
from .slurmnodes import HIDDEN_PARTITION, SERVICE_USER
from .steps import DeadlineError, TestbedError, wait_until

SERVICE = f"{VENV_IN_ROOT}/bin/slurm-rest-api"
# What most tests want: a fresh snapshot as often as the service allows, and something to hide.
CONFIG = f"""\
system:
  refresh_seconds: 1
filter:
  partitions: [{HIDDEN_PARTITION}]
"""


@dataclass
class Service:
    """One running `slurm-rest-api run`; `folder` holds its configuration, its store and its log."""

    cluster: Cluster
    url: str
    folder: Path
    process: subprocess.Popen[str]

    @property
    def log(self) -> str:
        """Everything that the service has written so far."""
        return (self.folder / "log").read_text(errors="replace")

    def processes(self) -> dict[int, str]:
        """The living processes of the service, by id, with their command lines."""
        return session_processes(self.process.pid)

    def stop(self, *, timeout: float = 30) -> None:
        """End the service as Ctrl-C does. Raises TestbedError when a process of its session stays behind."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise TestbedError(
                f"the service did not end within {timeout:g} s of SIGINT; it wrote:\n{self.log}"
            ) from None
        left = self.processes()
        if left:
            self.kill()
            raise TestbedError(f"the service ended and left behind: {left}; it wrote:\n{self.log}")

    def kill(self) -> None:
        """End everything that belongs to the service by force."""
        for pid in self.processes():
            send_signal(pid, signal.SIGKILL)
        self.process.wait(10)


class StartService(Protocol):
    """Starts a service with a configuration of one's own; whoever offers it stops it."""

    def __call__(
        self, config: str = CONFIG, *, env: Mapping[str, str] | None = None, timeout: float = 60
    ) -> Service: ...


def start_service(cluster: Cluster, name: str, config: str, *, timeout: float = 60,
                  env: Mapping[str, str] | None = None) -> Service:  # fmt: skip
    """Start collector and web server with the text of a config.yml and wait until `/queue` is answered, or refused.

    `name` makes the service's folder, /tmp/NAME inside the root, which must not be in use. Raises TestbedError with
    what the service wrote when it ends early or does not answer in `timeout` seconds.
    """
    folder = cluster.path(f"/tmp/{name}")
    folder.mkdir(parents=True, exist_ok=True)
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
            raise TestbedError(f"the service ended with status {process.returncode}; it wrote:\n{service.log}")
        return http_status(f"{service.url}/queue")

    try:
        # A service that asks for names refuses strangers, loaded or not.
        wait_until(
            "the service to answer /queue", status, lambda seen: seen in (200, 401), timeout=timeout, interval=0.2
        )
    except DeadlineError as error:
        written = service.log
        service.kill()
        raise TestbedError(f"{error}; it wrote:\n{written}") from error
    return service


def http_status(url: str) -> int | str:
    """The status of a GET, or why there was none."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return str(error)


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

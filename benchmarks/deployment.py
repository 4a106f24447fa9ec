"""Runs uWSGI and nginx with the repository's deployment files over a synthetic cluster."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from slurm_rest_api.deployment.install import listen_queue, web_processes

ROOT: Final = Path(__file__).parents[1]
_PATIENCE_SECONDS: Final = 300
_NGINX: Final = """
user root; worker_processes auto; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.error.log;
events {{ worker_connections 2048; }}
http {{ {temporary} keepalive_requests 100000000; sendfile on; tcp_nopush on;
{block}
}}
"""


@dataclass(frozen=True)
class Deployment:
    """A running deployment and its folder."""

    port: int
    folder: Path
    uwsgi: psutil.Process
    nginx: psutil.Process

    @property
    def store(self) -> Path:
        """Path of the snapshot store."""
        return self.folder / "run" / "snapshot.sqlite"

    def processes(self) -> dict[str, list[psutil.Process]]:
        """Returns the processes by role."""
        found: dict[str, list[psutil.Process]] = {"nginx": [self.nginx, *self.nginx.children()]}
        for child in self.uwsgi.children():
            own = [child, *child.children(recursive=True)]
            name = "collector and loader" if any("collect" in process.cmdline() for process in own) else "web workers"
            found.setdefault(name, []).extend(own)
        return found

    def fetch(self, path: str) -> tuple[dict[str, str], Any]:
        """Returns headers and JSON body of a response."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
            return dict(answer.headers), json.load(answer)

    def version(self) -> str:
        """Waits for the first load and returns the current version of the queue."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return str(self.fetch("/queue?limit=1")[1]["meta"]["version"])
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def version_before(self) -> str:
        """Waits for the next load and returns the version of the queue before it."""
        before, deadline = self.version(), time.monotonic() + _PATIENCE_SECONDS
        while self.version() == before:
            if time.monotonic() > deadline:
                raise TimeoutError(f"The collector stored no other version within {_PATIENCE_SECONDS} s.")
            time.sleep(0.2)
        return before


@contextmanager
def deployed(
    folder: Path, jobs: int, nodes: int, port: int, uwsgi: str, processes: int | None = None
) -> Iterator[Deployment]:
    """Runs the service over `jobs` jobs and `nodes` nodes. It writes only into `folder`.

    `processes` is the number of web workers, by default that of `install-files`.
    """
    folder.chmod(0o755)
    (folder / "run").mkdir(mode=0o755)
    config = folder / "config.yml"
    config.write_text(f'system: {{source: "benchmarks.synthetic:from_environment", runtime_dir: {folder}/run}}\n')
    (folder / "uwsgi.ini").write_text(uwsgi_ini(folder, config, processes))
    environ = {"PYTHONPATH": str(ROOT), "SYNTHETIC_CLUSTER": f"{jobs},{nodes}"}
    with ExitStack() as stack:
        server = [uwsgi, "--ini", f"{folder}/uwsgi.ini"]
        web = stack.enter_context(running(server, folder / "uwsgi.log", environ))
        proxy = stack.enter_context(proxied(folder, folder / "run", port))
        service = Deployment(port, folder, psutil.Process(web.pid), psutil.Process(proxy.pid))
        service.version()
        yield service


@contextmanager
def proxied(folder: Path, runtime: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Runs nginx on `port` in front of the uWSGI socket in `runtime`. It writes only into `folder`."""
    (folder / "nginx.conf").write_text(_nginx_conf(folder, runtime, port))
    with running(["nginx", "-c", f"{folder}/nginx.conf"], folder / "nginx.out") as proxy:
        _await_port(port, proxy)
        yield proxy


@contextmanager
def static_files(folder: Path, port: int, contents: Mapping[str, bytes]) -> Iterator[None]:
    """Runs nginx that sends files from the page cache, which takes the least time."""
    root = folder / "static"
    root.mkdir(mode=0o755, exist_ok=True)
    for name, content in contents.items():
        (root / name).write_bytes(content)
    block = f"server {{ listen 127.0.0.1:{port}; root {root}; access_log off; }}"
    file = folder / "static.conf"
    file.write_text(_NGINX.format(folder=root, block=block, temporary=_temporary(folder)))
    with running(["nginx", "-c", str(file)], folder / "static.out") as server:
        _await_port(port, server)
        yield


def _await_port(port: int, server: subprocess.Popen[bytes]) -> None:
    """Waits until `server` accepts connections on `port`. Raises OSError when it has ended, or after 5 minutes."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def uwsgi_ini(folder: Path, config: Path, processes: int | None = None) -> str:
    """Returns uWSGI's configuration as `install-files` writes it, for a runtime directory in `folder`."""
    values = {
        "@VENV@": sys.prefix,
        "@CONFIG@": str(config),
        "@RUNTIME@": f"{folder}/run",
        "@LISTEN@": str(listen_queue()),
        "@PROCESSES@": str(processes or web_processes(len(os.sched_getaffinity(0)))),
    }
    text = (ROOT / "slurm-rest-api.ini").read_text()
    for mark, value in values.items():
        text = text.replace(mark, value)
    assert "@" not in text, "slurm-rest-api.ini has an unknown placeholder"
    return text


def _nginx_conf(folder: Path, runtime: Path, port: int) -> str:
    """Returns the sample block without its request limit, as all clients share one address."""
    block = (ROOT / "sample-block-nginx.conf").read_text().replace("@RUNTIME@", str(runtime))
    block = re.sub(r"^\s*limit_(req|conn).*$", "", block, flags=re.MULTILINE)
    block = re.sub(r"^\s*listen \[::\]:80;$", "", block, flags=re.MULTILINE)
    block = block.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("/var/log/nginx/", f"{folder}/")
    # This path is relative to nginx's default configuration file, which is not used here.
    block = block.replace("include uwsgi_params;", "include /etc/nginx/uwsgi_params;")
    return _NGINX.format(folder=folder, block=block, temporary=_temporary(folder))


def _temporary(folder: Path) -> str:
    kinds = ("client_body", "proxy", "uwsgi", "fastcgi", "scgi")
    return "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)


@contextmanager
def running(argv: list[str], log: Path, environ: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a server with more environment variables, and ends it."""
    with log.open("wb") as output:
        process = subprocess.Popen(argv, cwd=ROOT, env={**os.environ, **(environ or {})}, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)

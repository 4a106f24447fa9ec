"""Measures the live routes under uWSGI behind nginx with keep-alive clients (wrk), over a made-up cluster.

    python -m benchmarks.asking --jobs 100000 --nodes 10000 --clients 1 50 --seconds 5

prints a table in Markdown. It needs `uwsgi` (on the path, or named by --uwsgi) and Debian's `nginx` and `wrk`. Load
generator, proxy, web workers and collector share the machine; the collector loads every ten seconds meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
_PATIENCE_SECONDS = 300
_PERCENTILE = re.compile(r"^\s+(50|90|99)%\s+([\d.]+)(us|ms|s)$", re.MULTILINE)
_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
_QUESTIONS = {
    "304 of /queue": "/queue",
    "a page of one user's jobs": "/queue?user=user003&fields=job_id,name,job_state,priority&limit=100",
    "one job": "/queue/4711",
    "changes since the load before": "/queue?since={version}",
    "numbers by user": "/queue?group_by=user",
    "/queue, gzip": "/queue",
}


@contextmanager
def running(argv: list[str], environ: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is ended with the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(argv, cwd=ROOT, env=environ, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def nginx_config(folder: Path, port: int) -> str:
    """A proxy before uWSGI's socket, with nothing but what this takes."""
    kinds = ("client_body", "proxy", "uwsgi", "fastcgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    return f"""
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 2048; }}
http {{ {temporary} access_log off; keepalive_requests 1000000;
  upstream api {{ server unix:{folder}/uwsgi.sock; }}
  server {{ listen 127.0.0.1:{port}; location / {{
    uwsgi_pass api; uwsgi_read_timeout 60s;
    include /etc/nginx/uwsgi_params; }} }} }}
"""


def fetch(port: int, path: str) -> tuple[dict[str, str], Any]:
    """Headers and JSON body."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        return dict(answer.headers), json.load(answer)


def await_load(port: int) -> str:
    """Wait until something is loaded; its version."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return str(fetch(port, "/queue?count=true")[1]["meta"]["version"])
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def wrk(port: int, path: str, headers: dict[str, str], clients: int, seconds: int) -> dict[str, float]:
    """Requests a second, percentiles in ms, megabytes a second and answers that were no success."""
    argv = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", "--timeout", "30s"]
    for name, value in headers.items():
        argv += ["-H", f"{name}: {value}"]
    printed = subprocess.run(
        [*argv, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True, timeout=seconds + 90
    ).stdout
    found = {f"p{name}": float(value) * _MILLISECONDS[unit] for name, value, unit in _PERCENTILE.findall(printed)}
    rate = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
    return {**found, "rate": float(rate[1]) if rate else 0.0, "failed": float(failed[1]) if failed else 0.0}


def measure(port: int, clients: list[int], seconds: int) -> None:
    """Print one line for each question and number of clients."""
    version = await_load(port)
    print("| request | clients | requests/s | p50 | p99 | failed |\n|---|---:|---:|---:|---:|---:|")
    for name, path in _QUESTIONS.items():
        headers = {"Accept-Encoding": "gzip"}
        for number in clients:
            if name.startswith("304"):
                headers["If-None-Match"] = fetch(port, "/queue?limit=1")[0]["ETag"].rpartition("-")[0] + '"'
            found = wrk(port, path.format(version=version), headers, number, seconds)
            times = " | ".join(f"{found.get(key, 0):.1f} ms" for key in ("p50", "p99"))
            print(f"| {name} | {number} | {found['rate']:,.0f} | {times} | {found['failed']:.0f} |", flush=True)


def main() -> None:
    """Start everything, measure, and end everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 50, 500])
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--port", type=int, default=5978)
    parser.add_argument("--uwsgi", default="uwsgi")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "config.yml").write_text(
            f'system: {{source: "benchmarks.synthetic:from_environment", runtime_dir: {folder}/run}}\n'
        )
        (folder / "nginx.conf").write_text(f"user root; {nginx_config(folder, options.port)}")
        environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
            "SLURM_REST_API_CONFIG": str(folder / "config.yml"),
            "SYNTHETIC_CLUSTER": f"{options.jobs},{options.nodes}",
        }
        collect = [sys.executable, "-m", "slurm_rest_api.cli", "collect"]
        server = [options.uwsgi, "--master", "--lazy-apps", "--enable-threads", "--processes", "2", "--threads", "8"]
        server += [
            "--socket",
            f"{folder}/uwsgi.sock",
            "--chmod-socket=666",
            "--module",
            "slurm_rest_api.wsgi:application",
        ]
        server += ["--disable-logging", "--buffer-size", "32768", "--listen", "100", "--die-on-term"]
        stack.enter_context(running(collect, environ, folder / "collect.log"))
        web = stack.enter_context(running(server, environ, folder / "uwsgi.log"))
        stack.enter_context(running(["nginx", "-c", f"{folder}/nginx.conf"], environ, folder / "nginx.out"))
        measure(options.port, options.clients, options.seconds)
        for child in psutil.Process(web.pid).children():
            print(f"uWSGI worker: {child.memory_info().rss >> 20} MiB")


if __name__ == "__main__":
    main()

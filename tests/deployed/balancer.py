"""nginx in front of several web hosts, with the block that docs/deployment.md has for it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.debian import program
from tests.deployed.nginx_server import Nginx
from tests.testbed.service import free_port
from tests.waiting import wait_for

DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs" / "deployment.md"


def documented_block() -> str:
    """Returns the block of the document."""
    (block,) = re.findall(r"```nginx\n(upstream slurm_rest_api_hosts \{.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return str(block)


@contextmanager
def balancer(hosts: Sequence[Nginx]) -> Iterator[Nginx]:
    """Runs nginx with the documented block. Only its addresses are changed."""
    program("nginx", "nginx-light")
    port = free_port()
    block = documented_block().replace("listen 80;", f"listen 127.0.0.1:{port};")
    for number, host in enumerate(hosts, 1):
        block = block.replace(f"web{number}.example.org:80", urlsplit(host.url).netloc)
    with tempfile.TemporaryDirectory(prefix="balancer-") as name:
        folder = Path(name)
        kinds = ("client_body", "proxy", "uwsgi", "fastcgi", "scgi")
        places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        (folder / "nginx.conf").write_text(
            f"user root; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;"
            f"events {{ worker_connections 1024; }} http {{ {places} access_log off; {block} }}\n"
        )
        subprocess.run(["nginx", "-p", name, "-c", str(folder / "nginx.conf")], check=True)
        try:
            yield Nginx(f"http://127.0.0.1:{port}", folder)
        finally:
            os.kill(int((folder / "pid").read_text()), signal.SIGQUIT)
            wait_for("nginx to end", lambda: not (folder / "pid").exists())

"""A PostgreSQL server of the tests' own: in a folder of its own, on a free port of loopback."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.database_server import DatabaseServer
from tests.debian import install_unless
from tests.testbed.service import free_port

_PROGRAMS = Path("/usr/lib/postgresql")
USER = "archive"
PASSWORD = "archive-Pa55"


def _program(name: str) -> str:
    """Returns the path of a program of the newest PostgreSQL on this machine. Installs it if there is none."""
    install_unless(lambda: any(_PROGRAMS.glob("*/bin/initdb")), "postgresql")
    return str(sorted(_PROGRAMS.glob(f"*/bin/{name}"))[-1])


@contextmanager
def postgresql() -> Iterator[str]:
    """Runs a server. Gives the SQLAlchemy URL of a database on it that belongs to its user."""
    with postgresql_server() as server:
        yield server.url


@contextmanager
def postgresql_server() -> Iterator[DatabaseServer]:
    """Runs a server that a test can freeze."""
    # initdb refuses root, and pytest's own folders are closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    shutil.chown(folder, "postgres", "postgres")
    password = folder / "password"
    password.write_text(PASSWORD)
    shutil.chown(password, "postgres")
    port = free_port()
    as_postgres = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"

    def run(*words: str) -> None:
        subprocess.run([*as_postgres, *words], check=True, cwd=folder, stdout=subprocess.DEVNULL)

    try:
        run(_program("initdb"), "-D", str(data), "-U", USER, "--pwfile", str(password), "-A", "scram-sha-256", "-N")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        run(_program("pg_ctl"), "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
        try:
            pid = int((data / "postmaster.pid").read_text().split()[0])
            yield DatabaseServer(f"postgresql+psycopg://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres", pid)
        finally:
            run(_program("pg_ctl"), "-D", str(data), "-m", "fast", "-w", "stop")
    finally:
        shutil.rmtree(folder)

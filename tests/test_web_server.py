"""The web server of `run.sh` at its limits: connections, slow clients, and descriptors that run out."""

from __future__ import annotations

import re
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from slurm_rest_api.cli.web_server import connection_limit
from tests.testbed.service import free_port
from tests.waiting import GIVE_UP_SECONDS, wait_for

THREADS = 2
FILES = 160
# As `connection_limit()` has it: 64 for the process, 8 a thread, 2 a connection.
CONNECTIONS = 40

# Answers /large with 16 MB, /wait once the file `go` exists, and takes all descriptors for /exhaust until then.
_PROGRAM = """
import pathlib, sys, time
from slurm_rest_api.cli import web_server
from slurm_rest_api.config import Settings
from slurm_rest_api.processes.logging import configure_logs
go = pathlib.Path(sys.argv[2])
def application(environ, start_response):
    held = []
    path = environ["PATH_INFO"]
    if path == "/exhaust":
        try:
            while True:
                held.append(open("/dev/null"))
        except OSError:
            held.pop().close()
            go.with_name("exhausted").touch()
            held.append(open("/dev/null"))
    while path in ("/wait", "/exhaust") and not go.exists():
        time.sleep(0.01)
    for file in held:
        file.close()
    body = b"x" * (16_000_000 if path == "/large" else 2)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
configure_logs(Settings())
web_server.serve(application, "127.0.0.1", int(sys.argv[1]), int(sys.argv[3]))
"""


class Server:
    """A running server with its log."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.go = folder / "go"
        self.exhausted = folder / "exhausted"
        self.log = folder / "log"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=GIVE_UP_SECONDS)

    def send(self, path: str) -> socket.socket:
        """Sends a request and returns its connection, which stays open."""
        connection = self.connect()
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        return connection

    def is_answered(self, path: str = "/") -> bool:
        with self.send(path) as connection:
            return status_of(connection) == 200


def status_of(connection: socket.socket) -> int | None:
    """Returns the status of the response, None if the server closed the connection."""
    try:
        head = connection.recv(4096)
    except ConnectionResetError:
        return None
    return int(head.split(b" ", 2)[1]) if head else None


@contextmanager
def running(folder: Path, files: int = FILES, threads: int = THREADS) -> Iterator[Server]:
    server = Server(free_port(), folder)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    command = [sys.executable, "-c", _PROGRAM, str(server.port), str(server.go), str(threads)]
    with server.log.open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=limit)
        try:
            wait_for("the server", lambda: accepts(server))
            yield server
        finally:
            process.terminate()
            process.wait(GIVE_UP_SECONDS)


def accepts(server: Server) -> bool:
    try:
        return server.is_answered()
    except ConnectionRefusedError:
        return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server")) as server:
        yield server


def warnings(server: Server) -> list[str]:
    return [line for line in server.log.read_text().splitlines() if re.search(r" (WARNING|ERROR) ", line)]


@pytest.mark.parametrize(
    ("files", "threads", "connections"),
    [(FILES, THREADS, CONNECTIONS), (1024, 8, 448), (8192, 8, 1000), (1 << 20, 8, 1000), (64, 8, 8), (1024, 512, 8)],
)
def test_limit_of_connections_follows_from_the_open_files(files: int, threads: int, connections: int) -> None:
    assert connection_limit(files, threads) == connections


def test_limit_is_logged(server: Server) -> None:
    assert f"At most {CONNECTIONS} connections ({FILES} open files, {THREADS} threads)." in server.log.read_text()


def test_idle_connections_make_room_for_new_ones(server: Server) -> None:
    with ExitStack() as open_connections:
        idle = [open_connections.enter_context(server.connect()) for _ in range(3 * CONNECTIONS)]
        kept = [open_connections.enter_context(server.send("/")) for _ in range(3 * CONNECTIONS)]
        assert {status_of(connection) for connection in kept} == {200}
        assert server.is_answered()
        # The oldest were closed first: the last one still works.
        kept[-1].sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_for("the body of the first response", lambda: b"HTTP" in kept[-1].recv(4096))
        assert status_of(idle[0]) is None
    assert len([line for line in warnings(server) if "are closed" in line]) == 1


def test_half_sent_requests_make_room_for_whole_ones(server: Server) -> None:
    with ExitStack() as open_connections:
        for _ in range(3 * CONNECTIONS):
            slow = open_connections.enter_context(server.connect())
            slow.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        assert all(server.is_answered() for _ in range(CONNECTIONS))


def test_clients_that_take_no_bytes_make_room_for_others(server: Server) -> None:
    with ExitStack() as open_connections:
        for _ in range(CONNECTIONS):
            connection = open_connections.enter_context(server.connect())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        assert all(server.is_answered() for _ in range(5))


def test_new_clients_wait_while_all_connections_are_being_answered(tmp_path: Path) -> None:
    with running(tmp_path, files=64, threads=1) as server, ExitStack() as open_connections:
        clients = [open_connections.enter_context(server.send("/wait")) for _ in range(30)]
        server.go.touch()
        assert [status_of(client) for client in clients] == [200] * 30


def test_process_without_descriptors_logs_little_and_recovers(tmp_path: Path) -> None:
    with running(tmp_path) as server, ExitStack() as open_connections:
        holder = open_connections.enter_context(server.send("/exhaust"))
        wait_for("no descriptor to be free", server.exhausted.exists)
        waiting = [open_connections.enter_context(server.send("/")) for _ in range(20)]
        wait_for("a line about it", lambda: "A connection cannot be accepted" in server.log.read_text())
        server.go.touch()
        assert status_of(holder) == 200
        # Each is answered, or was closed for a newer one.
        assert {status_of(client) for client in waiting[-5:]} <= {200, None}
        assert server.is_answered()
        lines = server.log.read_text().splitlines()
    assert len([line for line in lines if "cannot be accepted: Too many open files" in line]) == 1
    assert len(lines) < 10

"""Notifies systemd when the web workers answer (READY=1), then regularly that they still do (WATCHDOG=1).

uWSGI sends READY=1 before it has started a worker, and never sends WATCHDOG=1. So the unit hides systemd's socket from
it, and uWSGI runs this program in addition to the workers. Protocol: sd_notify(3), a datagram with lines of text.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from slurm_rest_api.processes.children import die_with_parent

_PATH: Final = "/health/live"
# nginx's socket, in the folder of the other one.
_SOCKET: Final = "uwsgi.sock"
_TIMEOUT_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 0.5
_SOCKET_SECONDS: Final = 5.0
_DEFAULT_INTERVAL_SECONDS: Final = 30.0


class _UnixConnection(http.client.HTTPConnection):
    """An HTTP connection over the Unix socket at `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def workers_answer(path: Path) -> bool:
    """Returns True if a web worker answers on the socket at `path`, even with 401 or 403."""
    connection = _UnixConnection(path)
    try:
        connection.request("GET", _PATH)
        return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        # The workers have not started yet, or do not answer any more.
        return False
    finally:
        connection.close()


def sockets_exist(path: Path) -> bool:
    """Returns True if the socket at `path` and nginx's socket exist. uWSGI makes them at its start only."""
    return path.is_socket() and path.with_name(_SOCKET).is_socket()


def notify(address: str, text: str) -> None:
    """Sends `text` to systemd's socket at `address`: a path, or the name of an abstract socket after an @.

    Raises:
        OSError: no process listens on the socket.
    """
    target = f"\0{address[1:]}" if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(text.encode(), target)


def watch(
    is_answering: Callable[[], bool], has_sockets: Callable[[], bool], send: Callable[[str], None], seconds: float
) -> None:
    """Sends READY=1 once the service answers, then WATCHDOG=1 every `seconds` while it does. Never returns.

    After READY=1 it sends WATCHDOG=trigger if a socket was deleted. systemd 243 and newer restart the service then,
    earlier versions after `WatchdogSec`.
    """
    message = "READY=1\nSTATUS=The web workers answer."
    is_ready, next_message = False, 0.0
    while True:
        now = time.monotonic()
        if is_ready and not has_sockets():
            send("STATUS=A socket of uWSGI was deleted.\nWATCHDOG=trigger")
        elif now >= next_message and is_answering():
            send(f"{message}\nWATCHDOG=1")
            message = "STATUS=The web workers answer."
            is_ready, next_message = True, now + seconds
        time.sleep(min(seconds, _SOCKET_SECONDS if is_ready else _RETRY_SECONDS))


def interval(watchdog_usec: str | None) -> float:
    """Returns the seconds between two notifications: a quarter of $WATCHDOG_USEC, systemd's limit."""
    return int(watchdog_usec) / 4e6 if watchdog_usec else _DEFAULT_INTERVAL_SECONDS


@click.command()
@click.option("--notify-socket", envvar="SLURM_REST_API_NOTIFY", default="", help="systemd's socket.")
@click.argument("path", type=click.Path(path_type=Path))
def main(notify_socket: str, path: Path) -> None:
    """Watch the web workers over uWSGI's HTTP socket at PATH, and notify systemd."""
    die_with_parent()
    if not notify_socket:
        # The unit is not of Type=notify, so there is nothing to do.
        signal.pause()
    watch(
        lambda: workers_answer(path),
        lambda: sockets_exist(path),
        lambda text: notify(notify_socket, text),
        interval(os.environ.get("WATCHDOG_USEC")),
    )


if __name__ == "__main__":
    main()

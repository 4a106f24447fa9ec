"""Tells systemd when the web workers answer (READY=1), and again and again that they still do (WATCHDOG=1).

uWSGI says READY=1 itself before it has started a worker, and never WATCHDOG=1; so the unit keeps systemd's socket from
it, and uWSGI runs this beside the workers. The protocol is that of sd_notify(3): a datagram with lines of text.
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
_PATIENCE_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 0.5
_USUAL_SECONDS: Final = 30.0


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over the socket at `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_PATIENCE_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def workers_answer(path: Path) -> bool:
    """Whether a web worker answers on the socket at `path`; refusing strangers is an answer too."""
    connection = _UnixConnection(path)
    try:
        connection.request("GET", _PATH)
        return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        # It has not begun yet, or does not any more: that is what is to be found out.
        return False
    finally:
        connection.close()


def notify(address: str, text: str) -> None:
    """Send `text` to systemd's socket at `address`, a path or, after an @, a name of the abstract kind.

    Raises:
        OSError: nobody listens there.
    """
    target = f"\0{address[1:]}" if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(text.encode(), target)


def watch(answer: Callable[[], bool], tell: Callable[[str], None], seconds: float) -> None:
    """Tell that the service is ready once it answers, then every `seconds` that it still does. Never returns."""
    words = "READY=1\nSTATUS=The web workers answer."
    while True:
        if answer():
            tell(f"{words}\nWATCHDOG=1")
            words = "STATUS=The web workers answer."
            time.sleep(seconds)
        else:
            time.sleep(min(seconds, _RETRY_SECONDS))


def interval(watchdog_usec: str | None) -> float:
    """Seconds between two signs of life: a quarter of the time that systemd allows ($WATCHDOG_USEC)."""
    return int(watchdog_usec) / 4e6 if watchdog_usec else _USUAL_SECONDS


@click.command()
@click.option("--notify-socket", envvar="SLURM_REST_API_NOTIFY", default="", help="systemd's socket.")
@click.argument("path", type=click.Path(path_type=Path))
def main(notify_socket: str, path: Path) -> None:
    """Watch the web workers over uWSGI's HTTP socket at PATH, and tell systemd."""
    die_with_parent()
    if not notify_socket:
        # The unit is not of Type=notify: nobody wants to know.
        signal.pause()
    watch(
        lambda: workers_answer(path),
        lambda text: notify(notify_socket, text),
        interval(os.environ.get("WATCHDOG_USEC")),
    )


if __name__ == "__main__":
    main()

"""Runs clients that send requests at fixed times, whatever the server does, in a process of their own."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Final, Self

_WHOLE_PERIOD_SECONDS: Final = 1.0
_TIMEOUT_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Answered:
    """A request: when it was due (`time.monotonic`), seconds from then to the last byte, and the status.

    The status is 0 if the connection failed.
    """

    path: str
    due: float
    seconds: float
    status: int


class SteadyClients:
    """Clients of the small routes `paths` and one of the large route `whole`, from `__enter__` to `__exit__`.

    `answers` is complete after the end.
    """

    def __init__(self, port: int, paths: tuple[str, ...], clients: int, period_seconds: float, whole: str) -> None:
        self._argument = json.dumps([port, paths, clients, period_seconds, whole])
        self.answers: list[Answered] = []

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "benchmarks.steady_clients", self._argument]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        printed, _error = self._process.communicate("end\n", timeout=2 * _TIMEOUT_SECONDS)
        if kind is None:
            self.answers = [Answered(**answer) for answer in json.loads(printed)]


def _client(
    port: int, paths: list[str], first: float, period: float, end: threading.Event, into: list[Answered]
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    number = 0
    while not end.wait(max(0.0, first + number * period - time.monotonic())):
        path, due = paths[number % len(paths)], first + number * period
        try:
            connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
            response = connection.getresponse()
            # In pieces, so that other clients of this process get its interpreter in between.
            while response.read(1 << 16):
                pass
            status = response.status
        except (OSError, http.client.HTTPException):
            connection.close()
            status = 0
        into.append(Answered(path, due, time.monotonic() - due, status))
        number += 1


def main(argument: str) -> None:
    """Runs the clients until a line comes from standard input, and prints their answers as JSON."""
    port, paths, clients, period, whole = json.loads(argument)
    end, begin = threading.Event(), time.monotonic() + period
    answers: list[Answered] = []
    threads = [
        # Each starts with another route, at another moment of the period.
        threading.Thread(
            target=_client,
            args=(
                port,
                paths[number % len(paths) :] + paths[: number % len(paths)],
                begin + period * number / clients,
                period,
                end,
                answers,
            ),
        )
        for number in range(clients)
    ]
    threads.append(threading.Thread(target=_client, args=(port, [whole], begin, _WHOLE_PERIOD_SECONDS, end, answers)))
    for thread in threads:
        thread.start()
    sys.stdin.readline()
    end.set()
    for thread in threads:
        thread.join()
    json.dump([asdict(answer) for answer in answers], sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])

"""Times HTTP requests and reads the memory of processes."""

from __future__ import annotations

import http.client
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 900


@dataclass(frozen=True)
class Answer:
    """One response: seconds from sending the request to the last byte, status, size and ETag."""

    seconds: float
    status: int
    size: int
    tag: str | None


@dataclass(frozen=True)
class Memory:
    """Memory of a process in MiB: current (VmRSS) and peak (VmHWM), see proc(5)."""

    now: float
    peak: float


class Client:
    """One keep-alive connection. Every request reads the whole body."""

    def __init__(self, base_url: str, headers: Mapping[str, str] | None = None) -> None:
        address = urlsplit(base_url)
        assert address.hostname is not None
        self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=_TIMEOUT_SECONDS)
        self._headers = dict(headers or {})
        self.requests = 0

    def get(self, path: str, *, gzip: bool = False, tag: str | None = None) -> Answer:
        """Sends a GET request, conditional if `tag` is given."""
        headers = {**self._headers, "Accept-Encoding": "gzip" if gzip else "identity"}
        if tag is not None:
            headers["If-None-Match"] = tag
        self.requests += 1
        started = time.perf_counter()
        self._connection.request("GET", path, headers=headers)
        response = self._connection.getresponse()
        size = 0
        # Read in pieces, so that the client's own memory stays out of the measurement.
        while piece := response.read(1 << 20):
            size += len(piece)
        return Answer(time.perf_counter() - started, response.status, size, response.headers["ETag"])

    def body(self, path: str) -> bytes:
        """Returns the body of `path` without timing it."""
        self._connection.request("GET", path, headers=self._headers)
        return self._connection.getresponse().read()

    def header(self, path: str, name: str) -> str | None:
        """Returns a header of the response for `path`."""
        self._connection.request("GET", path, headers=self._headers)
        response = self._connection.getresponse()
        response.read()
        return response.headers[name]

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


@dataclass(frozen=True)
class Latency:
    """Latency of `count` expected responses in seconds: median and 99th percentile. `size` is the largest in bytes."""

    count: int
    p50: float
    p99: float
    size: int


def summary(answers: list[Answer]) -> Latency:
    """Returns percentiles by nearest rank. Raises ValueError if there are no responses."""
    if not answers:
        raise ValueError("no response had the expected status: 0 to summarize")
    seconds = sorted(answer.seconds for answer in answers)

    def rank(share: float) -> float:
        return seconds[max(0, math.ceil(share * len(seconds)) - 1)]

    return Latency(len(seconds), rank(0.5), rank(0.99), max(answer.size for answer in answers))


def memory(pid: int) -> Memory:
    """Returns the memory of the process `pid`."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if name[:2] == "Vm"}
    return Memory(kib["VmRSS"] / 1024, kib["VmHWM"] / 1024)


def session_members(session: int) -> dict[int, str]:
    """Returns the command lines of the running processes of a session, by process id."""
    members = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name in parentheses may hold spaces; after it come state, parent, group, session.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                members[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ").strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
    return members

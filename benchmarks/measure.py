"""Times HTTP requests and reads what processes use: plain facts, no judgement."""

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
    """One answer: seconds from sending the request to the last byte of the body, and what came."""

    seconds: float
    status: int
    size: int
    tag: str | None


@dataclass(frozen=True)
class Memory:
    """MiB that a process uses now (VmRSS) and used at most since it started (VmHWM), as in proc(5)."""

    now: float
    peak: float


class Client:
    """One keep-alive connection; every request reads the whole body."""

    def __init__(self, base_url: str, headers: Mapping[str, str] | None = None) -> None:
        address = urlsplit(base_url)
        assert address.hostname is not None
        self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=_TIMEOUT_SECONDS)
        self._headers = dict(headers or {})
        self.requests = 0

    def get(self, path: str, *, gzip: bool = False, tag: str | None = None) -> Answer:
        """GET `path`; with `tag` only if it has changed since."""
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
        """The body of `path`, for answers that are to be read rather than timed."""
        self._connection.request("GET", path, headers=self._headers)
        return self._connection.getresponse().read()

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


@dataclass(frozen=True)
class Latency:
    """Seconds of `count` requests that came out as wanted: median, 99th percentile and largest; `size` in bytes."""

    count: int
    p50: float
    p99: float
    size: int


def summary(answers: list[Answer]) -> Latency:
    """Percentiles by nearest rank: with few requests the 99th is the slowest one. Raises ValueError for none."""
    if not answers:
        raise ValueError("no request came out as wanted, so there is nothing to sum up")
    seconds = sorted(answer.seconds for answer in answers)

    def rank(share: float) -> float:
        return seconds[max(0, math.ceil(share * len(seconds)) - 1)]

    return Latency(len(seconds), rank(0.5), rank(0.99), max(answer.size for answer in answers))


def memory(pid: int) -> Memory:
    """What the process `pid` uses."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if name[:2] == "Vm"}
    return Memory(kib["VmRSS"] / 1024, kib["VmHWM"] / 1024)


def session_members(session: int) -> dict[int, str]:
    """Command lines of the living processes of a session, by process id."""
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

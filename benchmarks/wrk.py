"""Runs Debian's `wrk` with one thread: keep-alive clients that need little processor time."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# wrk calls these functions by name. `delay` is the pause of a client before its next request. Latencies are in µs.
_SCRIPT: Final = """
local paths = { %(paths)s }
math.randomseed(1)
request = function() return wrk.format("GET", paths[math.random(#paths)]) end
%(delay)s
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('RESULT {"requests": %%d, "us": %%d, "bytes": %%d, "failed": %%d, "timeouts": %%d, '
    .. '"p50": %%f, "p99": %%f, "p99.9": %%f}\\n', summary.requests, summary.duration, summary.bytes,
    e.connect + e.read + e.write + e.status, e.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
"""
_MILLISECOND: Final = 1000


@dataclass(frozen=True)
class Run:
    """Results of the clients. Times are in ms. `failed` counts error responses and broken connections."""

    requests: int
    rate: float
    p50: float
    p99: float
    p999: float
    bytes_a_request: float
    failed: int
    cpu_seconds: float


# Responses are counted by status. A client that got Retry-After waits so long, if `obeys` is true.
_BACKGROUND: Final = """
local paths = { %(paths)s }
local waits = {}
statuses = ""
local counts = {}
local main
setup = function(thread) main = thread end
request = function() return wrk.format("GET", paths[math.random(#paths)]) end
response = function(status, headers, body)
  counts[status] = (counts[status] or 0) + 1
  local text = {}
  for key, number in pairs(counts) do text[#text + 1] = string.format('"%%d": %%d', key, number) end
  statuses = "{" .. table.concat(text, ", ") .. "}"
  local after = tonumber(headers["Retry-After"] or headers["retry-after"])
  table.insert(waits, %(obeys)s and after and after * 1000 or %(pause)d)
end
delay = function() return table.remove(waits, 1) or math.random(1, %(pause)d) end
done = function() io.write("RESULT " .. main:get("statuses") .. "\\n") end
"""


@contextmanager
def running(
    port: int, paths: list[str], clients: int, folder: Path, pause_ms: int, *, obeys: bool
) -> Iterator[Counter[int]]:
    """Runs clients of random ones of `paths` in a process of its own. Fills the responses by status at the end.

    Args:
        port: Port of 127.0.0.1.
        paths: Paths with their queries.
        clients: Number of connections.
        folder: Place of a file for wrk.
        pause_ms: Pause of each client after a response.
        obeys: True if a client waits as long as Retry-After says.
    """
    script = folder / "clients.lua"
    values = {"paths": ", ".join(map(json.dumps, paths)), "obeys": json.dumps(obeys), "pause": pause_ms}
    script.write_text(_BACKGROUND % values)
    argv = ["wrk", "-t1", f"-c{clients}", "-d1h", "--timeout", "60s", "-s", str(script), f"http://127.0.0.1:{port}"]
    statuses: Counter[int] = Counter()
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield statuses
        finally:
            process.send_signal(signal.SIGINT)
            printed, _ = process.communicate(timeout=90)
    found = next(line for line in printed.splitlines() if line.startswith("RESULT "))
    statuses.update({int(status): number for status, number in json.loads(found.removeprefix("RESULT ")).items()})


def run(
    port: int,
    paths: list[str],
    headers: Mapping[str, str],
    clients: int,
    seconds: int,
    folder: Path,
    pause_ms: int = 0,
) -> Run:
    """Sends requests for random ones of `paths` from `clients`, with a pause of about `pause_ms`."""
    script = folder / "wrk.lua"
    delay = f"delay = function() return math.random({pause_ms // 2}, {pause_ms * 3 // 2}) end" if pause_ms else ""
    script.write_text(_SCRIPT % {"paths": ", ".join(map(json.dumps, paths)), "delay": delay})
    argv = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script)]
    for name, value in headers.items():
        argv += ["-H", f"{name}: {value}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    printed = subprocess.run(
        [*argv, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True, timeout=seconds + 90
    ).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(
        next(line for line in printed.splitlines() if line.startswith("RESULT ")).removeprefix("RESULT ")
    )
    return Run(
        requests=found["requests"],
        rate=found["requests"] / (found["us"] / 1e6),
        p50=found["p50"] / _MILLISECOND,
        p99=found["p99"] / _MILLISECOND,
        p999=found["p99.9"] / _MILLISECOND,
        bytes_a_request=found["bytes"] / max(found["requests"], 1),
        failed=found["failed"] + found["timeouts"],
        cpu_seconds=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    )

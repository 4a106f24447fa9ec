"""Runs Debian's `wrk` with one thread: keep-alive clients that need little processor time."""

from __future__ import annotations

import json
import resource
import subprocess
from collections.abc import Mapping
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

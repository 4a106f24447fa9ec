"""One row of a table: what a crowd of clients saw, and what that cost the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from benchmarks import wrk
from benchmarks.deployed import Deployed
from benchmarks.watching import Watchable, Watched, watched

Row = dict[str, Any]


def asked(
    service: Deployed,
    name: str,
    paths: list[str],
    clients: int,
    seconds: int,
    pause_ms: int = 0,
    tag: str | None = None,
) -> Row:
    """Clients ask for any of `paths`, in gzip, with `tag` only for what has changed since."""
    headers = {"Accept-Encoding": "gzip"} | ({} if tag is None else {"If-None-Match": tag})
    return asked_at(service, service.port, name, paths, headers, clients, seconds, pause_ms)


def asked_at(
    service: Watchable,
    port: int,
    name: str,
    paths: list[str],
    headers: Mapping[str, str],
    clients: int,
    seconds: int,
    pause_ms: int = 0,
) -> Row:
    """The same of whoever listens on `port`."""
    with watched(service) as costs:
        found = wrk.run(port, paths, headers, clients, seconds, service.folder, pause_ms)
    return {
        "request": name,
        "clients": clients,
        "pause_ms": pause_ms,
        **asdict(found),
        **costs_of(costs, found.requests),
    }


def costs_of(costs: Watched, requests: int) -> Row:
    """What `watched` has seen, of a run of so many requests."""
    return {
        "cpu": costs.cpu,
        "cpu_ms_a_request": 1000 * costs.cpu.get("web workers", 0.0) / max(requests, 1),
        "seconds": costs.seconds,
        "peak_pss_mib": costs.peak_pss_mib,
        "loads": costs.loads,
        "cycle_seconds": max(costs.cycle_seconds, default=0.0),
    }

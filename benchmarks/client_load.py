"""Measures one request with many clients: latencies, and resources that the service used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from benchmarks import wrk
from benchmarks.deployment import Deployment
from benchmarks.resource_usage import Measurable, ResourceUsage, measured

Row = dict[str, Any]


def measure_route(
    service: Deployment,
    name: str,
    paths: list[str],
    clients: int,
    seconds: int,
    pause_ms: int = 0,
    tag: str | None = None,
) -> Row:
    """Measures requests for random ones of `paths` with gzip, conditional if `tag` is given."""
    headers = {"Accept-Encoding": "gzip"} | ({} if tag is None else {"If-None-Match": tag})
    return measure_port(service, service.port, name, paths, headers, clients, seconds, pause_ms)


def measure_port(
    service: Measurable,
    port: int,
    name: str,
    paths: list[str],
    headers: Mapping[str, str],
    clients: int,
    seconds: int,
    pause_ms: int = 0,
) -> Row:
    """Measures requests to the server on `port`."""
    with measured(service) as usage:
        found = wrk.run(port, paths, headers, clients, seconds, service.folder, pause_ms)
    return {
        "request": name,
        "clients": clients,
        "pause_ms": pause_ms,
        **asdict(found),
        **usage_row(usage, found.requests),
    }


def usage_row(usage: ResourceUsage, requests: int) -> Row:
    """Returns the row of a run of `requests` requests."""
    return {
        "cpu": usage.cpu,
        "cpu_ms_a_request": 1000 * usage.cpu.get("web workers", 0.0) / max(requests, 1),
        "seconds": usage.seconds,
        "peak_pss_mib": usage.peak_pss_mib,
        "loads": usage.loads,
        "cycle_seconds": max(usage.cycle_seconds, default=0.0),
    }

"""What clients ask of the service: requests, seconds and bytes by route."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from slurm_rest_api.web.request_events import RequestEvent

_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


def count_requests(registry: CollectorRegistry) -> Callable[[RequestEvent], None]:
    """Make the counters in `registry`; the result counts a request in them."""
    requests = Counter(
        "slurm_rest_api_http_requests",
        "Requests that were answered.",
        ["route", "method", "status"],
        registry=registry,
    )
    seconds = Histogram(
        "slurm_rest_api_http_request_duration_seconds",
        "Time until an answer began.",
        ["route"],
        buckets=_BUCKETS,
        registry=registry,
    )
    sent = Counter(
        "slurm_rest_api_http_response_bytes",
        "Bytes of bodies that were sent, where their length was known when they began.",
        ["route"],
        registry=registry,
    )

    def count(exchange: RequestEvent) -> None:
        requests.labels(exchange.route, exchange.method, str(exchange.status)).inc()
        seconds.labels(exchange.route).observe(exchange.seconds)
        sent.labels(exchange.route).inc(exchange.sent_bytes or 0)

    return count

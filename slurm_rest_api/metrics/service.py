"""How the service is: its parts, and the collector's last word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from slurm_rest_api.health.checks import Check
from slurm_rest_api.slurmapi.store.reader import Status
from slurm_rest_api.version import __version__


class ServiceCollector(Collector):
    """The present state of the service; `status` is None before anything was written."""

    def __init__(self, status: Status | None, checks: Mapping[str, Check]) -> None:
        self._status = status
        self._checks = checks

    def collect(self) -> Iterator[Metric]:
        """All families."""
        yield InfoMetricFamily("slurm_rest_api", "This service.", {"version": __version__})
        up = GaugeMetricFamily(
            "slurm_rest_api_part_up", "Whether a configured part works, as on /health.", labels=["part"]
        )
        for name, check in self._checks.items():
            up.add_metric([name], float(check().state == "ok"))
        yield up
        if self._status is not None:
            yield from _of_collector(self._status)


def _of_collector(status: Status) -> Iterator[Metric]:
    prefix = "slurm_rest_api_collector"
    yield CounterMetricFamily(f"{prefix}_cycles", "Loads of the cluster that succeeded.", status.cycles)
    yield GaugeMetricFamily(f"{prefix}_failed_tries", "Loads that failed since the last success.", status.failures)
    yield CounterMetricFamily(f"{prefix}_rpcs", "RPCs to slurmctld.", status.rpcs)
    for name, words, value in (
        ("snapshot_timestamp_seconds", "When the cluster was last loaded.", status.loaded_at),
        ("collector_cycle_duration_seconds", "How long the last load took.", status.cycle_seconds),
        ("collector_interval_seconds", "From the start of one load to the next.", status.interval_seconds),
    ):
        if value is not None:
            yield GaugeMetricFamily(f"slurm_rest_api_{name}", words, value)

"""Renders the text that Prometheus scrapes: the cluster once per snapshot, the service at each scrape."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from slurm_rest_api.archive.status import ArchiveStatus
from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.health.checks import Check
from slurm_rest_api.metrics.cluster import JOB_COLUMNS, count_jobs, job_families, scheduler_families, usage_families
from slurm_rest_api.metrics.counters import Counters
from slurm_rest_api.metrics.owners import OWNER_COLUMNS, SUMS, Owner, owner_families, owner_sums
from slurm_rest_api.metrics.reservations import license_families, reservation_families
from slurm_rest_api.metrics.waiting import PENDING_COLUMNS, PENDING_SUMS, pending_families, wait_family
from slurm_rest_api.slurmapi.responses.body_files import PreparedBodies
from slurm_rest_api.slurmapi.shared import wait_times
from slurm_rest_api.slurmapi.store.reader import Status, StoreReader, StoreView
from slurm_rest_api.version import __version__

_NAME: Final = "metrics"
_NAME_OF_PART: Final = "shown_metrics"
"""Body file for users who see a part of the metrics. The part is the same for all of them."""

# By the start of the name, first match: the words of Slurm's PrivateData that hide such a metric. A metric counts the
# jobs or resources of all users, so it is shown as a whole or not at all.
_HIDDEN_BY: Final = (
    ("slurm_account_", frozenset(("jobs", "usage", "users", "accounts"))),
    ("slurm_user_", frozenset(("jobs", "usage", "users"))),
    ("slurm_pending_", frozenset(("jobs",))),
    ("slurm_partition_job_wait_", frozenset(("jobs", "partitions"))),
    ("slurm_partition_jobs", frozenset(("jobs", "partitions"))),
    ("slurm_partition_job_tasks", frozenset(("jobs", "partitions"))),
    ("slurm_partition_", frozenset(("partitions", "nodes", "usage"))),
    ("slurm_scheduler_", frozenset[str]()),
    ("slurm_reservation", frozenset(("reservations",))),
    ("slurm_licenses", frozenset[str]()),
    ("slurm_jobs", frozenset(("jobs",))),
    ("slurm_job_tasks", frozenset(("jobs",))),
    ("slurm_nodes", frozenset(("nodes",))),
    ("slurm_", frozenset(("nodes", "usage"))),
)


def is_shown(metric: str, private: Collection[str]) -> bool:
    """Returns True if a metric of the cluster is shown to users for whom the words of `private` are private."""
    hidden_by = next(words for start, words in _HIDDEN_BY if metric.startswith(start))
    return hidden_by.isdisjoint(private)


class Exposition:
    """Renders all metrics. Every worker renders the same text."""

    def __init__(
        self,
        reader: StoreReader,
        prepared: PreparedBodies,
        counters: Counters,
        checks: Mapping[str, Check],
        most_owners: Mapping[Owner, int],
        archive: Callable[[], ArchiveStatus | None] = lambda: None,
    ) -> None:
        self._reader = reader
        self._prepared = prepared
        self._counters = counters
        self._checks = checks
        self._most_owners = most_owners
        self._archive = archive

    def text(self, scope: DataScope) -> bytes:
        """Returns the metrics that `scope` may see, in Prometheus' text format.

        Raises:
            StoreError: the store cannot be read.
        """
        with self._reader.view() as view:
            status = None if view is None else view.status()
            cluster = b"" if view is None or status is None else self._cluster(view, status, scope.private)
        return self._counters.text() + self._service(status) + cluster

    def _service(self, status: Status | None) -> bytes:
        registry = CollectorRegistry()
        registry.register(ServiceCollector(status, self._checks, self._archive()))
        return generate_latest(registry)

    def _cluster(self, view: StoreView, status: Status, private: frozenset[str]) -> bytes:
        """Returns the cluster's metrics. The first worker that needs them stores them as a body file."""
        if status.loaded_at is None:
            return b""

        def render() -> list[bytes]:
            registry = CollectorRegistry()
            registry.register(ClusterCollector(view, self._most_owners, private))
            return [generate_latest(registry)]

        tag = "-".join((status.generation, str(status.version), *sorted(private)))
        try:
            with self._prepared.open(_NAME_OF_PART if private else _NAME, tag, "identity", render=render) as file:
                return file.read()
        except OSError:
            # The disk is full. The body files log this.
            return b"".join(render())


class ServiceCollector(Collector):
    """Collects the state of the service. `status` is None before the collector's first write, `archive` without one."""

    def __init__(self, status: Status | None, checks: Mapping[str, Check], archive: ArchiveStatus | None) -> None:
        self._status = status
        self._checks = checks
        self._archive = archive

    def collect(self) -> Iterator[Metric]:
        """Returns the metric families of the service's parts and of the collector."""
        yield InfoMetricFamily("slurm_rest_api", "This service.", {"version": __version__})
        up = GaugeMetricFamily(
            "slurm_rest_api_part_up", "1 if a configured part works, as on /health.", labels=["part"]
        )
        for name, check in self._checks.items():
            up.add_metric([name], float(check().state == "ok"))
        yield up
        if self._status is not None:
            yield from _collector_families(self._status)
        if self._archive is not None:
            yield from _archive_families(self._archive)


class ClusterCollector(Collector):
    """Collects the cluster's metrics from one view of the store, without those that are private.

    `most_owners` is the number of accounts and of users with metrics of their own. 0 gives no such metrics.
    """

    def __init__(self, view: StoreView, most_owners: Mapping[Owner, int], private: frozenset[str]) -> None:
        self._view = view
        self._most_owners = most_owners
        self._private = private

    def describe(self) -> list[Metric]:
        """Returns no metrics. Otherwise the registry would collect all of them to learn their names."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Returns the metric families of jobs, nodes, usage and scheduler."""
        yield from (metric for metric in self._all() if is_shown(metric.name, self._private))

    def _all(self) -> Iterator[Metric]:
        view = self._view
        yield from job_families(count_jobs(view.count_by("queue", JOB_COLUMNS)))
        yield from pending_families(view.group_sums("queue", PENDING_COLUMNS, PENDING_SUMS))
        if view.collection(wait_times.DOCUMENT) is not None:
            yield wait_family(wait_times.from_json(view.document(wait_times.DOCUMENT)))
        for owner, most in self._most_owners.items():
            if most:
                groups = view.group_sums("queue", ("job_state", OWNER_COLUMNS[owner]), SUMS)
                yield from owner_families(owner, owner_sums(groups), most)
        yield from usage_families(orjson.loads(view.document("usage_summary")))
        yield from scheduler_families(orjson.loads(view.document("stats")))
        yield from reservation_families(view)
        yield from license_families(view)


def _collector_families(status: Status) -> Iterator[Metric]:
    prefix = "slurm_rest_api_collector"
    if status.source is not None:
        source = {"source": status.source, "detail": status.source_detail or ""}
        yield InfoMetricFamily("slurm_rest_api_source", "Source of the cluster's state.", source)
    yield CounterMetricFamily(f"{prefix}_cycles", "Successful loads of the cluster.", status.cycles)
    yield GaugeMetricFamily(f"{prefix}_failed_tries", "Failed loads since the last success.", status.failures)
    yield CounterMetricFamily(f"{prefix}_rpcs", "RPCs to slurmctld.", status.rpcs)
    yield GaugeMetricFamily(
        f"{prefix}_replaced_texts",
        "Records of the last load with text that was no valid Unicode.",
        status.replaced_texts,
    )
    for name, help_text, value in (
        ("snapshot_timestamp_seconds", "Time of the last load of the cluster.", status.loaded_at),
        ("collector_cycle_duration_seconds", "Duration of the last load.", status.cycle_seconds),
        ("collector_interval_seconds", "Interval from the start of one load to the next.", status.interval_seconds),
    ):
        if value is not None:
            yield GaugeMetricFamily(f"slurm_rest_api_{name}", help_text, value)


def _archive_families(status: ArchiveStatus) -> Iterator[Metric]:
    prefix = "slurm_rest_api_archive"
    yield GaugeMetricFamily(f"{prefix}_samples_waiting", "Load samples that are not stored yet.", status.waiting)
    yield CounterMetricFamily(f"{prefix}_samples_lost", "Load samples that were dropped.", status.lost)
    yield CounterMetricFamily(f"{prefix}_slots_missed", "Slots that ended without a load sample.", status.missed)
    if status.stored_at is not None:
        yield GaugeMetricFamily(
            f"{prefix}_stored_timestamp_seconds", "Slot of the last stored sample.", status.stored_at
        )

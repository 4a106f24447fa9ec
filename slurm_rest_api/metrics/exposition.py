"""The text that Prometheus reads: of the cluster once a snapshot, of the service at each scrape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.health.checks import Check
from slurm_rest_api.metrics.cluster import JobCounts, job_families, node_families, usage_families
from slurm_rest_api.metrics.multiprocess import Counters
from slurm_rest_api.metrics.privacy import is_shown
from slurm_rest_api.metrics.scheduler import scheduler_families
from slurm_rest_api.metrics.service import ServiceCollector
from slurm_rest_api.slurmapi.responses.body_files import PreparedBodies
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.store.index_columns import Kind
from slurm_rest_api.slurmapi.store.reader import Status, StoreReader, StoreView

_NAME: Final = "metrics"
_NAME_OF_PART: Final = "shown_metrics"
"""For who sees only part of them: what is private is the same for all of these."""


class Exposition:
    """Writes the whole text; every worker writes the same."""

    def __init__(
        self,
        reader: StoreReader,
        prepared: PreparedBodies,
        counters: Counters,
        checks: Mapping[str, Check],
        most_accounts: int,
    ) -> None:
        self._reader = reader
        self._prepared = prepared
        self._counters = counters
        self._checks = checks
        self._most_accounts = most_accounts

    def text(self, scope: DataScope) -> bytes:
        """All metrics that `scope` leaves, in Prometheus' text format.

        Raises:
            StoreError: the store cannot be read.
        """
        with self._reader.view() as view:
            status = None if view is None else view.status()
            cluster = b"" if view is None or status is None else self._cluster(view, status, scope.private)
        return generate_latest(self._counters.all()) + self._service(status) + cluster

    def _service(self, status: Status | None) -> bytes:
        registry = CollectorRegistry()
        registry.register(ServiceCollector(status, self._checks))
        return generate_latest(registry)

    def _cluster(self, view: StoreView, status: Status, private: frozenset[str]) -> bytes:
        """The cluster's part, made by the first worker that is asked and kept beside the prepared answers."""
        if status.loaded_at is None:
            return b""

        def render() -> list[bytes]:
            registry = CollectorRegistry()
            registry.register(_ClusterCollector(view, self._most_accounts, private))
            return [generate_latest(registry)]

        tag = "-".join((status.generation, str(status.version), *sorted(private)))
        try:
            with self._prepared.open(_NAME_OF_PART if private else _NAME, tag, gzip=False, render=render) as file:
                return file.read()
        except OSError:
            # The disk is full, which the answers of other routes have logged.
            return b"".join(render())


class _ClusterCollector(Collector):
    def __init__(self, view: StoreView, most_accounts: int, private: frozenset[str]) -> None:
        self._view = view
        self._most_accounts = most_accounts
        self._private = private

    def describe(self) -> list[Metric]:
        # Or the registry would walk the store once more, to learn the names.
        return []

    def collect(self) -> Iterator[Metric]:
        yield from (metric for metric in self._all() if is_shown(metric.name, self._private))

    def _all(self) -> Iterator[Metric]:
        yield from job_families(JobCounts(_records(self._view, "queue")), self._most_accounts)
        yield from node_families(list(_records(self._view, "nodes")), list(_records(self._view, "partitions")))
        yield from usage_families(orjson.loads(self._view.document("usage_compact")))
        yield from scheduler_families(orjson.loads(self._view.document("stats")))


def _records(view: StoreView, kind: Kind) -> Iterator[Record]:
    for batch in view.batches(kind):
        for _key, body in batch:
            yield orjson.loads(body)

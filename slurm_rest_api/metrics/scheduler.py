"""What sdiag says as Prometheus likes it: seconds, and counters that grow until slurmctld starts them anew. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

_MICROSECONDS: Final = 1e-6

# Name behind slurm_scheduler_, words, field of /stats, factor.
_GAUGES: Final = (
    ("threads", "Active threads of slurmctld.", "server_thread_count", 1),
    ("agent_queue_length", "Messages to nodes that wait in slurmctld.", "agent_queue_size", 1),
    ("dbd_queue_length", "Messages to slurmdbd that wait in slurmctld.", "dbd_agent_queue_size", 1),
    ("queue_length", "Jobs in the main scheduler's queue at its last cycle.", "schedule_queue_len", 1),
    (
        "last_cycle_duration_seconds",
        "Last cycle of the main scheduler.",
        "schedule_cycle_last",
        _MICROSECONDS,
    ),
    ("backfill_queue_length", "Jobs in backfill's queue at its last cycle.", "bf_queue_len", 1),
    ("backfill_last_cycle_duration_seconds", "Last cycle of backfill.", "bf_cycle_last", _MICROSECONDS),
    ("backfill_last_depth", "Jobs that backfill looked at in its last cycle.", "bf_last_depth", 1),
)
_COUNTERS: Final = (
    ("cycles", "Cycles of the main scheduler.", "schedule_cycle_counter", 1),
    ("cycle_seconds", "Time in cycles of the main scheduler.", "schedule_cycle_sum", _MICROSECONDS),
    ("backfill_cycles", "Cycles of backfill.", "bf_cycle_counter", 1),
    ("backfill_cycle_seconds", "Time in cycles of backfill.", "bf_cycle_sum", _MICROSECONDS),
    ("backfilled_jobs", "Jobs that backfill started.", "bf_backfilled_jobs", 1),
    ("jobs_submitted", "Jobs submitted.", "jobs_submitted", 1),
    ("jobs_started", "Jobs started.", "jobs_started", 1),
    ("jobs_completed", "Jobs completed.", "jobs_completed", 1),
    ("jobs_canceled", "Jobs cancelled.", "jobs_canceled", 1),
    ("jobs_failed", "Jobs failed.", "jobs_failed", 1),
)


def scheduler_families(statistics: Mapping[str, Any]) -> Iterator[Metric]:
    """Of the document of /stats what it has; RPCs by message type, not by user."""
    for name, words, field, factor in _GAUGES:
        if (value := statistics.get(field)) is not None:
            yield GaugeMetricFamily(f"slurm_scheduler_{name}", words, value * factor)
    for name, words, field, factor in _COUNTERS:
        if (value := statistics.get(field)) is not None:
            yield CounterMetricFamily(f"slurm_scheduler_{name}", words, value * factor)
    calls = CounterMetricFamily("slurm_scheduler_rpcs", "RPCs that slurmctld has answered.", labels=["type"])
    seconds = CounterMetricFamily("slurm_scheduler_rpc_seconds", "Time that they took.", labels=["type"])
    for name, entry in sorted((statistics.get("rpc_type_stats") or {}).items()):
        calls.add_metric([name], entry["count"])
        seconds.add_metric([name], entry["total_time"] * _MICROSECONDS)
    yield calls
    yield seconds

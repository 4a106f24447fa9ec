"""Builds the Prometheus metrics of the cluster: totals, per partition, and of the scheduler. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from slurm_rest_api.slurm.states import base_job_state
from slurm_rest_api.slurmapi.store.index_columns import Value

_MIB: Final = 1024 * 1024
JOB_COLUMNS: Final = ("job_state", "partition")
"""Index columns of jobs by which `count_jobs` wants them grouped."""
_MICROSECONDS: Final = 1e-6

# Metric, help text, field of a partition in /usage, factor.
_PARTITION_GAUGES: Final = (
    ("slurm_partition_gpus", "GPUs of a partition's nodes.", "total_gpus", 1),
    ("slurm_partition_gpus_allocated", "GPUs of a partition's nodes in use by any partition.", "alloc_gpus", 1),
    ("slurm_partition_cpus", "CPUs of a partition's nodes.", "total_cpus", 1),
    ("slurm_partition_cpus_allocated", "CPUs that jobs of the partition use.", "alloc_cpus", 1),
    ("slurm_partition_memory_bytes", "Memory of a partition's nodes.", "real_mem", _MIB),
    ("slurm_partition_memory_allocated_bytes", "Memory that jobs of the partition use.", "alloc_mem", _MIB),
    ("slurm_partition_load_ratio", "Mean load by the partition's jobs, as in /usage.", "partition_load", 1),
)
_TASK_FIELDS: Final = {"PENDING": "tasks_pending", "RUNNING": "tasks_running"}
# Name after slurm_scheduler_, help text, field of /stats, factor.
_GAUGES: Final = (
    ("threads", "Active threads of slurmctld.", "server_thread_count", 1),
    ("agent_queue_length", "Messages to nodes queued in slurmctld.", "agent_queue_size", 1),
    ("dbd_queue_length", "Messages to slurmdbd queued in slurmctld.", "dbd_agent_queue_size", 1),
    ("queue_length", "Jobs in the main scheduler's queue at its last cycle.", "schedule_queue_len", 1),
    (
        "last_cycle_duration_seconds",
        "Duration of the main scheduler's last cycle.",
        "schedule_cycle_last",
        _MICROSECONDS,
    ),
    ("backfill_queue_length", "Jobs in backfill's queue at its last cycle.", "bf_queue_len", 1),
    ("backfill_last_cycle_duration_seconds", "Duration of backfill's last cycle.", "bf_cycle_last", _MICROSECONDS),
    ("backfill_last_depth", "Jobs that backfill considered in its last cycle.", "bf_last_depth", 1),
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


class JobCounts(NamedTuple):
    """Numbers of jobs by base state: of all jobs, and by (partition, state)."""

    by_state: Counter[str]
    by_partition: Counter[tuple[str, str]]


def count_jobs(groups: Iterable[tuple[tuple[Value, ...], int]]) -> JobCounts:
    """Sums numbers of jobs by `JOB_COLUMNS`. A job with a list of partitions counts in each of them."""
    counts = JobCounts(Counter(), Counter())
    for (job_state, partitions), number in groups:
        state = base_job_state(str(job_state or "UNKNOWN"))
        counts.by_state[state] += number
        for partition in str(partitions or "").split(","):
            counts.by_partition[partition, state] += number
    return counts


def job_families(counts: JobCounts) -> Iterator[Metric]:
    """Returns the metrics of jobs by state, of the cluster and of each partition."""
    jobs = GaugeMetricFamily("slurm_jobs", "Jobs known to slurmctld by base state.", labels=["state"])
    for state, number in sorted(counts.by_state.items()):
        jobs.add_metric([state], number)
    yield jobs
    yield by_state("slurm_partition_jobs", "Jobs of a partition by base state.", "partition", counts.by_partition)


def usage_families(usage: Mapping[str, Any]) -> Iterator[Metric]:
    """Returns the metrics of nodes, GPUs, CPUs, memory and load from the document `usage_summary`."""
    nodes = GaugeMetricFamily("slurm_nodes", "Nodes by state, in sinfo's words.", labels=["state"])
    for state, number in usage["nodes_by_state"].items():
        nodes.add_metric([state], number)
    yield nodes
    yield GaugeMetricFamily("slurm_gpus", "GPUs of all nodes.", usage["total_gpus"])
    yield GaugeMetricFamily("slurm_gpus_allocated", "GPUs allocated to jobs.", usage["alloc_gpus"])
    yield GaugeMetricFamily("slurm_cpus", "CPUs of all nodes.", usage["total_cpus"])
    yield GaugeMetricFamily("slurm_cpus_allocated", "CPUs allocated to jobs.", usage["alloc_cpus"])
    yield GaugeMetricFamily("slurm_memory_bytes", "Memory of all nodes.", usage["total_mem"] * _MIB)
    yield GaugeMetricFamily("slurm_memory_allocated_bytes", "Memory allocated to jobs.", usage["alloc_mem"] * _MIB)
    yield GaugeMetricFamily("slurm_load_ratio", "Mean load of all nodes, as in /usage.", usage["total_load"])
    partitions = usage["partitions"]
    yield from _task_families(usage, partitions)
    members = {
        (name, state): number
        for name, partition in partitions.items()
        for state, number in partition["nodes_by_state"].items()
    }
    yield by_state("slurm_partition_nodes", "Nodes of a partition by state, in sinfo's words.", "partition", members)
    for metric, help_text, field, factor in _PARTITION_GAUGES:
        family = GaugeMetricFamily(metric, help_text, labels=["partition"])
        for name, partition in partitions.items():
            family.add_metric([name], partition[field] * factor)
        yield family


def _task_families(usage: Mapping[str, Any], partitions: Mapping[str, Any]) -> Iterator[Metric]:
    help_text = "Jobs by base state, each task of an array counted as squeue -r does."
    tasks = GaugeMetricFamily("slurm_job_tasks", help_text, labels=["state"])
    for state, field in _TASK_FIELDS.items():
        tasks.add_metric([state], usage[field])
    yield tasks
    counts = {
        (name, state): partition[field]
        for name, partition in partitions.items()
        for state, field in _TASK_FIELDS.items()
    }
    help_text = "Jobs of a partition by base state, each task of an array counted."
    yield by_state("slurm_partition_job_tasks", help_text, "partition", counts)


def scheduler_families(statistics: Mapping[str, Any]) -> Iterator[Metric]:
    """Returns the scheduler's metrics from the document of /stats: seconds, and counters since slurmctld's last reset.

    A field that is absent gives no metric. RPCs are counted by message type.
    """
    for name, help_text, field, factor in _GAUGES:
        if (value := statistics.get(field)) is not None:
            yield GaugeMetricFamily(f"slurm_scheduler_{name}", help_text, value * factor)
    for name, help_text, field, factor in _COUNTERS:
        if (value := statistics.get(field)) is not None:
            yield CounterMetricFamily(f"slurm_scheduler_{name}", help_text, value * factor)
    calls = CounterMetricFamily("slurm_scheduler_rpcs", "RPCs answered by slurmctld.", labels=["type"])
    seconds = CounterMetricFamily("slurm_scheduler_rpc_seconds", "Processing time of RPCs.", labels=["type"])
    for name, entry in sorted((statistics.get("rpc_type_stats") or {}).items()):
        calls.add_metric([name], entry["count"])
        seconds.add_metric([name], entry["total_time"] * _MICROSECONDS)
    yield calls
    yield seconds


def by_state(metric: str, help_text: str, label: str, counts: Mapping[tuple[str, str], int]) -> Metric:
    """Returns a metric of numbers by (name, state). The names get the label `label`."""
    family = GaugeMetricFamily(metric, help_text, labels=[label, "state"])
    for (name, state), number in sorted(counts.items()):
        family.add_metric([name, state], number)
    return family

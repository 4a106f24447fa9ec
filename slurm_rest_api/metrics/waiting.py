"""Builds the metrics of pending jobs by reason, and of the time that started jobs have waited. No I/O."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from slurm_rest_api.slurm.states import base_job_state
from slurm_rest_api.slurmapi.shared.largest import MOST_REASONS, bounded, reason_label
from slurm_rest_api.slurmapi.shared.wait_times import BOUNDS_SECONDS, WaitTimes
from slurm_rest_api.slurmapi.store.group_sums import GroupSum

PENDING_COLUMNS: Final = ("job_state", "reason")
"""Index columns of jobs by which `pending_families` wants them grouped."""

PENDING_SUMS: Final = ("tasks",)
"""Index columns of jobs that `pending_families` wants summed up."""


def pending_families(groups: Iterable[GroupSum]) -> Iterator[Metric]:
    """Returns the numbers of pending jobs and of their tasks by reason. The smallest are summed up as "other"."""
    jobs: Counter[str] = Counter()
    tasks: Counter[str] = Counter()
    for (job_state, reason), number, (number_of_tasks,) in groups:
        if base_job_state(str(job_state or "")) == "PENDING":
            name = reason_label(None if reason is None else str(reason))
            jobs[name] += number
            tasks[name] += number_of_tasks
    for metric, help_text, counts in (
        ("slurm_pending_jobs", "Pending jobs by reason.", jobs),
        ("slurm_pending_job_tasks", "Pending jobs by reason, each task of an array counted.", tasks),
    ):
        family = GaugeMetricFamily(metric, help_text, labels=["reason"])
        for reason, number in sorted(bounded(counts, MOST_REASONS).items()):
            family.add_metric([reason], number)
        yield family


def wait_family(times: WaitTimes) -> Metric:
    """Returns the histogram of waits by partition."""
    family = HistogramMetricFamily(
        "slurm_partition_job_wait_seconds",
        "Seconds from the time at which a job was eligible to its start, of jobs that the collector saw start.",
        labels=["partition"],
    )
    bounds = [*(f"{bound:.1f}" for bound in BOUNDS_SECONDS), "+Inf"]
    for partition, waits in sorted(times.partitions.items()):
        counts = itertools.accumulate(waits.jobs)
        family.add_metric([partition], list(zip(bounds, counts, strict=True)), waits.seconds)
    return family

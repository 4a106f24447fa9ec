"""How the cluster is: nodes, CPUs, memory, GPUs and jobs, of all and by partition. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from slurm_rest_api.slurmapi.collector.state_counts import JobCounter, tally
from slurm_rest_api.slurmapi.sources.base import Record

_MIB: Final = 1024 * 1024
_OTHER: Final = "other"


class JobCounts:
    """Jobs by state, counted in one walk: of all, by partition, and by account."""

    def __init__(self, jobs: Iterable[Record]) -> None:
        self.all: Counter[str] = Counter()
        self.by_partition: Counter[tuple[str, str]] = Counter()
        self._by_account: Counter[tuple[str, str]] = Counter()
        for job in jobs:
            state = (job.get("job_state") or "UNKNOWN").partition("+")[0]
            self.all[state] += 1
            self._by_account[job.get("account") or "", state] += 1
            for partition in (job.get("partition") or "").split(","):
                self.by_partition[partition, state] += 1

    def by_account(self, most: int) -> Counter[tuple[str, str]]:
        """The `most` accounts with the most jobs, and all others together as "other"."""
        sizes: Counter[str] = Counter()
        for (account, _state), count in self._by_account.items():
            sizes[account] += count
        named = {account for account, _count in sizes.most_common(most)}
        counts: Counter[tuple[str, str]] = Counter()
        for (account, state), count in self._by_account.items():
            counts[account if account in named else _OTHER, state] += count
        return counts


def job_families(counts: JobCounts, most_accounts: int) -> Iterator[Metric]:
    """Jobs by state; a job that may run in several partitions counts in each of them."""
    jobs = GaugeMetricFamily("slurm_jobs", "Jobs that slurmctld knows, by base state.", labels=["state"])
    for state, count in sorted(counts.all.items()):
        jobs.add_metric([state], count)
    yield jobs
    yield _pairs("slurm_partition_jobs", "Jobs of a partition by base state.", "partition", counts.by_partition)
    if most_accounts:
        words = "Jobs of an account by base state; small accounts are counted together as other."
        yield _pairs("slurm_account_jobs", words, "account", counts.by_account(most_accounts))


def node_families(nodes: list[Record], partitions: list[Record]) -> Iterator[Metric]:
    """Nodes by state, as sinfo's words, and GPUs."""
    counted = tally(JobCounter(), nodes, partitions)
    by_state = GaugeMetricFamily("slurm_nodes", "Nodes by state.", labels=["state"])
    for state, count in counted["nodes_by_state"].items():
        by_state.add_metric([state], count)
    yield by_state
    yield GaugeMetricFamily("slurm_gpus", "GPUs of all nodes.", counted["total_gpus"])
    yield GaugeMetricFamily("slurm_gpus_allocated", "GPUs allocated to jobs.", counted["alloc_gpus"])
    members = {
        (name, state): count
        for name, partition in counted["partitions"].items()
        for state, count in partition["nodes_by_state"].items()
    }
    yield _pairs("slurm_partition_nodes", "Nodes of a partition by state.", "partition", members)
    for metric, words, field in (
        ("slurm_partition_gpus", "GPUs of a partition's nodes.", "total_gpus"),
        ("slurm_partition_gpus_allocated", "GPUs of a partition's nodes that jobs of any partition use.", "alloc_gpus"),
    ):
        yield _by_partition(metric, words, {name: entry[field] for name, entry in counted["partitions"].items()})


def usage_families(usage: Mapping[str, Any]) -> Iterator[Metric]:
    """CPUs, memory and load, from the document of /usage."""
    yield GaugeMetricFamily("slurm_cpus", "CPUs of all nodes.", usage["total_cpus"])
    yield GaugeMetricFamily("slurm_cpus_allocated", "CPUs allocated to jobs.", usage["alloc_cpus"])
    yield GaugeMetricFamily("slurm_memory_bytes", "Memory of all nodes.", usage["total_mem"] * _MIB)
    yield GaugeMetricFamily("slurm_memory_allocated_bytes", "Memory allocated to jobs.", usage["alloc_mem"] * _MIB)
    yield GaugeMetricFamily("slurm_load_ratio", "Mean load of all nodes, as in /usage.", usage["total_load"])
    partitions = usage["partitions"]
    for metric, words, field, factor in (
        ("slurm_partition_cpus", "CPUs of a partition's nodes.", "total_cpus", 1),
        ("slurm_partition_cpus_allocated", "CPUs that jobs of the partition use.", "alloc_cpus", 1),
        ("slurm_partition_memory_bytes", "Memory of a partition's nodes.", "real_mem", _MIB),
        ("slurm_partition_memory_allocated_bytes", "Memory that jobs of the partition use.", "alloc_mem", _MIB),
        ("slurm_partition_load_ratio", "Mean load by the partition's jobs, as in /usage.", "partition_load", 1),
    ):
        yield _by_partition(metric, words, {name: entry[field] * factor for name, entry in partitions.items()})


def _by_partition(metric: str, words: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(metric, words, labels=["partition"])
    for name, value in values.items():
        family.add_metric([name], value)
    return family


def _pairs(metric: str, words: str, label: str, counts: Mapping[tuple[str, str], int]) -> Metric:
    family = GaugeMetricFamily(metric, words, labels=[label, "state"])
    for (name, state), count in sorted(counts.items()):
        family.add_metric([name, state], count)
    return family

"""Builds the metrics of jobs and their resources by account and by user, with a bounded number of labels. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from slurm_rest_api.metrics.cluster import by_state
from slurm_rest_api.slurm.states import base_job_state, resources_held
from slurm_rest_api.slurmapi.shared.largest import OTHER, bounded, largest
from slurm_rest_api.slurmapi.store.group_sums import GroupSum

Owner = Literal["account", "user"]

OWNER_COLUMNS: Final[Mapping[Owner, str]] = {"account": "account", "user": "user_name"}
"""Index columns of jobs with their owners."""

SUMS: Final = ("num_cpus", "gpus", "memory")
"""Index columns of jobs that are summed up for each owner."""

_MIB: Final = 1024 * 1024


@dataclass
class OwnerSums:
    """Numbers of jobs by (owner, base state), and what their jobs hold: CPUs, GPUs and MiB by owner."""

    jobs: Counter[tuple[str, str]] = field(default_factory=Counter)
    cpus: Counter[str] = field(default_factory=Counter)
    gpus: Counter[str] = field(default_factory=Counter)
    memory: Counter[str] = field(default_factory=Counter)


def owner_sums(groups: Iterable[GroupSum]) -> OwnerSums:
    """Sums up groups by state and owner, with the sums of `SUMS`.

    A suspended job has freed its CPUs, a completing job all that it held, as in Slurm's own totals of nodes.
    """
    sums = OwnerSums()
    for (job_state, name), number, (cpus, gpus, memory) in groups:
        owner, state = str(name or ""), str(job_state or "UNKNOWN")
        sums.jobs[owner, base_job_state(state)] += number
        held = resources_held(state)
        if held in ("memory", "all"):
            sums.cpus[owner] += cpus if held == "all" else 0
            sums.gpus[owner] += gpus
            sums.memory[owner] += memory
    return sums


def owner_families(label: Owner, sums: OwnerSums, most: int) -> Iterator[Metric]:
    """Returns the metrics of the `most` largest owners. All others are summed up as "other"."""
    rest = f"Small {label}s are summed up as other."
    sizes: Counter[str] = Counter()
    for (owner, _state), number in sums.jobs.items():
        sizes[owner] += number
    named = largest(sizes, most)
    jobs: Counter[tuple[str, str]] = Counter()
    for (owner, state), number in sums.jobs.items():
        jobs[owner if owner in named else OTHER, state] += number
    article = "an account" if label == "account" else "a user"
    yield by_state(f"slurm_{label}_jobs", f"Jobs of {article} by base state. {rest}", label, jobs)
    for metric, what, values, factor in (
        ("cpus_allocated", "CPUs", sums.cpus, 1),
        ("gpus_allocated", "GPUs", sums.gpus, 1),
        ("memory_allocated_bytes", "Memory", sums.memory, _MIB),
    ):
        help_text = f"{what} allocated to jobs of {article}. {rest}"
        yield _gauge(f"slurm_{label}_{metric}", help_text, label, bounded(values, most), factor)


def _gauge(metric: str, help_text: str, label: str, values: Mapping[str, int], factor: int) -> Metric:
    family = GaugeMetricFamily(metric, help_text, labels=[label])
    for name, value in sorted(values.items()):
        family.add_metric([name], value * factor)
    return family

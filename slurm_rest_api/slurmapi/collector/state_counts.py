"""Counts jobs and nodes by state, and GPUs, of the cluster and of each partition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypedDict

from slurm_rest_api.slurm.gres import gres_gpus
from slurm_rest_api.slurm.states import base_job_state, node_state_word
from slurm_rest_api.slurmapi.sources.base import Record, UnchangedJob, node_state


class StateCounts(TypedDict):
    """Counts of the cluster or of one partition, as `/usage` publishes them."""

    jobs_running: int
    jobs_pending: int
    nodes_by_state: dict[str, int]
    alloc_gpus: int
    total_gpus: int


class ClusterCounts(StateCounts):
    """Counts of the cluster, with those of each partition."""

    partitions: dict[str, StateCounts]


class _JobCounts(TypedDict):
    jobs_running: int
    jobs_pending: int


class _NodeCounts(TypedDict):
    nodes_by_state: dict[str, int]
    alloc_gpus: int
    total_gpus: int


class JobCounter:
    """Counts jobs by state and partition while they are iterated.

    An `UnchangedJob` has no state: `before` has the states of the last cycle by job id.
    """

    def __init__(self, before: Mapping[int, str] | None = None) -> None:
        self.states: dict[int, str] = {}
        self._before = before or {}
        self._counts: Counter[tuple[str, str | None]] = Counter()

    def count_while_iterating(self, jobs: Iterable[Record]) -> Iterator[Record]:
        """Returns the same jobs lazily, and counts each one."""
        for job in jobs:
            self._count(job)
            yield job

    def of_cluster(self) -> _JobCounts:
        """Returns `jobs_running` and `jobs_pending` of the cluster."""
        return self._of(lambda _partitions: True)

    def of_partition(self, name: str) -> _JobCounts:
        """Returns the counts of one partition. A pending job counts in each partition that it may run in."""
        return self._of(lambda partitions: name in (partitions or "").split(","))

    def _of(self, is_included: Callable[[str | None], bool]) -> _JobCounts:
        def total(wanted: str) -> int:
            return sum(
                n for (state, partitions), n in self._counts.items() if state == wanted and is_included(partitions)
            )

        return {"jobs_running": total("RUNNING"), "jobs_pending": total("PENDING")}

    def _count(self, job: Record) -> None:
        number = job["job_id"]
        state = self._before.get(number, "") if isinstance(job, UnchangedJob) else base_job_state(job.get("job_state"))
        self.states[number] = state
        # Few jobs have a list of partitions of their own, so the list is split only when counts are read.
        self._counts[state, job.get("partition")] += 1


def count_states(jobs: JobCounter, nodes: Iterable[Record], partitions: Iterable[Record]) -> ClusterCounts:
    """Returns the counts that `/usage` and the load archive publish."""
    listed = list(nodes)
    members: dict[str, list[Record]] = {}
    for node in listed:
        for name in dict.fromkeys(node.get("partitions") or ()):
            members.setdefault(name, []).append(node)
    return {
        **jobs.of_cluster(),
        **_of_nodes(listed),
        "partitions": {
            partition["name"]: {
                **jobs.of_partition(partition["name"]),
                **_of_nodes(members.get(partition["name"], [])),
            }
            for partition in partitions
        },
    }


def _of_nodes(nodes: list[Record]) -> _NodeCounts:
    return {
        "nodes_by_state": dict(sorted(Counter(node_state_word(node_state(node)) for node in nodes).items())),
        "alloc_gpus": sum(gres_gpus(node.get("gres_used")) for node in nodes),
        "total_gpus": sum(gres_gpus(node.get("gres")) for node in nodes),
    }

"""Counts jobs and their tasks by state and reason, nodes by state, and GPUs, of the cluster and of each partition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypedDict

from slurm_rest_api.slurm.gres import gres_gpus
from slurm_rest_api.slurm.node_words import node_state_word
from slurm_rest_api.slurm.states import base_job_state
from slurm_rest_api.slurmapi.collector.job_sums import task_count
from slurm_rest_api.slurmapi.collector.limit_use import LimitGroup, limit_group
from slurm_rest_api.slurmapi.shared.largest import MOST_REASONS, bounded, reason_label
from slurm_rest_api.slurmapi.sources.base import Record, UnchangedJob, node_state


class CountedJob(NamedTuple):
    """The base state of a job, the number of tasks in its record, its group if limits count it, and its reason.

    Only a pending job has a reason.
    """

    state: str
    tasks: int
    group: LimitGroup | None = None
    reason: str | None = None


class StateCounts(TypedDict):
    """Counts of the cluster or of one partition, as `/usage` publishes them."""

    jobs_running: int
    jobs_pending: int
    tasks_running: int
    tasks_pending: int
    jobs_pending_by_reason: dict[str, int]
    nodes_by_state: dict[str, int]
    alloc_gpus: int
    total_gpus: int


class ClusterCounts(StateCounts):
    """Counts of the cluster, with those of each partition."""

    partitions: dict[str, StateCounts]


class _JobCounts(TypedDict):
    jobs_running: int
    jobs_pending: int
    tasks_running: int
    tasks_pending: int
    jobs_pending_by_reason: dict[str, int]


class _NodeCounts(TypedDict):
    nodes_by_state: dict[str, int]
    alloc_gpus: int
    total_gpus: int


_UNKNOWN = CountedJob("", 1)


class JobCounter:
    """Counts jobs and their tasks by state and partition while they are iterated.

    An `UnchangedJob` has no state: `before` has what the last cycle counted, by job id.
    """

    def __init__(self, before: Mapping[int, CountedJob] | None = None) -> None:
        self.counted: dict[int, CountedJob] = {}
        self._before = before or {}
        # Thousands of jobs share one of these tuples.
        self._shared: dict[CountedJob, CountedJob] = {}
        self._jobs: Counter[tuple[str, str | None]] = Counter()
        self._reasons: Counter[tuple[str, str | None]] = Counter()
        self._tasks: Counter[tuple[str, str | None]] = Counter()

    def count_while_iterating(self, jobs: Iterable[Record]) -> Iterator[Record]:
        """Returns the same jobs lazily, and counts each one."""
        for job in jobs:
            self._count(job)
            yield job

    def of_cluster(self) -> _JobCounts:
        """Returns the counts of the cluster."""
        return self._of(lambda _partitions: True)

    def of_partition(self, name: str) -> _JobCounts:
        """Returns the counts of one partition. A pending job counts in each partition that it may run in."""
        return self._of(lambda partitions: name in (partitions or "").split(","))

    def of_limits(self) -> Iterator[tuple[LimitGroup, int]]:
        """Yields the groups of jobs that limits count, with their pending tasks or their jobs that hold resources."""
        # Equal ones are one object, and numbers are counted faster than tuples.
        numbers = Counter(map(id, self.counted.values()))
        for counted in self._shared:
            number = numbers[id(counted)]
            if counted.group is not None:
                is_pending = counted.group[-1] is None
                yield counted.group, number * counted.tasks if is_pending else number

    def _of(self, is_included: Callable[[str | None], bool]) -> _JobCounts:
        def total(counts: Counter[tuple[str, str | None]], wanted: str) -> int:
            return sum(n for (state, partitions), n in counts.items() if state == wanted and is_included(partitions))

        reasons: Counter[str] = Counter()
        for (reason, partitions), number in self._reasons.items():
            if is_included(partitions):
                reasons[reason] += number
        return {
            "jobs_running": total(self._jobs, "RUNNING"),
            "jobs_pending": total(self._jobs, "PENDING"),
            "tasks_running": total(self._tasks, "RUNNING"),
            "tasks_pending": total(self._tasks, "PENDING"),
            "jobs_pending_by_reason": dict(sorted(bounded(reasons, MOST_REASONS).items())),
        }

    def _count(self, job: Record) -> None:
        number = job["job_id"]
        if isinstance(job, UnchangedJob):
            counted = self._before.get(number, _UNKNOWN)
        else:
            state = base_job_state(job.get("job_state"))
            reason = reason_label(job.get("state_reason")) if state == "PENDING" else None
            counted = CountedJob(state, task_count(job), limit_group(job), reason)
        self.counted[number] = counted = self._shared.setdefault(counted, counted)
        # Few jobs have a list of partitions of their own, so the list is split only when counts are read.
        key = (counted.state, job.get("partition"))
        self._jobs[key] += 1
        self._tasks[key] += counted.tasks
        if counted.reason is not None:
            self._reasons[counted.reason, key[1]] += 1


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

"""Counts jobs and their tasks by state and reason, nodes by state, and GPUs, of the cluster and of each partition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple, TypedDict

from slurm_rest_api.slurm.gres import gres_gpus
from slurm_rest_api.slurm.node_words import node_state_word
from slurm_rest_api.slurm.states import base_job_state
from slurm_rest_api.slurmapi.collector.job_sums import task_count
from slurm_rest_api.slurmapi.collector.limit_use import LimitGroup, limit_group
from slurm_rest_api.slurmapi.shared.compact_integers import CompactIntegers
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


class CountedJobs(Mapping[int, CountedJob]):
    """The counted facts of the jobs of one load by job id. Thousands of jobs share one `CountedJob`."""

    def __init__(self, kinds: Sequence[CountedJob], numbers: Mapping[int, int]) -> None:
        """Takes the different facts, and by job id their number in `kinds`."""
        self._kinds = kinds
        self._numbers = CompactIntegers(numbers)

    @property
    def kinds(self) -> Sequence[CountedJob]:
        """The different facts, in the order of their numbers."""
        return self._kinds

    def number_of(self, job_id: int) -> int | None:
        """Returns the number of a job's facts in `kinds`, None for a job that was not there."""
        return self._numbers.get(job_id)

    def __getitem__(self, job_id: int) -> CountedJob:
        return self._kinds[self._numbers[job_id]]

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


NOTHING_COUNTED: Final = CountedJobs((), {})


class _Sums(NamedTuple):
    """Jobs and tasks by state and list of partitions, and pending jobs by reason and list of partitions."""

    jobs: Counter[tuple[str, str | None]]
    tasks: Counter[tuple[str, str | None]]
    reasons: Counter[tuple[str, str | None]]


class JobCounter:
    """Counts jobs and their tasks by state and partition while they are iterated. Read the counts afterwards.

    An `UnchangedJob` has no state: `before` has what the last cycle counted.
    """

    def __init__(self, before: CountedJobs = NOTHING_COUNTED) -> None:
        self._before = before
        self._numbers: dict[int, int] = {}
        # In the order of their numbers. An unchanged job keeps its number.
        self._kinds = {counted: number for number, counted in enumerate(before.kinds)}
        self._jobs: Counter[tuple[int, str | None]] = Counter()

    def count_while_iterating(self, jobs: Iterable[Record]) -> Iterator[Record]:
        """Returns the same jobs lazily, and counts each one."""
        for job in jobs:
            self._count(job)
            yield job

    def counted(self) -> CountedJobs:
        """Returns what was counted of each job, for the next load."""
        in_use = set(self._numbers.values())
        if len(in_use) == len(self._kinds):
            return CountedJobs(tuple(self._kinds), self._numbers)
        kinds = [(counted, number) for counted, number in self._kinds.items() if number in in_use]
        new_numbers = {number: place for place, (_counted, number) in enumerate(kinds)}
        numbers = {job_id: new_numbers[number] for job_id, number in self._numbers.items()}
        return CountedJobs([counted for counted, _number in kinds], numbers)

    def of_cluster(self) -> _JobCounts:
        """Returns the counts of the cluster."""
        return self._of(lambda _partitions: True)

    def of_partition(self, name: str) -> _JobCounts:
        """Returns the counts of one partition. A pending job counts in each partition that it may run in."""
        return self._of(lambda partitions: name in (partitions or "").split(","))

    def of_limits(self) -> Iterator[tuple[LimitGroup, int]]:
        """Yields the groups of jobs that limits count, with their pending tasks or their jobs that hold resources."""
        jobs = Counter(self._numbers.values())
        for counted, kind in self._kinds.items():
            number = jobs[kind]
            if counted.group is not None and number:
                is_pending = counted.group[-1] is None
                yield counted.group, number * counted.tasks if is_pending else number

    def _of(self, is_included: Callable[[str | None], bool]) -> _JobCounts:
        def total(counts: Counter[tuple[str, str | None]], wanted: str) -> int:
            return sum(n for (state, partitions), n in counts.items() if state == wanted and is_included(partitions))

        sums = self._sums
        reasons: Counter[str] = Counter()
        for (reason, partitions), number in sums.reasons.items():
            if is_included(partitions):
                reasons[reason] += number
        return {
            "jobs_running": total(sums.jobs, "RUNNING"),
            "jobs_pending": total(sums.jobs, "PENDING"),
            "tasks_running": total(sums.tasks, "RUNNING"),
            "tasks_pending": total(sums.tasks, "PENDING"),
            "jobs_pending_by_reason": dict(sorted(bounded(reasons, MOST_REASONS).items())),
        }

    @cached_property
    def _sums(self) -> _Sums:
        sums = _Sums(Counter(), Counter(), Counter())
        kinds = list(self._kinds)
        for (kind, partitions), number in self._jobs.items():
            counted = kinds[kind]
            sums.jobs[counted.state, partitions] += number
            sums.tasks[counted.state, partitions] += number * counted.tasks
            if counted.reason is not None:
                sums.reasons[counted.reason, partitions] += number
        return sums

    def _count(self, job: Record) -> None:
        job_id = job["job_id"]
        kind = self._before.number_of(job_id) if isinstance(job, UnchangedJob) else self._number_of(_counted(job))
        if kind is None:
            kind = self._number_of(_UNKNOWN)
        self._numbers[job_id] = kind
        # Few jobs have a list of partitions of their own, so the list is split only when counts are read.
        self._jobs[kind, job.get("partition")] += 1

    def _number_of(self, counted: CountedJob) -> int:
        return self._kinds.setdefault(counted, len(self._kinds))


def _counted(job: Record) -> CountedJob:
    state = base_job_state(job.get("job_state"))
    reason = reason_label(job.get("state_reason")) if state == "PENDING" else None
    return CountedJob(state, task_count(job), limit_group(job), reason)


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

"""What a load sample has beside the usage: jobs and nodes by state, and GPUs; of the cluster and by partition. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from slurm_rest_api.slurm.gres import gres_gpus
from slurm_rest_api.slurm.states import base_job_state, node_state_word
from slurm_rest_api.slurmapi.sources.base import Record, UnchangedJob, node_state

_COUNTED: Final = {"RUNNING": "jobs_running", "PENDING": "jobs_pending"}


class JobCounter:
    """Counts jobs while they stream by.

    An `UnchangedJob` record has no state; `before` has those that the tally of the cycle before it saw.
    """

    def __init__(self, before: Mapping[int, str] | None = None) -> None:
        self.states: dict[int, str] = {}
        self._before = before or {}
        self._counts: Counter[tuple[str, str | None]] = Counter()

    def watch(self, jobs: Iterable[Record]) -> Iterator[Record]:
        """The same jobs, each counted as it passes."""
        for job in jobs:
            self._count(job)
            yield job

    def of_cluster(self) -> dict[str, int]:
        """`jobs_running` and `jobs_pending`."""
        return self._of(lambda _partitions: True)

    def of_partition(self, name: str) -> dict[str, int]:
        """The same of one partition; a pending job counts in each partition that it may run in."""
        return self._of(lambda partitions: name in (partitions or "").split(","))

    def _of(self, is_wanted: Callable[[str | None], bool]) -> dict[str, int]:
        return {
            field: sum(count for (state, where), count in self._counts.items() if state == wanted and is_wanted(where))
            for wanted, field in _COUNTED.items()
        }

    def _count(self, job: Record) -> None:
        number = job["job_id"]
        state = self._before.get(number, "") if isinstance(job, UnchangedJob) else base_job_state(job.get("job_state"))
        self.states[number] = state
        # What few words many jobs share is taken apart when somebody wants to know.
        self._counts[state, job.get("partition")] += 1


def tally(jobs: JobCounter, nodes: Iterable[Record], partitions: Iterable[Record]) -> dict[str, Any]:
    """The document that the load archive adds to the usage: figures of the cluster, and under `partitions` of each."""
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


def _of_nodes(nodes: list[Record]) -> dict[str, Any]:
    return {
        "nodes_by_state": dict(sorted(Counter(node_state_word(node_state(node)) for node in nodes).items())),
        "alloc_gpus": sum(gres_gpus(node.get("gres_used")) for node in nodes),
        "total_gpus": sum(gres_gpus(node.get("gres")) for node in nodes),
    }

"""The contract between a cluster and the collector."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from slurm_rest_api.slurm.states import NodeState

Record = dict[str, Any]
"""One published record: only JSON values, field names and units as `slurmapi.contract` declares them."""


def node_state(node: Record) -> NodeState:
    """Returns the state of a published node, from its fields `state_base` and `state_flags`."""
    return NodeState(node["state_base"], tuple(node["state_flags"]))


JobFingerprints = dict[int, int]
"""By job id a hash of everything that the job's record is made of. Equal marks mean equal records."""


class UnchangedJob(dict[str, Any]):
    """Stands for the record of a job whose mark is known: `job_id` and `partition`, as in the record, alone.

    Only for jobs that hold nothing and refer to no other job; how they are shown depends on nothing else but the nodes
    and their partitions, which the mark covers.
    """


@dataclass(frozen=True)
class Snapshot:
    """The cluster at one moment.

    `jobs` is an iterable that may be lazy and can be walked **once**: 100,000 jobs as Python
    dictionaries would take a gigabyte, so nobody holds them all.

    `changed_since(known, marks)`, where a source has it, is walked instead of `jobs` by who still has the records made
    under the marks `known`: it gives `UnchangedJob` for these, saves their making, and fills `marks` on the way.
    """

    jobs: Iterable[Record]
    nodes: list[Record]
    partitions: list[Record]
    statistics: Record
    changed_since: Callable[[Mapping[int, int], JobFingerprints], Iterator[Record]] | None = None


class ClusterSource(Protocol):
    """Reads a cluster. One verb; every call costs the controller `rpcs_per_load` RPCs, no more and no fewer."""

    name: str
    """What `meta.source` says: `slurm`, or `demo`."""

    rpcs_per_load: int

    def load(self) -> Snapshot:
        """Read everything now.

        Raises:
            SourceUnavailable: slurmctld did not answer.
        """
        ...

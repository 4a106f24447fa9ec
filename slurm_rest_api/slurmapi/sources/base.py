"""The contract between the sources of a cluster and the collector."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, runtime_checkable

from slurm_rest_api.slurm.sentinels import NO_VAL
from slurm_rest_api.slurm.states import NodeState

Record = dict[str, Any]
"""One published record: JSON values, with the field names and units of `slurmapi.contract`."""


def node_state(node: Record) -> NodeState:
    """Returns the state of a published node, from its fields `state_base` and `state_flags`."""
    return NodeState(node["state_base"], tuple(node["state_flags"]))


JobFingerprints = dict[int, int]
"""By job id, its fingerprint. Equal ones mean records that only time has changed."""

_PRIORITY_BITS: Final = 32


def with_priority(rest: int, priority: int) -> int:
    """Returns the fingerprint of a job.

    slurmctld changes the priorities of all pending jobs every PriorityCalcPeriod, slurm.conf(5). The priority is not
    hashed, so that such a change is recognised.

    Args:
        rest: A hash of all that the record is made of, but the priority.
        priority: A number of 32 bits.
    """
    return rest << _PRIORITY_BITS | priority


def differs_in_priority(before: int | None, now: int) -> bool:
    """Returns True if two fingerprints of a job differ in the priority alone.

    It returns False if one priority is 0 (the job is held) or no number. Such a job has another place in the queue.
    """
    if before is None or before >> _PRIORITY_BITS != now >> _PRIORITY_BITS or before == now:
        return False
    mask = (1 << _PRIORITY_BITS) - 1
    return 0 < before & mask < NO_VAL and 0 < now & mask < NO_VAL


def membership_fingerprint(nodes: Iterable[Record]) -> int:
    """Returns the fingerprint of the nodes and their partitions, which decide what of a job is hidden."""
    return hash(frozenset((node["name"], tuple(node["partitions"] or ())) for node in nodes))


class UnchangedJob(dict[str, Any]):
    """Replaces the record of a job with a known fingerprint. It has the fields `job_id` and `partition`.

    One that runs, of which only time has changed the clock fields, also has `run_time`. It holds what it held before.
    One that is pending, of which only the priority has changed (`differs_in_priority`), also has `priority`.

    The fingerprint covers all that the record is made of. It covers the nodes and their partitions, which decide what
    of it is hidden. References to other jobs are hidden with these, see `collector.hide_partitions`.
    """


Kind = Literal["reservations", "licenses", "priority_factors", "fair_share"]
"""An optional kind of records, which an administrator can switch off."""


@dataclass(frozen=True)
class OptionalKind:
    """The last readings of an optional kind. Times are epoch seconds.

    Attributes:
        read_at: Time of the last reading that succeeded, None before it.
        error: Why the last reading failed, None if it succeeded.
        failing_since: Time of the first of the readings that failed since, None without an error.
    """

    read_at: int | None = None
    error: str | None = None
    failing_since: int | None = None


@dataclass(frozen=True)
class Snapshot:
    """The cluster at one moment.

    `jobs` may be lazy and can be iterated **once**: 100,000 jobs as Python dictionaries take a gigabyte.

    `gres_used` of a node is None where the source does not know it. The collector publishes the sum of its jobs'
    `gres_allocated` then.

    `changed_since(known, fingerprints)` replaces `jobs` for a collector that still has the records of the fingerprints
    `known`. It yields an `UnchangedJob` for these, and adds the fingerprints of this load to `fingerprints`.
    A source without this method has None.

    `seconds_waited()` returns the seconds for which the iteration over the jobs has waited for slurmctld. A source that
    has read everything before has None.

    `reservations`, `licenses`, `fair_share` and `priority_factors` are optional kinds. They are None if they are off,
    or were never read. `optional_kinds` has those that are on. A kind with an error has the records read before.
    `priority_weights` has the weights of the priority factors, None if they were not read.
    """

    jobs: Iterable[Record]
    nodes: list[Record]
    partitions: list[Record]
    statistics: Record
    changed_since: Callable[[Mapping[int, int], JobFingerprints], Iterator[Record]] | None = None
    seconds_waited: Callable[[], float] | None = None
    reservations: list[Record] | None = None
    licenses: list[Record] | None = None
    fair_share: list[Record] | None = None
    priority_factors: list[Record] | None = None
    priority_weights: Record | None = None
    optional_kinds: Mapping[str, OptionalKind] = field(default_factory=dict)


Progress = Callable[[], None]
"""Reports that a load made progress, for example that it made one more record. It is cheap to call often."""


def no_progress() -> None:
    """Reports nothing."""


@runtime_checkable
class ReportsProgress(Protocol):
    """A source that reports progress while `load()` runs, because that may take longer than a load's time limit.

    The loader sets `progress` before the first load. The collector ends a load that made no progress for the limit.
    """

    progress: Progress


class ClusterSource(Protocol):
    """Reads a cluster."""

    @property
    def name(self) -> str:
        """Returns the value of `meta.source`: `slurm` or `demo`."""
        ...

    @property
    def detail(self) -> str:
        """Returns the value of `meta.source_detail`, such as `pyslurm 25.11.2 for Slurm 26.05.5`."""
        ...

    @property
    def rpcs_of_last_load(self) -> int:
        """Returns the number of RPCs of the last `load()`. It is final once the jobs of this load are iterated."""
        ...

    def load(self) -> Snapshot:
        """Reads everything.

        Raises:
            SourceUnavailable: slurmctld did not answer.
        """
        ...

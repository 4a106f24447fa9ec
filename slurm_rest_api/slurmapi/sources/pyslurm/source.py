"""Reads the cluster, or parts of it, through pyslurm's objects."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property, partial
from typing import Any, Final

from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import Record, Snapshot
from slurm_rest_api.slurmapi.sources.part_reader import LoadedJobs, all_parts, load_parts
from slurm_rest_api.slurmapi.sources.pyslurm.attribute_reader import AttributeReader
from slurm_rest_api.slurmapi.sources.pyslurm.attributes import JobAttributes, NodeAttributes, PartitionAttributes
from slurm_rest_api.slurmapi.sources.pyslurm.job_fingerprints import load_jobs
from slurm_rest_api.slurmapi.sources.pyslurm.jobs import JobConverter
from slurm_rest_api.slurmapi.sources.pyslurm.module_facts import detail_of
from slurm_rest_api.slurmapi.sources.pyslurm.nodes import node_record
from slurm_rest_api.slurmapi.sources.pyslurm.partitions import partition_record
from slurm_rest_api.slurmapi.sources.pyslurm.statistics import load_statistics, statistics_record

_LOADS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "jobs": load_jobs,
    "nodes": lambda pyslurm: pyslurm.Nodes.load(),
    "partitions": lambda pyslurm: pyslurm.Partitions.load(),
    "statistics": load_statistics,
}
"""How a part is loaded, in the order of the RPCs."""

RPCS: Final[Mapping[str, int]] = {"jobs": 1, "nodes": 2, "partitions": 2, "statistics": 1}
"""RPCs by part. Nodes are loaded with partitions, partitions with the configuration (for the preemption mode)."""

RPCS_PER_LOAD: Final = sum(RPCS.values())


class PyslurmSource:
    """A `ClusterSource` and `PartReader` over `pyslurm.Jobs`, `Nodes`, `Partitions` and the statistics.

    Args:
        pyslurm: The imported module. It may lack parts that are not read.
        names: Names of users and groups.
    """

    seconds_waited = 0.0
    """Zero: the jobs are in memory before they are iterated."""

    def __init__(self, pyslurm: Any, names: UserNames) -> None:
        self.name = "slurm"
        self.detail = detail_of(pyslurm)
        self.rpcs_of_last_load = 0
        self._pyslurm = pyslurm
        self._names = names
        self._reported: set[str] = set()
        self._loaded: dict[str, Any] = {}
        # A pyslurm of the classic dictionaries alone has no such class.
        self._errors: Any = getattr(pyslurm, "RPCError", ())

    def load(self) -> Snapshot:
        """Reads everything. Jobs are converted during the iteration, which costs no further RPC.

        Raises:
            SourceUnavailable: An RPC failed. The message has Slurm's message and error number.
        """
        return load_parts(all_parts(self))

    def begin(self, parts: Collection[str]) -> None:
        """Loads `parts` one directly after the other.

        Raises:
            SourceUnavailable: As `load`.
        """
        self._names.expire()
        self.rpcs_of_last_load = sum(RPCS[part] for part in parts)
        self._loaded = {}
        for part in _LOADS:
            if part in parts:
                self._loaded[part] = self._request(_LOADS[part])

    def partitions(self) -> list[Record]:
        """Converts the partitions."""
        return [partition_record(self._partition(partition)) for partition in self._take("partitions").values()]

    def nodes(self, partitions: list[Record]) -> list[Record]:
        """Converts the nodes."""
        return [node_record(self._node(node), self._names) for node in self._take("nodes").values()]

    def statistics(self) -> Record:
        """Converts the statistics."""
        return statistics_record(self._take("statistics"))

    def jobs(self, nodes: list[Record]) -> LoadedJobs:
        """Returns the jobs, which are converted during the iteration."""
        converter = JobConverter(self._job, self._names, nodes, self._reported)
        jobs = self._take("jobs")
        return LoadedJobs(converter.records(jobs), partial(converter.changed_since, jobs))

    def _take(self, part: str) -> Any:
        """Returns what was loaded, and keeps no reference to it."""
        return self._loaded.pop(part)

    def _request(self, load: Callable[[Any], Any]) -> Any:
        try:
            return load(self._pyslurm)
        except self._errors as error:
            raise SourceUnavailable(f"slurmctld cannot be read: {error} (Slurm error {error.errno}).") from error

    @cached_property
    def _job(self) -> AttributeReader[JobAttributes]:
        return AttributeReader(self._pyslurm.Job, JobAttributes._fields, JobAttributes._make)

    @cached_property
    def _node(self) -> AttributeReader[NodeAttributes]:
        return AttributeReader(self._pyslurm.Node, NodeAttributes._fields, NodeAttributes._make)

    @cached_property
    def _partition(self) -> AttributeReader[PartitionAttributes]:
        return AttributeReader(self._pyslurm.Partition, PartitionAttributes._fields, PartitionAttributes._make)

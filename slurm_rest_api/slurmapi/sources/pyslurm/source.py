"""Reads the cluster through pyslurm's objects, as build.sh builds them."""

from __future__ import annotations

from functools import partial
from typing import Any

from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import Record, Snapshot
from slurm_rest_api.slurmapi.sources.pyslurm.attribute_reader import AttributeReader
from slurm_rest_api.slurmapi.sources.pyslurm.attributes import JobAttributes, NodeAttributes, PartitionAttributes
from slurm_rest_api.slurmapi.sources.pyslurm.jobs import JobConverter
from slurm_rest_api.slurmapi.sources.pyslurm.module_facts import detail_of
from slurm_rest_api.slurmapi.sources.pyslurm.nodes import node_record
from slurm_rest_api.slurmapi.sources.pyslurm.partitions import partition_record
from slurm_rest_api.slurmapi.sources.pyslurm.statistics import statistics_record

RPCS_PER_LOAD = 6
"""Jobs 1, nodes 2 (with partitions), partitions 2 (with the configuration, for the preemption mode), statistics 1."""


class PyslurmSource:
    """A `ClusterSource` over `pyslurm.Jobs`, `Nodes`, `Partitions` and `slurmctld.Statistics`.

    Args:
        pyslurm: The imported module.
        names: Names of users and groups.
    """

    def __init__(self, pyslurm: Any, names: UserNames) -> None:
        self.name = "slurm"
        self.detail = detail_of(pyslurm)
        self.rpcs_of_last_load = RPCS_PER_LOAD
        self._pyslurm = pyslurm
        self._names = names
        self._reported: set[str] = set()
        self._read_job = AttributeReader(pyslurm.Job, JobAttributes._fields, JobAttributes._make)
        self._read_node = AttributeReader(pyslurm.Node, NodeAttributes._fields, NodeAttributes._make)
        self._read_partition = AttributeReader(
            pyslurm.Partition, PartitionAttributes._fields, PartitionAttributes._make
        )

    def load(self) -> Snapshot:
        """Reads everything. Jobs are converted during the iteration, which costs no further RPC.

        Raises:
            SourceUnavailable: An RPC failed. The message has Slurm's message and error number.
        """
        jobs, nodes, partitions, statistics = self._request()
        self._names.expire()
        node_records = [node_record(self._read_node(node), self._names) for node in nodes.values()]
        converter = JobConverter(self._read_job, self._names, node_records, self._reported)
        return Snapshot(
            jobs=converter.records(jobs),
            nodes=node_records,
            partitions=self._partitions(partitions),
            statistics=statistics_record(statistics),
            changed_since=partial(converter.changed_since, jobs),
        )

    def _partitions(self, partitions: Any) -> list[Record]:
        return [partition_record(self._read_partition(partition)) for partition in partitions.values()]

    def _request(self) -> tuple[Any, Any, Any, Any]:
        pyslurm = self._pyslurm
        try:
            return (
                pyslurm.Jobs.load(),
                pyslurm.Nodes.load(),
                pyslurm.Partitions.load(),
                pyslurm.slurmctld.Statistics.load(),
            )
        except pyslurm.RPCError as error:
            raise SourceUnavailable(f"slurmctld cannot be read: {error} (Slurm error {error.errno}).") from error

"""Reads the cluster through pyslurm's classic dictionaries (17.11 to 24.11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slurm_rest_api.errors import SourceError, SourceUnavailable
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import Snapshot
from slurm_rest_api.slurmapi.sources.legacy_jobs import job_record
from slurm_rest_api.slurmapi.sources.legacy_records import node_record, partition_record, statistics_record

RPCS_PER_LOAD = 5
"""Jobs 1, nodes 2 (with the partitions), partitions 1, statistics 1."""


class LegacySource:
    """A `ClusterSource` over `pyslurm.job`, `node`, `partition` and `statistics`.

    Args:
        pyslurm: The imported module.
        names: Names of users and groups.
    """

    def __init__(self, pyslurm: Any, names: UserNames) -> None:
        self.name = "slurm"
        self.detail = f"pyslurm {getattr(pyslurm, '__version__', '')}, classic dictionaries"
        self.rpcs_of_last_load = RPCS_PER_LOAD
        self._pyslurm = pyslurm
        self._names = names

    def load(self) -> Snapshot:
        """Reads everything. Jobs are converted during the iteration, which costs no further RPC.

        Raises:
            SourceUnavailable: An RPC failed. The message has Slurm's message.
            SourceError: This pyslurm cannot read its Slurm. The message says what to do.
        """
        jobs = self._request("job")
        nodes = self._request("node")
        partitions = self._request("partition")
        statistics = self._request("statistics")
        self._names.expire()
        return Snapshot(
            jobs=(job_record(int(job_id), job, self._names) for job_id, job in jobs.items()),
            nodes=[node_record(str(name), node, self._names) for name, node in nodes.items()],
            partitions=[partition_record(str(name), partition) for name, partition in partitions.items()],
            statistics=statistics_record(statistics),
        )

    def _request(self, what: str) -> Mapping[Any, Any]:
        try:
            answer: Mapping[Any, Any] = getattr(self._pyslurm, what)().get()
        except OverflowError as error:
            # 24.11.0 reads 32 bits of partition flags into 16.
            raise SourceError(
                f"pyslurm {getattr(self._pyslurm, '__version__', '')} cannot read this cluster's {what}s: {error}. "
                "Install a pyslurm with the object API (25.05 and later, or the branch 24.11.x) with build.sh."
            ) from error
        except ValueError as error:
            # pyslurm's classic classes raise ValueError(message, errno) when an RPC fails.
            words = str(error.args[0]) if error.args else str(error)
            number = f" (Slurm error {error.args[1]})" if len(error.args) > 1 else ""
            raise SourceUnavailable(f"slurmctld cannot be read: {words}{number}.") from error
        return answer or {}

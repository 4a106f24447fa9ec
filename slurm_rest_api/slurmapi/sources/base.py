"""The contract between a cluster and the collector."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

Record = dict[str, Any]
"""One published record: only JSON values, field names and units as `slurmapi.contract` declares them."""


@dataclass(frozen=True)
class Snapshot:
    """The cluster at one moment.

    `jobs` is an iterable that may be lazy and can be walked **once**: 100,000 jobs as Python
    dictionaries would take a gigabyte, so nobody holds them all.
    """

    jobs: Iterable[Record]
    nodes: list[Record]
    partitions: list[Record]
    statistics: Record


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

"""Loads a snapshot of the cluster whose parts come from one reader or from several."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final, NamedTuple, Protocol

from slurm_rest_api.slurmapi.sources.base import JobFingerprints, Record, Snapshot

SNAPSHOT_PARTS: Final = ("jobs", "nodes", "partitions", "statistics")
"""The parts of `parts.PARTS` that a snapshot has."""


class LoadedJobs(NamedTuple):
    """The jobs of one load. Both iterators have the same jobs, and only one of them can be used, once.

    Attributes:
        records: The records.
        changed_since: As `Snapshot.changed_since`.
    """

    records: Iterator[Record]
    changed_since: Callable[[Mapping[int, int], JobFingerprints], Iterator[Record]]


class PartReader(Protocol):
    """Reads parts of the cluster's state. A load calls `begin()` once, then the methods of the wanted parts."""

    @property
    def detail(self) -> str:
        """Returns the program or module that is read, such as `pyslurm 25.11.2 for Slurm 26.05.5`."""
        ...

    @property
    def rpcs_of_last_load(self) -> int:
        """Returns the number of RPCs since `begin()`."""
        ...

    @property
    def seconds_waited(self) -> float:
        """Returns the seconds for which all loads have waited for slurmctld while their jobs were iterated."""
        ...

    def begin(self, parts: Collection[str]) -> None:
        """Begins a load of `parts`. Reads what has to be read before them.

        Raises:
            SourceUnavailable: slurmctld did not answer.
        """
        ...

    def partitions(self) -> list[Record]:
        """Returns the records of the partitions."""
        ...

    def nodes(self, partitions: list[Record]) -> list[Record]:
        """Returns the records of the nodes. `partitions` has those of the same load."""
        ...

    def statistics(self) -> Record:
        """Returns the record of the statistics."""
        ...

    def jobs(self, nodes: list[Record]) -> LoadedJobs:
        """Returns the jobs. `nodes` has the records of the nodes of the same load."""
        ...


def load_parts(readers: Mapping[str, PartReader]) -> Snapshot:
    """Loads a snapshot. `readers` has the reader of each of SNAPSHOT_PARTS.

    The readers begin in the order of `readers`. pyslurm reads the jobs then, so it begins last: what it reads and the
    nodes that a command prints next are milliseconds apart.

    Raises:
        SourceUnavailable: slurmctld did not answer.
    """
    wanted: dict[PartReader, list[str]] = {}
    for part, reader in readers.items():
        wanted.setdefault(reader, []).append(part)
    for reader, parts in wanted.items():
        reader.begin(parts)
    partitions = readers["partitions"].partitions()
    nodes = readers["nodes"].nodes(partitions)
    statistics = readers["statistics"].statistics()
    reader = readers["jobs"]
    jobs, waited = reader.jobs(nodes), reader.seconds_waited
    return Snapshot(
        jobs=jobs.records,
        nodes=nodes,
        partitions=partitions,
        statistics=statistics,
        changed_since=jobs.changed_since,
        seconds_waited=lambda: reader.seconds_waited - waited,
    )


def all_parts(reader: PartReader) -> dict[str, PartReader]:
    """Returns the argument of `load_parts` for one reader of all parts."""
    return dict.fromkeys(SNAPSHOT_PARTS, reader)

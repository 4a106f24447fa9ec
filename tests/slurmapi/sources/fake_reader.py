"""A reader of parts that keeps what it was asked for."""

from __future__ import annotations

from collections.abc import Collection

from slurm_rest_api.slurmapi.sources.base import Record, Snapshot
from slurm_rest_api.slurmapi.sources.part_reader import LoadedJobs, all_parts, load_parts
from tests.builders import make_snapshot


class FakeReader:
    """Has the records of one snapshot. Each part costs as many RPCs as its name has letters."""

    seconds_waited = 0.0

    def __init__(self, detail: str, log: list[str] | None = None, snapshot: Snapshot | None = None) -> None:
        self.name = "slurm"
        self.detail = detail
        self.snapshot = snapshot or make_snapshot()
        self.log: list[str] = [] if log is None else log
        self.begun: list[tuple[str, ...]] = []
        self.rpcs_of_last_load = 0

    def load(self) -> Snapshot:
        return load_parts(all_parts(self))

    def begin(self, parts: Collection[str]) -> None:
        self.rpcs_of_last_load = 0
        self.begun.append(tuple(parts))
        self.log.append(f"{self.detail} begins")

    def partitions(self) -> list[Record]:
        self._read("partitions")
        return self.snapshot.partitions

    def nodes(self, partitions: list[Record]) -> list[Record]:
        self._read(f"nodes of {','.join(partition['name'] for partition in partitions)}")
        return self.snapshot.nodes

    def statistics(self) -> Record:
        self._read("statistics")
        return self.snapshot.statistics

    def jobs(self, nodes: list[Record]) -> LoadedJobs:
        self._read(f"jobs on {','.join(node['name'] for node in nodes)}")
        return LoadedJobs(iter(self.snapshot.jobs), lambda _known, _fingerprints: iter(self.snapshot.jobs))

    def _read(self, what: str) -> None:
        self.rpcs_of_last_load += len(what.partition(" ")[0])
        self.log.append(f"{self.detail}: {what}")

"""The order of the readings, and the rounds of a comparison."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from slurm_rest_api.slurmapi.sources.base import Record, Snapshot
from slurm_rest_api.slurmapi.sources.part_reader import SNAPSHOT_PARTS, LoadedJobs
from slurm_rest_api.slurmapi.sources.proof import ROUNDS, prove
from tests.builders import make_node, make_partition, make_running_job, make_snapshot


def cluster(cpus: int) -> Snapshot:
    """A cluster with one job on one node."""
    job = make_running_job(1, "rack001", cpus=cpus, gres_allocated={}, exit_code="0:0")
    node = make_node(name="rack001", alloc_cpus=4, gres=[], gres_used=[])
    return replace(make_snapshot(nodes=[node], partitions=[make_partition(name="main")]), jobs=[job])


RIGHT, WRONG = cluster(4), cluster(2)


class Reader:
    """Gives one snapshot after the other, the last one again and again. `log` has the parts of each load."""

    seconds_waited = 0.0
    rpcs_of_last_load = 0

    def __init__(self, detail: str, log: list[str], *snapshots: Snapshot) -> None:
        self.detail = detail
        self._log = log
        self._snapshots = list(snapshots)
        self._current = snapshots[0]

    def begin(self, parts: Collection[str]) -> None:
        self._current = self._snapshots.pop(0) if len(self._snapshots) > 1 else self._snapshots[0]
        self._log.append(f"{self.detail}: {', '.join(part for part in SNAPSHOT_PARTS if part in parts)}")

    def partitions(self) -> list[Record]:
        return self._current.partitions

    def nodes(self, partitions: list[Record]) -> list[Record]:
        return self._current.nodes

    def statistics(self) -> Record:
        return self._current.statistics

    def jobs(self, nodes: list[Record]) -> LoadedJobs:
        return LoadedJobs(iter(self._current.jobs), lambda _known, _fingerprints: iter(()))


ALL = ", ".join(SNAPSHOT_PARTS)


def proven(pyslurm: list[Snapshot], commands: list[Snapshot], parts: Collection[str] = SNAPSHOT_PARTS) -> Any:
    log: list[str] = []
    result = prove(Reader("pyslurm", log, *pyslurm), Reader("commands", log, *commands), parts)
    return log, result


def test_equal_sources_are_read_for_one_round() -> None:
    log, result = proven([RIGHT], [RIGHT])
    assert log == [f"pyslurm: {ALL}", f"commands: {ALL}", f"pyslurm: {ALL}"]
    assert {part: found.compared for part, found in result.items()} == dict.fromkeys(SNAPSHOT_PARTS, 1)
    assert not any(found.differing for found in result.values())


def test_a_difference_is_looked_for_in_every_round() -> None:
    log, result = proven([WRONG], [RIGHT])
    assert log == [f"pyslurm: {ALL}", *(f"commands: {ALL}", f"pyslurm: {ALL}") * ROUNDS]
    assert result["jobs"].fields == ("num_cpus", "cpus_allocated")
    assert result["nodes"].differing == 0


def test_a_difference_of_one_round_is_none() -> None:
    # A job that was resized for a moment, between two readings of pyslurm.
    log, result = proven([RIGHT], [WRONG, RIGHT])
    assert len(log) == 5
    assert result["jobs"].differing == 0


def test_parts_that_pyslurm_lacks_are_read_with_the_commands_and_not_compared() -> None:
    log, result = proven([RIGHT], [RIGHT], ("jobs", "statistics"))
    assert log[:2] == ["commands: nodes, partitions", "pyslurm: jobs, statistics"]
    assert list(result) == ["jobs", "statistics"]

"""A source whose parts come from pyslurm and from Slurm's commands."""

from __future__ import annotations

import json
from pathlib import Path

from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.sources.parts import Origin, PartOrigin, all_from, origins_from_json
from slurm_rest_api.slurmapi.sources.slurm_source import SlurmSource, origins_of
from slurm_rest_api.slurmapi.store.reader import StoreReader
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.builders import make_job, make_node, make_partition, make_snapshot
from tests.fakes import FakeSource
from tests.slurmapi.sources.fake_reader import FakeReader

PYSLURM = make_snapshot(
    jobs=[make_job(job_id=1)], nodes=[make_node(name="rack001")], partitions=[make_partition(name="main")]
)
COMMANDS = make_snapshot(
    jobs=[make_job(job_id=2)], nodes=[make_node(name="rack002")], partitions=[make_partition(name="long")]
)


def origins(*by_commands: str, why: str | None = "a fault") -> list[PartOrigin]:
    return [PartOrigin(row.part, "commands", why) if row.part in by_commands else row for row in all_from("pyslurm")]


class Cluster:
    """Both readers, with one log."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.readers: dict[Origin, FakeReader] = {
            "pyslurm": FakeReader("pyslurm", self.log, PYSLURM),
            "commands": FakeReader("commands", self.log, COMMANDS),
        }

    def open(self, *by_commands: str, why: str | None = "a fault") -> SlurmSource:
        return SlurmSource(origins(*by_commands, why=why), self.readers)


def test_each_part_comes_from_its_origin() -> None:
    snapshot = Cluster().open("nodes").load()
    assert [job["job_id"] for job in snapshot.jobs] == [1]
    assert [node["name"] for node in snapshot.nodes] == ["rack002"]
    assert [partition["name"] for partition in snapshot.partitions] == ["main"]


def test_each_reader_reads_its_parts_alone() -> None:
    cluster = Cluster()
    cluster.open("nodes", "statistics", "licenses").load()
    assert cluster.log == [
        "commands begins",
        "pyslurm begins",
        "pyslurm: partitions",
        "commands: nodes of main",
        "commands: statistics",
        "pyslurm: jobs on rack002",
    ]
    assert cluster.readers["commands"].begun == [("nodes", "statistics")]
    assert cluster.readers["pyslurm"].begun == [("jobs", "partitions")]


def test_the_rpcs_of_both_are_counted() -> None:
    source = Cluster().open("statistics")
    source.load()
    assert source.rpcs_of_last_load == len("jobs" + "nodes" + "partitions" + "statistics")
    source.load()
    assert source.rpcs_of_last_load == len("jobs" + "nodes" + "partitions" + "statistics")


def test_a_reader_without_parts_is_not_asked() -> None:
    cluster = Cluster()
    source = cluster.open()
    source.load()
    assert cluster.readers["commands"].begun == []
    assert source.detail == "pyslurm"


def test_the_detail_names_the_parts() -> None:
    assert Cluster().open("jobs", "nodes").detail == "pyslurm; jobs, nodes from commands"
    everything = ("jobs", "nodes", "partitions", "statistics")
    assert Cluster().open(*everything).detail == "commands, because a fault"
    assert Cluster().open(*everything, why=None).detail == "commands"


def test_a_cycle_stores_the_origins(tmp_path: Path) -> None:
    report = Cycle(Cluster().open("nodes"), StoreWriter(tmp_path / "store"), (), 10.0).run()
    assert report.rpcs == len("jobs" + "nodes" + "partitions" + "statistics")
    assert report.source_parts == (
        "jobs, partitions, statistics, reservations, licenses from pyslurm; nodes from commands, because a fault"
    )
    with StoreReader(tmp_path / "store").view() as view:
        assert view is not None
        status = view.status()
    assert origins_from_json(json.loads(status.source_parts)) == tuple(origins("nodes"))
    assert status.source_detail == "pyslurm; nodes from commands"


def test_only_slurm_has_origins() -> None:
    assert origins_of(Cluster().open("nodes")) == tuple(origins("nodes"))
    assert origins_of(FakeSource()) == ()

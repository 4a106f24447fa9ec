"""Every source gives complete records of the declared types, without Slurm's sentinels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.demo.source import DemoSource
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.contract import JobRecord, NodeRecord, PartitionRecord, StatisticsRecord
from slurm_rest_api.slurmapi.sources.base import ClusterSource, Record
from slurm_rest_api.slurmapi.sources.commands.source import open_commands
from slurm_rest_api.slurmapi.sources.pyslurm.source import PyslurmSource
from tests.builders import with_collected_fields
from tests.slurmapi.sources import fake_pyslurm
from tests.slurmapi.sources.commands.program_directory import ProgramDirectory
from tests.slurmapi.sources.fake_pyslurm import RUNNING, Job, Node
from tests.waiting import GIVE_UP_SECONDS

SENTINELS = {65534, 65535, 4294967294, 4294967295, 18446744073709551614, 18446744073709551615}


def objects() -> ClusterSource:
    """The object API with one job of each kind, one of them without any attribute set."""
    bare = Job()
    bare.__dict__.clear()
    bare.__dict__.update(id=9, state="PENDING", layout={})
    jobs = [
        Job(),
        Job(**{**RUNNING, "id": 8}),
        bare,
        Job(
            id=10,
            array_id=10,
            raw_array_task_id=4294967294,
            raw_array_task_str="1-3",
            standard_output="/tmp/slurm-10_4294967294.out",
        ),
    ]
    nodes = [Node(), Node(name="rack002", state="DOWN+NOT_RESPONDING", reason="fan", raw_reason_uid=0, reason_time=5)]
    return PyslurmSource(fake_pyslurm.make_pyslurm(jobs=jobs, nodes=nodes), UserNames())


def demo() -> ClusterSource:
    """The simulated cluster on a Tuesday afternoon."""
    return DemoSource(Scale(), clock=lambda: 1_795_530_000.0)


def commands(folder: Path) -> ClusterSource:
    """Slurm's commands with a pending job, a running job, and two nodes."""
    return open_commands(str(ProgramDirectory(folder).bin_dir), GIVE_UP_SECONDS)


@pytest.fixture(params=[objects, demo, commands])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> ClusterSource:
    made: ClusterSource = request.param(tmp_path / "slurm") if request.param is commands else request.param()
    return made


def all_records(source: ClusterSource) -> list[tuple[Any, Record]]:
    snapshot = source.load()
    return [
        *((JobRecord, job) for job in snapshot.jobs),
        *((NodeRecord, node) for node in with_collected_fields(snapshot.nodes)),
        *((PartitionRecord, partition) for partition in snapshot.partitions),
        (StatisticsRecord, snapshot.statistics),
    ]


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def test_every_record_has_exactly_the_declared_fields_and_types(source: ClusterSource) -> None:
    records = all_records(source)
    assert {model for model, _ in records} == {JobRecord, NodeRecord, PartitionRecord, StatisticsRecord}
    for model, record in records:
        assert set(record) == set(model.model_fields)
        assert model.model_validate(record)


def test_every_record_is_the_same_after_json(source: ClusterSource) -> None:
    for _, record in all_records(source):
        assert json.loads(orjson.dumps(record)) == record


def test_no_number_is_a_sentinel_or_above_two_to_the_53(source: ClusterSource) -> None:
    values = [value for _, record in all_records(source) for value in leaves(record)]
    numbers = [value for value in values if isinstance(value, int | float)]
    assert numbers
    assert not SENTINELS.intersection(numbers)
    assert max(numbers) <= 2**53 - 1
    assert not [value for value in values if isinstance(value, str) and "4294967294" in value]


def test_two_loads_give_the_same_records(source: ClusterSource) -> None:
    assert all_records(source) == all_records(source)


def test_the_number_of_rpcs_is_declared(source: ClusterSource) -> None:
    list(source.load().jobs)
    # The commands ask for one job a second time, because a text of its user contains a blank and `=`.
    assert (source.name, source.rpcs_of_last_load) in {("slurm", 6), ("slurm", 10 + 2), ("demo", 0)}

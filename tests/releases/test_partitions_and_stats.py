"""`/partitions` and `/stats`, read with Slurm's commands, against scontrol and sdiag of the same release."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from slurm_rest_api.slurmapi.contract.partition import PartitionRecord
from slurm_rest_api.slurmapi.contract.statistics import StatisticsRecord
from tests.cluster.answers import fresh
from tests.releases.conftest import assert_agrees
from tests.releases.partition_truth import EXPECTED, LENT, fields_without_a_place, flat, read_partitions
from tests.releases.scene import Scene
from tests.releases.statistics_truth import read_statistics, unlike_statistics
from tests.releases.tables import unlike
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service
from tests.testbed.slurmnodes import HIDDEN_PARTITION


@pytest.fixture(scope="module")
def lent(release: Cluster, scene: Scene) -> Iterator[str]:
    """Creates a partition that has every setting."""
    release.run(["scontrol", "create", "PartitionName=lent", *(f"{name}={value}" for name, value in LENT.items())])
    yield "lent"
    release.run(["scontrol", "delete", "PartitionName=lent"])


def _unlike(cluster: Cluster, service: Service) -> list[str]:
    before = read_partitions(cluster)
    [ours] = fresh(service, "/partitions")
    after = read_partitions(cluster)
    found = [] if set(ours) == set(before) - {HIDDEN_PARTITION} else [f"published {set(ours)}, Slurm has {set(before)}"]
    for name in ours.keys() & before.keys():
        lines = unlike(EXPECTED, frozenset(), flat(ours[name]), before[name], after[name])
        found += [f"{name}: {line}" for line in lines]
    return found


def test_every_partition_is_what_scontrol_prints(release: Cluster, service: Service, lent: str) -> None:
    assert_agrees(lambda: _unlike(release, service))


def test_every_published_field_is_compared_or_excused() -> None:
    assert fields_without_a_place() == set()


def test_every_record_is_what_the_contract_says(service: Service, lent: str) -> None:
    partitions, statistics = fresh(service, "/partitions", "/stats")
    for name, record in partitions.items():
        assert PartitionRecord.model_validate(record).name == name
    assert StatisticsRecord.model_validate(statistics)


def _unlike_statistics(cluster: Cluster, service: Service) -> list[str]:
    before = read_statistics(cluster)
    [ours] = fresh(service, "/stats")
    return unlike_statistics(ours, before, read_statistics(cluster))


def test_statistics_are_what_sdiag_prints(release: Cluster, service: Service, scene: Scene) -> None:
    assert_agrees(lambda: _unlike_statistics(release, service))

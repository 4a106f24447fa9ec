"""Nodes, partitions, statistics and settings of real clusters of several releases, compared with sinfo."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurm.node_words import node_state_word
from slurm_rest_api.slurm.states import NodeState
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.contract import NodeRecord, PartitionRecord, StatisticsRecord
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands.configuration import parse_configuration
from slurm_rest_api.slurmapi.sources.commands.nodes import NodeContext, node_lines, node_record
from slurm_rest_api.slurmapi.sources.commands.partitions import partition_records
from slurm_rest_api.slurmapi.sources.commands.statistics import statistics_record
from tests.builders import with_collected_fields
from tests.slurmapi.sources.commands.recorded_clusters import RELEASES, RecordedCluster


@pytest.fixture(params=RELEASES)
def cluster(request: pytest.FixtureRequest) -> RecordedCluster:
    return RecordedCluster(request.param)


def nodes_of(cluster: RecordedCluster) -> dict[str, Record]:
    context = NodeContext(UserNames(user_id=lambda name: {"root": 0}[name]), "kite", 6818, cluster.numbers)
    records = [node_record(line, context).record for line in node_lines(cluster.lines("node"))]
    for record in with_collected_fields(records):
        NodeRecord.model_validate(record)
    return {record["name"]: record for record in records}


def partitions_of(cluster: RecordedCluster) -> dict[str, Record]:
    records = partition_records(cluster.lines("part"), "kite")
    for record in records:
        PartitionRecord.model_validate(record)
    return {record["name"]: record for record in records}


def test_states_are_the_words_of_sinfo(cluster: RecordedCluster) -> None:
    words = {
        name: node_state_word(NodeState(record["state_base"], tuple(record["state_flags"]))).lower()
        for name, record in nodes_of(cluster).items()
    }
    expected = {row[0]: row[1] for row in cluster.rows("sinfo")}
    # A node with jobs that is MIXED and FAIL: sinfo calls it failing since a release after 23.02.
    assert (words.pop("k3"), expected.pop("k3")[:4]) == ("failing", "fail")
    assert {name: words[name] for name in expected} == expected


def test_cpus_and_memory_are_those_of_sinfo(cluster: RecordedCluster) -> None:
    found = {
        name: (record["alloc_cpus"], record["cpus"], record["real_memory"])
        for name, record in nodes_of(cluster).items()
    }
    expected = {}
    for name, _state, cpus, memory, _gres in cluster.rows("sinfo"):
        allocated, _idle, _other, total = cpus.split("/")
        expected[name] = int(allocated), int(total), int(memory)
    assert found == expected


def test_gres(cluster: RecordedCluster) -> None:
    found = nodes_of(cluster)
    assert found["k1"]["gres"] == ["gpu:k80:2", f"tmp:{844 * 2**30}"]
    assert found["k3"]["gres"] == ["gpu:1080:2"]
    assert found["k3"]["gres_used"] == ["gpu:1080:2"]
    assert found["k4"]["gres"] == []


def test_reasons(cluster: RecordedCluster) -> None:
    found = nodes_of(cluster)
    assert found["k3"]["reason"] == "GPU fell off"
    assert (found["k3"]["reason_uid"], found["k3"]["reason_user"]) == (0, "root")
    assert found["k4"]["reason"] == "bad fan Owner=x CPUAlloc=0 [root@2020-01-01T00:00:00]"
    assert found["k5"]["reason"] == "k\ufffdhler\nNodeName=k9 State=IDLE"
    assert found["k1"]["reason"] is None
    assert found["c1"]["reason_user"] is None


def test_partitions_are_those_of_sinfo(cluster: RecordedCluster) -> None:
    # sinfo leaves out nodes in the cloud that are powered down, and these are the nodes of burst.
    found = [
        (name, record["state"], record["max_time_str"], record["total_nodes"], record["nodes"])
        for name, record in partitions_of(cluster).items()
        if name != "burst"
    ]
    words = {"up": "UP", "down": "DOWN", "infinite": "UNLIMITED", "10:00": "00:10:00"}
    assert found == [
        (name, words[state], words.get(limit, limit), int(count), nodes)
        for name, state, limit, count, nodes in cluster.rows("sinfo-partitions")
        if name != "burst"
    ]


def test_hidden_partitions_are_marked(cluster: RecordedCluster) -> None:
    found = partitions_of(cluster)
    assert [name for name, record in found.items() if record["flags"]["Hidden"]] == ["secret"]


def test_settings(cluster: RecordedCluster) -> None:
    found = parse_configuration(cluster.text("config"))
    assert (found.cluster_name, found.release) == ("kite", cluster.numbers)
    assert found.private_data == frozenset()
    assert (found.default_node_port or 6818) == 6818


def test_statistics(cluster: RecordedCluster) -> None:
    found = statistics_record(cluster.text("sdiag"))
    StatisticsRecord.model_validate(found)
    assert found["jobs_submitted"] > 50

"""`/nodes` against `scontrol show node`, field by field: idle, mixed, allocated, drained, down."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from slurm_rest_api.slurmapi.contract.node import NodeRecord
from tests.cluster.answers import fresh
from tests.cluster.comparison import Row, count, differences, known, known_not_zero, split, word
from tests.cluster.conftest import Jobs
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service
from tests.testbed.slurmnodes import HIDDEN_PARTITION
from tests.testbed.steps import wait_until
from tests.testbed.truth import parse_record

Facts = dict[str, Any]

NODES = ("rack001", "rack002", "rack003", "rack004", "rack005", "rack006", "rack007")
STATES = {
    "rack001": "MIXED",
    "rack002": "ALLOCATED",
    "rack003": "IDLE+DRAIN",
    "rack004": "MIXED+DRAIN",
    "rack005": "MIXED",
    "rack006": "IDLE",
    "rack007": "DOWN*",
}


def _classic(states: list[str]) -> str:
    """`["DOWN", "NOT_RESPONDING"]` is `DOWN*`, as sinfo prints it."""
    star = "*" if "NOT_RESPONDING" in states else ""
    return "+".join([states[0] + star, *(state for state in states[1:] if state != "NOT_RESPONDING")])


def _joined(words: list[str]) -> str | list[str]:
    return ",".join(words) or []


def _visible(partitions: list[str]) -> list[str]:
    return [name for name in partitions if name != HIDDEN_PARTITION]


def _in_use(gres: str) -> list[str]:
    """`gpu:tesla:1(IDX:0)` is `gpu:tesla:1`."""
    return [text for item in split(gres) if not (text := item.partition("(")[0]).endswith(":0")]


JSON_ROWS = [
    Row("name", "name"),
    Row("state", "state", _classic),
    Row("state_base", "state", lambda states: states[0]),
    Row("state_flags", "state", lambda states: sorted(states[1:]), ours=sorted),
    Row("next_state", "next_state_after_reboot", lambda states: None if states == ["INVALID"] else "+".join(states)),
    Row("reason", "reason", word),
    Row("reason_time", "reason_changed_at", known_not_zero),
    Row("reason_user", "reason_set_by_user", word),
    Row("boot_time", "boot_time", count),
    Row("slurmd_start_time", "slurmd_start_time", count),
    Row("last_busy", "last_busy", count, moving=True),
    Row("comment", "comment", word),
    Row("extra", "extra", word),
    Row("cpus", "cpus"),
    Row("effective_cpus", "effective_cpus"),
    Row("alloc_cpus", "alloc_cpus"),
    Row("idle_cpus", "alloc_idle_cpus"),
    Row("cpu_load", "cpu_load", moving=True),
    Row("real_memory", "real_memory"),
    Row("alloc_mem", "alloc_memory"),
    Row("free_mem", "free_mem", known, moving=True),
    Row("mem_spec_limit", "specialized_memory"),
    Row("tmp_disk", "temporary_disk"),
    Row("gres", "gres", split),
    Row("gres_used", "gres_used", _in_use),
    Row("gres_drain", "gres_drained", lambda text: word(text) or []),
    Row("tres_fmt_str", "tres"),
    Row("alloc_tres_fmt_str", "tres_used", word),
    Row("arch", "architecture"),
    Row("os", "operating_system"),
    Row("version", "version"),
    Row("node_addr", "address"),
    Row("node_hostname", "hostname"),
    Row("bcast_address", "burstbuffer_network_address", word),
    Row("port", "port"),
    Row("boards", "boards"),
    Row("sockets", "sockets"),
    Row("cores", "cores"),
    Row("cores_per_socket", "cores"),
    Row("threads", "threads"),
    Row("core_spec_cnt", "specialized_cores"),
    Row("cpu_spec_list", "specialized_cpus", lambda text: text or []),
    Row("features", "features", _joined),
    Row("features_active", "active_features", _joined),
    Row("partitions", "partitions", _visible),
    Row("mcs_label", "mcs_label", word),
    Row("weight", "weight"),
    Row("energy", "energy", lambda energy: {
        "current_watts": energy["current_watts"]["number"],
        "ave_watts": energy["average_watts"],
        "base_watts": 0,
        "base_consumed_energy": energy["base_consumed_energy"],
        "consumed_energy": energy["consumed_energy"],
        "previous_consumed_energy": energy["previous_consumed_energy"],
    }),
]  # fmt: skip

TEXT_ROWS = [
    Row("state", "State", lambda text: _classic(text.split("+"))),
    Row("alloc_cpus", "CPUAlloc", int),
    Row("alloc_mem", "AllocMem", int),
    Row("owner", "Owner", lambda text: None if text == "N/A" else text),
]

NOT_TOLD = {
    "cluster": "Slurm's commands leave it empty; the jobs of the cluster name it",
    "reason_uid": "Slurm's commands print the name; a test of its own",
    "err_cpus": "documented as always 0",
    "idle_mem": "Slurm's commands do not print it; a test of its own",
    "gpus": "counted in gres and gres_used; a test of its own",
    "free_gpus": "counted in gres and gres_used; a test of its own",
    "reservations": "Slurm's commands print the nodes of a reservation, and no reservation of a node",
    "cpu_bind": "Slurm's commands print it only where it is set",
    "power_mgmt": "documented as null",
}


@dataclass(frozen=True)
class Reading:
    """One `/nodes` between two readings of the truth."""

    ours: dict[str, Any]
    before: dict[str, tuple[Facts, Facts]]
    after: dict[str, tuple[Facts, Facts]]


@pytest.fixture(scope="module")
def reading(cluster: Cluster, service: Service) -> Iterator[Reading]:
    jobs = Jobs(cluster)
    cluster.daemons.stop("slurmd-rack007", signal.SIGKILL)
    try:
        jobs.running(nodelist="rack001", ntasks=5, mem_per_cpu=300)
        jobs.running(user="bob", nodelist="rack002", exclusive=True, mem=32000)
        jobs.running(user="carol", nodelist="rack004", ntasks=2, mem=3000)
        jobs.running(partition="high", nodelist="rack005", gres="gpu:tesla:1")
        cluster.drain("rack003", "the fan, it is loud")
        cluster.drain("rack004", "disk replacement")
        wait_until("the nodes to have their states", lambda: _states(cluster), lambda seen: seen == STATES)
        before = _read_nodes(cluster)
        [ours] = fresh(service, "/nodes")
        yield Reading(ours, before, _read_nodes(cluster))
    finally:
        _restore(cluster, jobs)


def _restore(cluster: Cluster, jobs: Jobs) -> None:
    cluster.daemons.start("slurmd-rack007")
    jobs.cancel_all()
    for node in ("rack003", "rack004"):
        cluster.undrain(node)
    for node in ("rack003", "rack004", "rack007"):
        cluster.wait_node(node, "IDLE")


def _states(cluster: Cluster) -> dict[str, str]:
    return {name: _classic(node["state"]) for name, node in cluster.nodes_json().items() if name in NODES}


def _read_nodes(cluster: Cluster) -> dict[str, tuple[Facts, Facts]]:
    printed = cluster.run(["scontrol", "-o", "-d", "show", "node"]).stdout.splitlines()
    texts = {record["NodeName"]: record for record in map(parse_record, printed) if record}
    return {name: (told, dict(texts[name])) for name, told in cluster.nodes_json().items()}


@pytest.mark.parametrize("node", NODES)
def test_a_node_is_what_scontrol_says(reading: Reading, node: str) -> None:
    assert differences(JSON_ROWS, reading.ours[node], reading.before[node][0], reading.after[node][0]) == []


@pytest.mark.parametrize("node", NODES)
def test_a_node_is_what_scontrol_prints(reading: Reading, node: str) -> None:
    assert differences(TEXT_ROWS, reading.ours[node], reading.before[node][1], reading.after[node][1]) == []


def test_every_published_field_has_a_row() -> None:
    compared = {row.field for row in JSON_ROWS + TEXT_ROWS}

    assert compared | set(NOT_TOLD) == set(NodeRecord.model_fields)
    assert compared.isdisjoint(NOT_TOLD)


def test_every_record_is_what_the_contract_says(reading: Reading) -> None:
    for name, record in reading.ours.items():
        NodeRecord.model_validate(record)
        assert record["name"] == name


@pytest.mark.parametrize(("node", "state"), STATES.items())
def test_state(reading: Reading, node: str, state: str) -> None:
    assert reading.ours[node]["state"] == state


def test_states_are_those_of_sinfo(cluster: Cluster, reading: Reading) -> None:
    printed = cluster.run(["sinfo", "-h", "-N", "-p", "long", "-o", "%N %T"]).stdout.splitlines()
    words = dict(line.split() for line in printed)

    assert {node: words[node] for node in NODES} == {
        "rack001": "mixed", "rack002": "allocated", "rack003": "drained", "rack004": "draining", "rack005": "mixed",
        "rack006": "idle", "rack007": "down*",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("node", "cpus", "memory_mib"),
    [("rack001", 6, 1800), ("rack002", 16, 32000), ("rack003", 0, 0), ("rack004", 2, 3000), ("rack007", 0, 0)],
)
def test_allocated_and_idle(reading: Reading, node: str, cpus: int, memory_mib: int) -> None:
    record = reading.ours[node]

    assert (record["alloc_cpus"], record["alloc_mem"]) == (cpus, memory_mib)
    assert record["idle_cpus"] == record["cpus"] - cpus
    assert record["idle_mem"] == record["real_memory"] - memory_mib


def test_who_drained_a_node_and_why(reading: Reading) -> None:
    record = reading.ours["rack003"]

    assert (record["reason"], record["reason_user"], record["reason_uid"]) == ("the fan, it is loud", "root", 0)
    assert record["reason_time"] == reading.before["rack003"][0]["reason_changed_at"]["number"]


def test_slurm_says_why_a_node_is_down(reading: Reading) -> None:
    record = reading.ours["rack007"]

    assert (record["reason"], record["state_base"], record["state_flags"]) == (
        "Not responding", "DOWN", ["NOT_RESPONDING"]
    )  # fmt: skip


def test_nothing_is_said_of_a_healthy_node(reading: Reading) -> None:
    record: Mapping[str, Any] = reading.ours["rack006"]

    assert [record[field] for field in ("reason", "reason_time", "reason_user", "reason_uid")] == [None] * 4


def test_a_gpu_in_use(reading: Reading) -> None:
    used, idle = reading.ours["rack005"], reading.ours["rack006"]

    assert (used["gres"], used["gres_used"]) == (["gpu:tesla:2"], ["gpu:tesla:1"])
    assert (idle["gres"], idle["gres_used"]) == (["gpu:tesla:2"], [])
    assert (used["gpus"], used["free_gpus"]) == ({"tesla": {"total": 2, "free": 1}}, 1)
    assert (idle["gpus"], idle["free_gpus"]) == ({"tesla": {"total": 2, "free": 2}}, 2)
    assert "gres/gpu=1" in used["alloc_tres_fmt_str"]


def test_the_cluster_is_named(reading: Reading) -> None:
    assert {record["cluster"] for record in reading.ours.values()} == {"testbed"}

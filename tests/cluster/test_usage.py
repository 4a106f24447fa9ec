"""`/usage` against what Slurm says of nodes and jobs, and against loads computed by hand for known jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from slurm_rest_api.slurmapi.contract.usage import UsageRecord
from tests.cluster.answers import fresh
from tests.cluster.conftest import Jobs
from tests.cluster.job_truth import read_jobs
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service
from tests.testbed.steps import wait_until

VISIBLE = ("rack001", "rack002", "rack003", "rack004", "rack005", "rack006", "rack007")
MEMBERS = {"main": VISIBLE[:6], "high": VISIBLE[2:6], "long": VISIBLE}

# partition, node → (CPUs, MiB, jobs) of the jobs below. Nodes up to rack006 have 16 CPUs in cores of two and 32,000
# MiB, rack007 has 8 CPUs and 16,000 MiB. A suspended job's CPUs are given to others, its memory is not.
HELD = {
    ("main", "rack001"): (8, 2000, 2),  # 8 CPUs of 125 MiB; 4 CPUs with 1,000 MiB, suspended
    ("main", "rack002"): (2, 8000, 1),
    ("main", "rack003"): (4, 400, 1),  # two nodes: 4 CPUs here, 2 there, 100 MiB each
    ("main", "rack004"): (2, 200, 1),
    ("high", "rack003"): (4, 4000, 1),
    ("long", "rack007"): (6, 1200, 2),  # 4 CPUs of 200 MiB, 2 CPUs with 400 MiB
    ("long", "rack003"): (2, 16000, 1),
}
# The share of CPUs or of memory, whichever is larger, summed over the partition's nodes by hand.
LOADS = {
    "main": (8 / 16 + 8000 / 32000 + 4 / 16 + 2 / 16) / 6,
    "high": (4 / 16) / 4,
    "long": (6 / 8 + 16000 / 32000) / 7,
}
ALLOCATED = {
    "rack001": (8, 2000),
    "rack002": (2, 8000),
    "rack003": (10, 20400),
    "rack004": (2, 200),
    "rack005": (0, 0),
    "rack006": (0, 0),
    "rack007": (6, 1200),
}
TOTAL_LOAD = (8 / 16 + 8000 / 32000 + 20400 / 32000 + 2 / 16 + 0 + 0 + 6 / 8) / 7


@dataclass(frozen=True)
class Reading:
    """One `/usage`, whole and compact, with the published nodes of the same snapshot."""

    usage: dict[str, Any]
    compact: dict[str, Any]
    nodes: dict[str, Any]


@pytest.fixture(scope="module")
def reading(cluster: Cluster, service: Service) -> Iterator[Reading]:
    jobs = Jobs(cluster)
    try:
        wait_until("the cluster to be empty", lambda: cluster.run(["squeue", "-h", "-a", "-t", "R,S,CG"]).stdout,
                   lambda running: not running)  # fmt: skip
        _submit(cluster, jobs)
        usage, compact, nodes = fresh(service, "/usage", "/usage?compact=true", "/nodes")
        yield Reading(usage, compact, nodes)
    finally:
        jobs.cancel_all()


def _submit(cluster: Cluster, jobs: Jobs) -> None:
    running = [
        jobs.submit(nodelist="rack001", ntasks=8, mem_per_cpu=125),
        jobs.submit(user="bob", nodelist="rack002", ntasks=2, mem=8000),
        jobs.submit(user="carol", nodelist="rack[003-004]", nodes=2, ntasks=6, mem_per_cpu=100, distribution="block"),
        jobs.submit(partition="high", nodelist="rack003", ntasks=4, mem_per_cpu=1000),
        jobs.submit(user="bob", partition="long", nodelist="rack003", ntasks=2, mem=16000),
        jobs.submit(partition="long", nodelist="rack007", ntasks=4, mem_per_cpu=200),
        jobs.submit(user="carol", partition="long", nodelist="rack007", ntasks=2, mem=400),
    ]
    suspended = jobs.submit(nodelist="rack001", ntasks=3, mem=1000)
    for job in [*running, suspended]:
        cluster.wait_state(job, {"RUNNING"})
    cluster.suspend(suspended)
    jobs.submit(hold=True, ntasks=16)


@pytest.mark.parametrize(("partition", "node"), HELD)
def test_what_a_partition_holds_on_a_node(reading: Reading, partition: str, node: str) -> None:
    entry = reading.usage["partitions"][partition]["nodes"][node]

    assert (entry["cpus_allocated"], entry["mem_allocated"], entry["running_jobs"]) == HELD[partition, node]


def test_everything_else_is_held_by_nobody(reading: Reading) -> None:
    for name, partition in reading.usage["partitions"].items():
        for node, entry in partition["nodes"].items():
            if entry["active"] and (name, node) not in HELD:
                assert (entry["cpus_allocated"], entry["mem_allocated"], entry["running_jobs"]) == (0, 0, 0)


def test_the_literal_figures_are_what_scontrol_prints_of_jobs(cluster: Cluster, reading: Reading) -> None:
    held: dict[tuple[str, str], tuple[int, int, int]] = {}
    for told, text in read_jobs(cluster).values():
        for node, cpus in text["layout"]["cpus"].items():
            before = held.get((told["partition"], node), (0, 0, 0))
            memory_mib = text["layout"]["memory"][node]
            cpus = 0 if "SUSPENDED" in told["job_state"] else cpus
            held[told["partition"], node] = (before[0] + cpus, before[1] + memory_mib, before[2] + 1)

    assert held == HELD


@pytest.mark.parametrize("node", VISIBLE)
def test_a_node_is_used_as_scontrol_says(cluster: Cluster, reading: Reading, node: str) -> None:
    told = cluster.scontrol_show("node", node)
    cpus, memory_mib = int(told["CPUAlloc"]), int(told["AllocMem"])

    assert (cpus, memory_mib) == ALLOCATED[node]
    for name, partition in reading.usage["partitions"].items():
        if node in MEMBERS[name]:
            entry = partition["nodes"][node]
            assert (entry["total_used_cpus"], entry["total_used_mem"]) == (cpus, memory_mib)
            assert (entry["total_cpus"], entry["total_memory"]) == (int(told["CPUTot"]), int(told["RealMemory"]))


def test_the_partitions_of_a_node_hold_what_slurmctld_counts_as_allocated(reading: Reading) -> None:
    held: dict[str, tuple[int, int]] = dict.fromkeys(VISIBLE, (0, 0))
    for partition in reading.usage["partitions"].values():
        for node, entry in partition["nodes"].items():
            if entry["active"]:
                cpus, memory_mib = held[node]
                held[node] = (cpus + entry["cpus_allocated"], memory_mib + entry["mem_allocated"])
    assert held == ALLOCATED


@pytest.mark.parametrize("partition", MEMBERS)
def test_figures_of_a_partition(cluster: Cluster, reading: Reading, partition: str) -> None:
    ours, told = reading.usage["partitions"][partition], cluster.scontrol_show("partition", partition)
    nodes = [cluster.scontrol_show("node", node) for node in MEMBERS[partition]]

    assert ours["total_nodes"] == int(told["TotalNodes"]) == len(MEMBERS[partition])
    assert ours["total_cpus"] == int(told["TotalCPUs"])
    assert (ours["state"], ours["priority"]) == (told["State"], int(told["PriorityTier"]))
    assert ours["real_mem"] == sum(int(node["RealMemory"]) for node in nodes)
    assert ours["total_used_cpus_on_active_nodes"] == sum(int(node["CPUAlloc"]) for node in nodes)
    assert ours["total_used_mem_on_active_nodes"] == sum(int(node["AllocMem"]) for node in nodes)


@pytest.mark.parametrize(("partition", "cpus", "memory_mib"), [("main", 16, 10600), ("high", 4, 4000),
                                                               ("long", 8, 17200)])  # fmt: skip
def test_allocation_and_load_of_a_partition(reading: Reading, partition: str, cpus: int, memory_mib: int) -> None:
    ours = reading.usage["partitions"][partition]

    assert (ours["alloc_cpus"], ours["alloc_mem"]) == (cpus, memory_mib)
    assert ours["partition_load"] == pytest.approx(LOADS[partition], abs=1e-9)


def test_figures_of_the_cluster(reading: Reading) -> None:
    usage = reading.usage

    assert (usage["alloc_cpus"], usage["alloc_mem"]) == (28, 31800)
    assert (usage["total_cpus"], usage["total_mem"]) == (104, 208000)
    assert usage["total_load"] == pytest.approx(TOTAL_LOAD, abs=1e-9)


def test_every_partition_has_every_node(reading: Reading) -> None:
    for name, partition in reading.usage["partitions"].items():
        assert sorted(partition["nodes"]) == list(VISIBLE)
        assert [node for node, entry in partition["nodes"].items() if entry != {"active": False}] == [
            node for node in partition["nodes"] if node in MEMBERS[name]
        ]


def test_compact_leaves_out_what_is_inactive_and_nothing_else(reading: Reading) -> None:
    expected = {
        name: {**partition, "nodes": {node: partition["nodes"][node] for node in MEMBERS[name]}}
        for name, partition in reading.usage["partitions"].items()
    }

    assert reading.compact == {**reading.usage, "partitions": expected}


def test_the_nodes_of_the_same_moment_say_the_same(reading: Reading) -> None:
    allocated = {name: (node["alloc_cpus"], node["alloc_mem"]) for name, node in reading.nodes.items()}

    assert allocated == ALLOCATED


def test_both_forms_are_what_the_contract_says(reading: Reading) -> None:
    UsageRecord.model_validate(reading.usage)
    UsageRecord.model_validate(reading.compact)
    assert set(reading.usage) == set(UsageRecord.model_fields)

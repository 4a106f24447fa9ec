from __future__ import annotations

import copy
import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.slurmapi.collector.usage import Allocation, allocations_of, compact, compute_usage
from tests.builders import make_job, make_node, make_partition, make_running_job


@pytest.mark.parametrize("state", ["RUNNING", "CONFIGURING", "RUNNING+CONFIGURING", "STOPPED", "SIGNALING", "RESIZING"])
def test_jobs_that_hold_nodes_have_one_allocation_a_node(state: str) -> None:
    job = make_job(
        job_state=state, cpus_allocated={"rack001": 2, "rack002": 1}, mem_allocated={"rack001": 500, "rack002": None}
    )

    assert allocations_of(job) == [Allocation("main", "rack001", 2, 500), Allocation("main", "rack002", 1, 0)]


def test_a_suspended_job_holds_memory_and_no_cpus() -> None:
    job = make_running_job(1, "rack002", cpus=4, memory_mib=400, job_state="SUSPENDED")

    assert allocations_of(job) == [Allocation("main", "rack002", 0, 400)]


@pytest.mark.parametrize(
    "state", ["PENDING", "COMPLETING", "CANCELLED+COMPLETING", "COMPLETED", "COMPLETED+STAGE_OUT", None]
)
def test_other_jobs_have_no_allocation(state: str | None) -> None:
    assert allocations_of(make_job(job_state=state, cpus_allocated={"rack001": 2})) == []


def test_memory_without_cpus_is_an_allocation_too() -> None:
    job = make_running_job(1, "rack001", cpus_allocated={}, mem_allocated={"rack001": 100})

    assert allocations_of(job) == [Allocation("main", "rack001", 0, 100)]


def test_the_usage_of_a_small_cluster() -> None:
    nodes = [
        make_node("rack001", alloc_cpus=3, alloc_mem=2000, partitions=["main", "long"]),
        make_node("rack002", alloc_cpus=0, alloc_mem=6000, partitions=["main"]),
    ]
    partitions = [
        make_partition("main", total_nodes=2, total_cpus=8, priority_tier=10),
        make_partition("long", state="DOWN"),
    ]
    allocations = [
        Allocation("main", "rack001", 1, 500),
        Allocation("main", "rack001", 1, 500),
        Allocation("long", "rack001", 1, 1000),
        Allocation("main", "rack002", 0, 6000),
    ]

    assert compute_usage(partitions, nodes, allocations) == {
        "total_load": 0.75,
        "alloc_cpus": 3,
        "alloc_mem": 8000,
        "total_cpus": 8,
        "total_mem": 16000,
        "partitions": {
            "main": {
                "total_nodes": 2,
                "total_cpus": 8,
                "state": "UP",
                "priority": 10,
                "real_mem": 16000,
                "total_used_cpus_on_active_nodes": 3,
                "total_used_mem_on_active_nodes": 8000,
                "alloc_cpus": 2,
                "alloc_mem": 7000,
                "partition_load": 0.625,
                "nodes": {
                    "rack001": {
                        "active": True,
                        "total_cpus": 4,
                        "total_memory": 8000,
                        "total_used_cpus": 3,
                        "total_used_mem": 2000,
                        "cpus_allocated": 2,
                        "mem_allocated": 1000,
                        "gpus_allocated": 0,
                        "running_jobs": 2,
                    },
                    "rack002": {
                        "active": True,
                        "total_cpus": 4,
                        "total_memory": 8000,
                        "total_used_cpus": 0,
                        "total_used_mem": 6000,
                        "cpus_allocated": 0,
                        "mem_allocated": 6000,
                        "gpus_allocated": 0,
                        "running_jobs": 1,
                    },
                },
            },
            "long": {
                "total_nodes": 1,
                "total_cpus": 4,
                "state": "DOWN",
                "priority": 1,
                "real_mem": 8000,
                "total_used_cpus_on_active_nodes": 3,
                "total_used_mem_on_active_nodes": 2000,
                "alloc_cpus": 1,
                "alloc_mem": 1000,
                "partition_load": 0.25,
                "nodes": {
                    "rack001": {
                        "active": True,
                        "total_cpus": 4,
                        "total_memory": 8000,
                        "total_used_cpus": 3,
                        "total_used_mem": 2000,
                        "cpus_allocated": 1,
                        "mem_allocated": 1000,
                        "gpus_allocated": 0,
                        "running_jobs": 1,
                    },
                    "rack002": {"active": False},
                },
            },
        },
    }


def test_a_node_whose_gpus_are_all_in_use_is_full() -> None:
    # 16 of 64 CPUs, and all GPUs: no other GPU job can start here.
    node = make_node(
        cpus=64, effective_cpus=64, alloc_cpus=16, gres=["gpu:a100:4(S:0-1)"], gres_used=["gpu:a100:4(IDX:0-3)"]
    )
    jobs = [
        make_running_job(number, "rack001", cpus=8, memory_mib=10, gres_allocated={"rack001": {"gpu:a100": gpus}})
        for number, gpus in ((1, 3), (2, 1))
    ]
    allocations = [allocation for job in jobs for allocation in allocations_of(job)]

    usage = compute_usage([make_partition()], [node], allocations[:1])

    assert usage["total_load"] == 1.0
    assert usage["partitions"]["main"]["partition_load"] == 0.75
    assert usage["partitions"]["main"]["nodes"]["rack001"]["gpus_allocated"] == 3
    assert compute_usage([make_partition()], [node], allocations)["partitions"]["main"]["partition_load"] == 1.0


def test_an_empty_cluster_has_no_load() -> None:
    assert compute_usage([], [], []) == {
        "total_load": 0.0,
        "alloc_cpus": 0,
        "alloc_mem": 0,
        "total_cpus": 0,
        "total_mem": 0,
        "partitions": {},
    }


def test_a_partition_without_nodes_and_a_node_without_a_size_have_no_load() -> None:
    node = make_node("rack001", cpus=0, real_memory=None, alloc_cpus=2, alloc_mem=10)

    usage = compute_usage(
        [make_partition("main"), make_partition("empty")], [node], [Allocation("main", "rack001", 2, 1)]
    )

    assert usage["total_load"] == 0.0
    assert usage["partitions"]["main"]["partition_load"] == 0.0
    assert usage["partitions"]["empty"]["partition_load"] == 0.0
    assert usage["partitions"]["empty"]["nodes"] == {"rack001": {"active": False}}


@pytest.mark.parametrize(
    "stray",
    [
        Allocation("main", "gone", 2, 10),
        Allocation("main", "rack002", 2, 10),
        Allocation("unknown", "rack001", 2, 10),
    ],
    ids=["node is gone", "node left the partition", "partition is gone"],
)
def test_an_allocation_outside_its_partition_counts_nowhere(stray: Allocation) -> None:
    nodes = [make_node("rack001"), make_node("rack002", partitions=[])]

    main = compute_usage([make_partition("main")], nodes, [stray])["partitions"]["main"]

    assert (main["alloc_cpus"], main["alloc_mem"], main["partition_load"]) == (0, 0, 0.0)
    assert main["nodes"]["rack001"]["running_jobs"] == 0
    assert main["nodes"]["rack002"] == {"active": False}


def test_a_full_node_with_reserved_cores_and_memory_has_a_load_of_one() -> None:
    # CoreSpecCount=2 of 8 cores with 2 threads each: CPUTot=16 CPUEfctv=12.
    node = make_node(cpus=16, effective_cpus=12, alloc_cpus=12)
    usage = compute_usage([make_partition()], [node], [Allocation("main", "rack001", 12, 0)])
    assert (usage["total_load"], usage["partitions"]["main"]["partition_load"]) == (1.0, 1.0)
    assert usage["total_cpus"] == 16

    node = make_node(real_memory=8000, mem_spec_limit=2000, alloc_mem=6000)
    assert compute_usage([], [node], [])["total_load"] == 1.0
    node = make_node(real_memory=8000, mem_spec_limit=9000, alloc_mem=6000)
    assert compute_usage([], [node], [])["total_load"] == 0.0


def test_an_oversubscribed_node_has_a_load_above_one() -> None:
    usage = compute_usage([make_partition()], [make_node(alloc_cpus=8)], [Allocation("main", "rack001", 6, 0)])

    assert usage["total_load"] == 2.0
    assert usage["partitions"]["main"]["partition_load"] == 1.5


def test_compact_removes_inactive_entries_only() -> None:
    nodes = [make_node("rack001"), make_node("rack002", partitions=["other"])]
    usage = compute_usage([make_partition("main")], nodes, [])
    before = copy.deepcopy(usage)

    small = compact(usage)

    assert list(small["partitions"]["main"]["nodes"]) == ["rack001"]
    assert usage == before
    del usage["partitions"]["main"]["nodes"]["rack002"]
    assert small == usage


_AMOUNT = st.integers(min_value=0, max_value=2**53 - 1)
_MAYBE = st.none() | _AMOUNT
_PARTITION_NAMES = st.sampled_from(["p1", "p2", "p3", "gone"])
_NODE_NAMES = st.sampled_from(["n1", "n2", "n3", "n4"])
_NODES = st.lists(
    st.builds(
        make_node,
        _NODE_NAMES,
        cpus=_MAYBE,
        alloc_cpus=_MAYBE,
        real_memory=_MAYBE,
        alloc_mem=_MAYBE,
        partitions=st.lists(_PARTITION_NAMES),
    ),
    unique_by=lambda node: node["name"],
)
_PARTITIONS = st.lists(
    st.builds(make_partition, st.sampled_from(["p1", "p2", "p3"]), total_nodes=_MAYBE, total_cpus=_MAYBE),
    unique_by=lambda partition: partition["name"],
)
_ALLOCATIONS = st.lists(st.builds(Allocation, _PARTITION_NAMES, _NODE_NAMES, st.integers(0, 99), st.integers(0, 9999)))


@given(_PARTITIONS, _NODES, _ALLOCATIONS)
def test_the_sums_agree_for_any_cluster(
    partitions: list[dict[str, Any]], nodes: list[dict[str, Any]], allocations: list[Allocation]
) -> None:
    usage = compute_usage(partitions, nodes, allocations)

    assert usage["alloc_cpus"] == sum(node["alloc_cpus"] or 0 for node in nodes)
    assert usage["alloc_mem"] == sum(node["alloc_mem"] or 0 for node in nodes)
    assert set(usage["partitions"]) == {partition["name"] for partition in partitions}
    for name, partition in usage["partitions"].items():
        assert set(partition["nodes"]) == {node["name"] for node in nodes}
        active = {node: entry for node, entry in partition["nodes"].items() if entry["active"]}
        assert set(active) == {node["name"] for node in nodes if name in node["partitions"]}
        assert partition["alloc_cpus"] == sum(entry["cpus_allocated"] for entry in active.values())
        assert partition["alloc_mem"] == sum(entry["mem_allocated"] for entry in active.values())
        assert partition["total_used_cpus_on_active_nodes"] == sum(e["total_used_cpus"] for e in active.values())
        assert compact(usage)["partitions"][name] == {**partition, "nodes": active}
    loads = [usage["total_load"], *(partition["partition_load"] for partition in usage["partitions"].values())]
    assert all(math.isfinite(load) and load >= 0 for load in loads)


@given(
    _NODES,
    st.lists(
        st.builds(
            make_job,
            job_state=st.sampled_from(["RUNNING", "PENDING", ""]),
            partition=st.none() | _PARTITION_NAMES,
            cpus_allocated=st.none() | st.dictionaries(_NODE_NAMES, _MAYBE),
            mem_allocated=st.none() | st.dictionaries(_NODE_NAMES, _MAYBE),
        )
    ),
)
def test_usage_of_any_jobs_can_be_rendered(nodes: list[dict[str, Any]], jobs: list[dict[str, Any]]) -> None:
    small = [{**node, "cpus": 4} for node in nodes]
    usage = compute_usage([make_partition("p1")], small, [entry for job in jobs for entry in allocations_of(job)])

    assert set(usage["partitions"]) == {"p1"}
    assert math.isfinite(orjson.loads(orjson.dumps(usage["partitions"]["p1"]["partition_load"])))

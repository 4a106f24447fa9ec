"""Memory, CPUs and GRES that a job requests and holds, as scontrol prints them."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurmapi.sources.base import Record
from tests.slurmapi.sources.commands.job_records import of_26_05, subset


def test_all_memory_of_a_node_is_what_is_allocated() -> None:
    found = of_26_05({"MinMemoryCPU=100M": "MinMemoryNode=0"})
    expected = {"memory": 400, "min_memory_node": 0, "mem_per_node": True, "min_memory_cpu": None}
    assert subset(found, expected) == expected


def test_memory_for_each_gpu() -> None:
    found = of_26_05(
        {"MinMemoryCPU=100M": "MinMemoryTRES=500M", "   TresPerNode": "   MemPerTres=gres/gpu:500\n   TresPerNode"}
    )
    expected = {
        "memory": 400,
        "mem_per_tres": "gres/gpu:500",
        "mem_per_node": False,
        "mem_per_cpu": False,
        "min_memory_node": None,
    }
    assert subset(found, expected) == expected


def test_a_default_for_each_cpu_is_not_requested_with_memory_for_each_gpu() -> None:
    # As 22.05.8 prints it for `sbatch --gpus=1 --mem-per-gpu=500`, with DefMemPerCPU=100.
    found = of_26_05({"   TresPerNode": "   MemPerTres=gres:gpu:500\n   TresPerNode"})
    expected = {"min_memory_cpu": None, "mem_per_cpu": False, "pn_min_memory": 0, "mem_per_tres": "gres:gpu:500"}
    assert subset(found, expected) == expected


@pytest.mark.parametrize("state", ["CONFIGURING", "COMPLETING", "SUSPENDED"])
def test_a_job_that_holds_nodes_has_its_allocation(state: str) -> None:
    assert of_26_05({}, state=state)["cpus_allocated"] == {"rack005": 2, "rack006": 2}


def test_a_completing_job_holds_only_nodes_that_are_not_released() -> None:
    found = of_26_05({}, nodes="rack006", state="COMPLETING")
    assert found["mem_allocated"] == {"rack006": 200}


def test_on_one_node_the_cpus_are_those_of_the_job() -> None:
    # --threads-per-core=1: CPU_IDs has both threads of each core.
    found = of_26_05({"Nodes=rack[005-006] CPU_IDs=0-1": "Nodes=rack005 CPU_IDs=0-7"}, nodes="rack005")
    assert found["cpus_allocated"] == {"rack005": 4}
    assert found["cpus_alloc_layout"] == {"rack005": [0, 1, 2, 3, 4, 5, 6, 7]}


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("gpu:4090:2(IDX:0-1)", {"gpu:4090": 2}),
        ("gpu:a100(CNT:2)", {"gpu:a100": 2}),
        ("gpu:1(IDX:3)", {"gpu": 1}),
        ("gpu:h100:8(S:0-1)", {"gpu:h100": 8}),
        ("gpu:nvidia_a100_3g.20gb:1(IDX:0)", {"gpu:nvidia_a100_3g.20gb": 1}),
    ],
)
def test_gres_of_a_node(printed: str, expected: Record) -> None:
    assert of_26_05({"gpu:tesla:1(IDX:0)": printed}, nodes="rack005")["gres_allocated"] == {"rack005": expected}


def test_gres_without_consumption_keeps_the_layout() -> None:
    found = of_26_05({"gpu:tesla:1(IDX:0)": "bandwidth:lustre(CNT:0)"}, nodes="rack005")
    assert found["mem_allocated"] == {"rack005": 200}


@pytest.mark.parametrize(
    ("printed", "gres"),
    [
        ("gres/gpu:tesla", ["gpu:tesla:1"]),
        ("gres/tmp:5G", ["tmp:5368709120"]),
        ("gres/bandwidth:lustre:1G", ["bandwidth:lustre:1073741824"]),
        ("gres/gpu:4090:2", ["gpu:4090:2"]),
    ],
)
def test_requested_gres(printed: str, gres: list[str]) -> None:
    found = of_26_05({"gres/gpu:tesla:1": printed})
    assert (found["tres_per_node"], found["gres"]) == (printed, gres)


def test_requests_by_job_socket_and_task() -> None:
    lines = "TresPerJob=gres/gpu:a100:2,gres/gpu:v100:1\n   TresPerSocket=gres/gpu:1\n   TresPerTask=cpu=2,gres/gpu=1"
    found = of_26_05({"TresPerNode=gres/gpu:tesla:1": lines})
    expected: Record = {
        "tres_per_job": "gres/gpu:a100:2,gres/gpu:v100:1",
        "tres_per_socket": "gres/gpu:1",
        "tres_per_task": "cpu=2,gres/gpu=1",
        "tres_per_node": None,
        "gres": [],
    }
    assert subset(found, expected) == expected

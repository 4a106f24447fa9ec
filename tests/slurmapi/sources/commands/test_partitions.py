"""Partition records from the lines of scontrol, by release."""

from __future__ import annotations

from typing import Any

import pytest

from slurm_rest_api.slurmapi.contract import PartitionRecord
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.commands.partitions import add_partitions, partition_record, partition_records

# Slurm 26.05 with every optional key.
LINE = (
    "PartitionName=main AllowGroups=hpc,domain users AllowAccounts=ALL DenyQos=low,free AllocNodes=ALL Alternate=long "
    "Default=YES CpuBind=cores  QoS=normal DefaultTime=01:00:00 DisableRootJobs=NO Exclusive=USER GraceTime=120 "
    "Hidden=YES MaxNodes=4 MaxTime=1-00:00:00 MinNodes=1 LLN=YES MaxCPUsPerNode=UNLIMITED MaxCPUsPerSocket=8 "
    "NodeSets=a,b Nodes=rack[001-006] PriorityJobFactor=10 PriorityTier=2 RootOnly=YES ReqResv=YES "
    "OverSubscribe=FORCE:4 OverTimeLimit=5 PreemptMode=GANG,SUSPEND Topology=flat State=UP TotalCPUs=96 TotalNodes=6 "
    "SelectTypeParameters=CR_CORE_MEMORY JobDefaults=DefCpuPerGPU=2,DefMemPerGPU=100 DefMemPerCPU=100 "
    "MaxMemPerNode=UNLIMITED TRES=cpu=96,mem=187.50G,node=6,billing=96,gres/gpu=4 "
    "TRESBillingWeights=CPU=1.0, Mem=0.25G ResumeTimeout=60 SuspendTimeout=GLOBAL SuspendTime=INFINITE "
    "PowerDownOnIdle=YES"
)
# Slurm 15.08.
OLD = (
    "PartitionName=debug AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL AllocNodes=ALL Default=NO QoS=N/A "
    "DefaultTime=NONE DisableRootJobs=NO ExclusiveUser=NO GraceTime=0 Hidden=NO MaxNodes=UNLIMITED MaxTime=UNLIMITED "
    "MinNodes=1 LLN=NO MaxCPUsPerNode=UNLIMITED Nodes=n[1-2] Priority=7 RootOnly=NO ReqResv=NO Shared=YES:4 "
    "PreemptMode=OFF State=UP TotalCPUs=8 TotalNodes=2 SelectTypeParameters=N/A DefMemPerNode=UNLIMITED "
    "MaxMemPerNode=UNLIMITED"
)


def record(line: str = LINE, **replaced: str) -> Record:
    for key, value in replaced.items():
        (old,) = [word for word in line.split() if word.startswith(f"{key}=")]
        line = line.replace(f" {old}", f" {value}")
    found = partition_record(line.encode(), "testbed")
    PartitionRecord.model_validate(found)
    return found


def test_every_field() -> None:
    assert record() == {
        "name": "main",
        "cluster": "testbed",
        "state": "UP",
        "allow_accounts": "ALL",
        "deny_accounts": None,
        "allow_qos": None,
        "deny_qos": ["low", "free"],
        "allow_groups": ["hpc", "domain users"],
        "allow_alloc_nodes": "ALL",
        "alternate": "long",
        "qos_char": "normal",
        "flags": {
            "Default": 1,
            "Hidden": 1,
            "DisableRootJobs": 0,
            "RootOnly": 1,
            "LLN": 1,
            "ExclusiveUser": 1,
            "Shared": "FORCED:4",
        },
        "requires_reservation": True,
        "power_down_on_idle": True,
        "default_time": 3600,
        "default_time_str": "01:00:00",
        "max_time": 86400,
        "max_time_str": "1-00:00:00",
        "over_time_limit": 5,
        "grace_time": 120,
        "def_mem_per_cpu": 100,
        "def_mem_per_node": None,
        "max_mem_per_cpu": None,
        "max_mem_per_node": "UNLIMITED",
        "def_cpus_per_gpu": 2,
        "def_mem_per_gpu": 100,
        "max_cpus_per_node": "UNLIMITED",
        "max_cpus_per_socket": 8,
        "max_nodes": 4,
        "min_nodes": 1,
        "max_share": 32772,
        "nodes": "rack[001-006]",
        "nodesets": ["a", "b"],
        "total_nodes": 6,
        "total_cpus": 96,
        "priority": 2,
        "priority_tier": 2,
        "priority_job_factor": 10,
        "preempt_mode": "GANG,SUSPEND",
        "cr_type": 20,
        "select_type_parameters": "CORE_MEMORY",
        "cpu_bind": "cores",
        "billing_weights_str": "CPU=1.0, Mem=0.25G",
        "tres_fmt_str": "cpu=96,mem=187.50G,node=6,billing=96,gres/gpu=4",
        "resume_timeout": 60,
        "suspend_time": "UNLIMITED",
        "suspend_timout": None,
    }


def test_a_partition_of_15_08() -> None:
    found = record(OLD)
    absent = ("max_cpus_per_socket", "cpu_bind", "tres_fmt_str", "billing_weights_str", "resume_timeout")
    assert [found[name] for name in (*absent, "suspend_time", "suspend_timout")] == [None] * 7
    assert (found["priority"], found["priority_tier"], found["priority_job_factor"]) == (7, 7, 7)
    assert (found["flags"]["Shared"], found["max_share"]) == ("YES:4", 4)
    assert (found["default_time"], found["max_time"]) == ("NONE", "UNLIMITED")
    assert (found["default_time_str"], found["max_time_str"]) == ("NONE", "UNLIMITED")
    assert (found["over_time_limit"], found["preempt_mode"], found["nodesets"]) == ("NONE", "OFF", [])
    assert (found["select_type_parameters"], found["cr_type"], found["power_down_on_idle"]) == (None, 0, False)


@pytest.mark.parametrize(
    ("replaced", "shared", "max_share", "exclusive_user"),
    [
        # 26.05 has `Exclusive`, and prints NO for a partition that gives out whole nodes.
        ({"Exclusive": "Exclusive=NODE", "OverSubscribe": "OverSubscribe=NO"}, "EXCLUSIVE", 0, 0),
        ({"Exclusive": "Exclusive=TOPO", "OverSubscribe": "OverSubscribe=NO"}, "EXCLUSIVE", 0, 0),
        ({"Exclusive": "Exclusive=NO", "OverSubscribe": "OverSubscribe=NO"}, "NO", 1, 0),
        # 24.05 to 25.11.
        (
            {"Exclusive": "ExclusiveUser=YES ExclusiveTopo=NO", "OverSubscribe": "OverSubscribe=EXCLUSIVE"},
            *("EXCLUSIVE", 0, 1),
        ),
        ({"OverSubscribe": "OverSubscribe=YES:4"}, "YES:4", 4, 1),
    ],
)
def test_oversubscription(replaced: dict[str, str], shared: str, max_share: int, exclusive_user: int) -> None:
    found = record(**replaced)
    flags = found["flags"]
    assert (flags["Shared"], found["max_share"], flags["ExclusiveUser"]) == (shared, max_share, exclusive_user)


@pytest.mark.parametrize(
    ("replaced", "expected"),
    [
        ({"OverTimeLimit": "OverTimeLimit=UNLIMITED"}, {"over_time_limit": "UNLIMITED"}),
        ({"OverTimeLimit": "OverTimeLimit=NONE"}, {"over_time_limit": "NONE"}),
        ({"PreemptMode": "PreemptMode=GANG,UNKNOWN"}, {"preempt_mode": None}),
        ({"DefMemPerCPU": "DefMemPerCPU=UNLIMITED"}, {"def_mem_per_cpu": "UNLIMITED", "def_mem_per_node": None}),
        ({"JobDefaults": "JobDefaults=(null)"}, {"def_cpus_per_gpu": None, "def_mem_per_gpu": None}),
        ({"Nodes": "Nodes=(null)"}, {"nodes": None}),
        ({"SelectTypeParameters": "SelectTypeParameters=CR_SOCKET,CR_LLN"}, {"select_type_parameters": "SOCKET"}),
        ({"SelectTypeParameters": "SelectTypeParameters=SELECT_CPU_MEMORY"}, {"cr_type": 17}),
        ({"SelectTypeParameters": "SelectTypeParameters=NONE"}, {"select_type_parameters": None, "cr_type": 0}),
        ({"DefaultTime": "DefaultTime=UNLIMITED"}, {"default_time": "UNLIMITED", "default_time_str": "UNLIMITED"}),
        ({"State": "NewKey=1 State=DRAIN"}, {"state": "DRAIN"}),
    ],
)
def test_values(replaced: dict[str, str], expected: dict[str, Any]) -> None:
    assert expected.items() <= record(**replaced).items()


def test_sentences_are_no_partitions() -> None:
    assert partition_records([b"No partitions in the system"], None) == []
    assert [found["name"] for found in partition_records([LINE.encode(), b"", OLD.encode()], None)] == ["main", "debug"]


@pytest.mark.parametrize(
    "line", [b"", b"PartitionName=main", b"NodeName=a", LINE.replace(" State=UP", "").encode()[:60]]
)
def test_other_lines_are_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        partition_record(line, None)


def test_partitions_of_nodes_before_17_02() -> None:
    nodes: list[Record] = [{"name": name, "partitions": []} for name in ("n1", "n2", "n3")]
    add_partitions(
        nodes, [{"name": "debug", "nodes": "n[1-2]"}, {"name": "all", "nodes": "n1"}, {"name": "x", "nodes": None}]
    )
    assert [node["partitions"] for node in nodes] == [["debug", "all"], ["debug"], []]

"""Each limit of slurm.conf(5), "PARTITION CONFIGURATION", and each reason for which a node is not free."""

from __future__ import annotations

import math
from typing import Any

import pytest

from slurm_rest_api.slurmapi.availability.job_request import request_of_job
from slurm_rest_api.slurmapi.availability.model import Request
from slurm_rest_api.slurmapi.availability.parameters import parse_time_limit
from tests.builders import make_job
from tests.slurmapi.availability.records import ask, node, partition, reservation

GPUS = {"gres": ["gpu:a100:2", "gpu:v100:2"], "gres_used": ["gpu:a100:2", "gpu:v100:1"]}


@pytest.mark.parametrize(
    ("request_", "fields", "limit"),
    [
        (Request(seconds=7200), {"max_time": 3600}, ("MaxTime", 3600, 7200)),
        (Request(seconds=math.inf), {"max_time": 3600}, ("MaxTime", 3600, "UNLIMITED")),
        (Request(nodes=2), {"max_nodes": 1}, ("MaxNodes", 1, 2)),
        (Request(nodes=1), {"min_nodes": 2}, ("MinNodes", 2, 1)),
        (Request(account="bio"), {"allow_accounts": ["physics"]}, ("AllowAccounts", ["physics"], "bio")),
        (Request(account="bio"), {"allow_accounts": None, "deny_accounts": ["bio"]}, ("DenyAccounts", ["bio"], "bio")),
        (Request(qos="low"), {"allow_qos": ["high"]}, ("AllowQos", ["high"], "low")),
        (Request(qos="low"), {"allow_qos": None, "deny_qos": ["low"]}, ("DenyQos", ["low"], "low")),
        (Request(memory_mib=2001), {"max_mem_per_node": 2000}, ("MaxMemPerNode", 2000, 2001)),
        (Request(cpus=3), {"max_cpus_per_node": 2}, ("MaxCPUsPerNode", 2, 3)),
        (Request(), {"state": "DRAIN"}, ("State", "DRAIN", "UP")),
        (Request(), {"state": "INACTIVE"}, ("State", "INACTIVE", "UP")),
        (Request(user="alice"), {"flags": {"RootOnly": 1}}, ("RootOnly", "YES", "alice")),
        (Request(), {"requires_reservation": True}, ("ReqResv", "YES", None)),
        (Request(reservation="none"), {}, ("Reservation", None, "none")),
        (Request(cpus=17), {}, ("NodeCPUs", 16, 17)),
        (Request(memory_mib=64_001), {}, ("NodeMemory", 64_000, 64_001)),
        (Request(gpus=5), {}, ("NodeGPUs", 4, 5)),
        (Request(gpus=3, gpu_type="a100"), {}, ("NodeGPUs", 2, 3)),
        (Request(gpus=1, gpu_type="h100"), {}, ("NodeGPUs", 0, 1)),
        (Request(nodes=3), {}, ("TotalNodes", 2, 3)),
        (Request(nodes=2, gpus=1), {}, ("NodeGPUs", 0, 1)),
        # The node with GPUs has 16 CPUs, the other one has more memory: none has both.
        (Request(gpus=1, memory_mib=60_001), {}, ("FittingNodes", 0, 1)),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_a_job_beyond_a_limit_never_starts(request_: Request, fields: dict[str, Any], limit: tuple[Any, ...]) -> None:
    nodes = [node("n1", real_memory=60_000, **GPUS), node("n2")]
    found = ask(request_, nodes, [partition(**fields)])["main"]
    assert found["answer"] == "never"
    assert [tuple(entry.values()) for entry in found["limits"]] == [limit]


@pytest.mark.parametrize(
    ("request_", "fields", "unchecked"),
    [
        (Request(account="physics"), {"allow_accounts": ["physics"]}, []),
        (Request(), {"allow_accounts": ["physics"]}, ["AllowAccounts"]),
        (Request(), {"allow_accounts": None, "deny_accounts": ["bio"]}, ["DenyAccounts"]),
        (Request(qos="low"), {"allow_qos": None, "deny_qos": ["high"]}, []),
        (Request(), {"allow_groups": ["staff"]}, ["AllowGroups"]),
        (Request(), {"allow_alloc_nodes": ["login1"]}, ["AllocNodes"]),
        (Request(), {"flags": {"Shared": "FORCED:4"}}, ["OverSubscribe"]),
        (Request(), {"max_cpus_per_socket": 4}, ["MaxCPUsPerSocket"]),
        (Request(), {"max_nodes": 0, "max_cpus_per_node": 0, "max_mem_per_node": 0}, []),
        (Request(user="root"), {"flags": {"RootOnly": 1}}, []),
        (Request(is_queued=True), {"state": "DRAIN"}, []),
    ],
)
def test_rules_that_allow_the_job_or_cannot_be_checked(
    request_: Request, fields: dict[str, Any], unchecked: list[str]
) -> None:
    found = ask(request_, [node()], [partition(**fields)])["main"]
    assert (found["answer"], found["nodes"], found["unchecked"]) == ("now", "n1", unchecked)


@pytest.mark.parametrize(
    ("request_", "fields", "cpus", "memory", "seconds"),
    [
        (Request(), {}, 1, None, "UNLIMITED"),
        (Request(), {"default_time": 1800, "max_time": 3600}, 1, None, 1800),
        (Request(), {"default_time": "NONE", "max_time": 3600}, 1, None, 3600),
        (Request(cpus=4), {"def_mem_per_cpu": 1000}, 4, 4000, "UNLIMITED"),
        (Request(cpus=4), {"def_mem_per_node": 2000}, 4, 2000, "UNLIMITED"),
        (Request(gpus=2), {"def_cpus_per_gpu": 3, "def_mem_per_gpu": 500, "def_mem_per_cpu": 9}, 6, 1000, "UNLIMITED"),
        # MaxMemPerCPU: slurm.conf(5) says that a job with more memory gets more CPUs.
        (Request(cpus=2, memory_mib=4001), {"max_mem_per_cpu": 1000}, 5, 4001, "UNLIMITED"),
    ],
)
def test_the_partition_has_defaults(
    request_: Request, fields: dict[str, Any], cpus: int, memory: int | None, seconds: Any
) -> None:
    found = ask(request_, [node(gres=["gpu:2"])], [partition(**fields)])["main"]
    assert (found["cpus"], found["memory"], found["time_limit"], found["answer"]) == (cpus, memory, seconds, "now")


@pytest.mark.parametrize(
    ("request_", "fields", "short"),
    [
        (Request(cpus=8), {"alloc_cpus": 10}, {"cpus"}),
        (Request(memory_mib=60_000), {"alloc_mem": 4001}, {"memory"}),
        (Request(gpus=2), GPUS, {"gpus"}),
        (Request(gpus=1, gpu_type="a100"), GPUS, {"gpus"}),
        (Request(gpus=1, gpu_type="v100"), GPUS, set()),
        (Request(cpus=16, memory_mib=64_000), {"alloc_cpus": 2, "alloc_mem": 1}, {"cpus", "memory"}),
        (Request(), {"state": "MIXED+PLANNED"}, {"planned"}),
        (Request(), {"state": "MIXED+COMPLETING"}, {"completing"}),
        (Request(), {"state": "IDLE+DRAIN"}, {"unavailable"}),
        (Request(), {"state": "DOWN*"}, {"unavailable"}),
        (Request(), {"state": "IDLE+MAINTENANCE"}, {"reserved"}),
        (Request(), {"owner": 1001}, {"exclusive"}),
        (Request(user_id=1001), {"owner": 1001}, set()),
        (Request(exclusive=True), {"alloc_cpus": 2}, {"exclusive"}),
        (Request(cpus=15), {"effective_cpus": 15}, set()),
    ],
)
def test_the_reasons_of_a_node(request_: Request, fields: dict[str, Any], short: set[str]) -> None:
    found = ask(request_, [node(**fields)], [partition()])["main"]
    assert {name for name, count in found["short"].items() if count} == short
    assert found["answer"] == ("later" if short else "now")


def test_an_exclusive_partition_gives_whole_nodes() -> None:
    entries = [partition(flags={"Shared": "EXCLUSIVE"})]
    found = ask(Request(cpus=2), [node("n1", alloc_cpus=2), node("n2")], entries)["main"]
    assert (found["nodes"], found["short"]["exclusive"], found["exclusive"]) == ("n2", 1, True)


def test_a_partition_that_is_down_takes_the_job_and_starts_none() -> None:
    found = ask(Request(), [node()], [partition(state="DOWN")])["main"]
    assert (found["answer"], found["partition_down"], found["free_nodes"]) == ("later", True, 1)


@pytest.mark.parametrize(
    ("request_", "fields", "free"),
    [
        (Request(), {}, "n2"),
        # A user of a reservation has to name it (sbatch(1), --reservation).
        (Request(user="alice"), {}, "n2"),
        (Request(user="alice"), {"flags": ["MAGNETIC"]}, "n[1-2]"),
        (Request(user="bob"), {"flags": ["MAGNETIC"]}, "n2"),
        (Request(user="alice", reservation="course"), {}, "n1"),
        (Request(user="alice", reservation="course"), {"flags": ["FLEX"]}, "n[1-2]"),
        (Request(seconds=3600), {"start": 3600, "end": 7200}, "n[1-2]"),
        (Request(seconds=3660), {"start": 3600, "end": 7200}, "n2"),
        (Request(), {"start": -7200, "end": 0}, "n[1-2]"),
        (Request(seconds=60), {"flags": ["MAINT", "IGNORE_JOBS"]}, "n2"),
        # 6 of the 16 CPUs are in the reserved cores 0 to 2.
        (Request(cpus=10), {"core_ids": {"n1": "0-2"}}, "n[1-2]"),
        (Request(cpus=11), {"core_ids": {"n1": "0-2"}}, "n2"),
        (Request(cpus=6, user="alice", reservation="course"), {"core_ids": {"n1": "0-2"}}, "n1"),
        (Request(cpus=7, user="alice", reservation="course"), {"core_ids": {"n1": "0-2"}}, None),
    ],
)
def test_reservations_keep_their_nodes(request_: Request, fields: dict[str, Any], free: str | None) -> None:
    found = ask(request_, [node("n1"), node("n2")], [partition()], [reservation("n1", **fields)])["main"]
    assert found["nodes"] == free
    assert found["limits"] == []


def test_a_reservation_of_others_cannot_be_named() -> None:
    found = ask(Request(user="bob", reservation="course"), [node()], [partition()], [reservation("n1")])["main"]
    assert found["limits"] == [{"limit": "Reservation", "value": "course", "requested": "bob"}]
    unknown = ask(Request(reservation="course"), [node()], [partition()], [reservation("n1")])["main"]
    assert (unknown["answer"], unknown["unchecked"]) == ("now", ["Reservation"])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60", 3600), ("4:00:00", 14_400), ("90:30", 5460), ("1-12", 129_600), ("1-00:30", 88_200),
        ("2-01:02:03", 176_580), ("unlimited", math.inf), ("INFINITE", math.inf),
    ],
)  # fmt: skip
def test_time_limits_have_the_forms_of_sbatch(text: str, seconds: float) -> None:
    assert parse_time_limit(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "1-", "x", "1:2:3:4", "-5", "4h", "1-1:1:1:1", "²"])
def test_other_texts_are_no_time_limits(text: str) -> None:
    with pytest.raises(ValueError, match="expected a time limit as sbatch takes it"):
        parse_time_limit(text)


def test_the_request_of_a_job() -> None:
    job = make_job(
        num_nodes=2, num_cpus=9, min_memory_cpu=1000, tres_per_node="gres/gpu:a100:2", time_limit=90, qos="normal"
    )
    expected = Request(
        cpus=5, memory_mib=5000, gpus=2, gpu_type="a100", nodes=2, seconds=5400, account="physics", qos="normal",
        user="ada", user_id=1000, is_queued=True,
    )  # fmt: skip
    assert request_of_job(job) == expected
    total = make_job(num_nodes=2, tres_req_str="cpu=2,gres/gpu=3", time_limit="UNLIMITED", shared="0")
    asked = request_of_job(total)
    assert (asked.gpus, asked.gpu_type, asked.seconds, asked.exclusive) == (2, None, math.inf, True)

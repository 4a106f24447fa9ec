"""Records from pyslurm's classic dictionaries of 17.11, 22.05 and 24.11."""

from __future__ import annotations

from typing import Any

import pytest

from slurm_rest_api.errors import SourceError, SourceUnavailable
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.collector.index_rows import node_index_row
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.legacy import LegacySource
from tests.slurmapi.sources.fake_classic_pyslurm import (
    INFINITE,
    JOB_17_11,
    JOB_22_05,
    JOB_24_11,
    NO_VAL,
    NODE,
    PARTITION,
    make_pyslurm,
)

USERS = {1001: "ada", 0: "root"}
NAMES = UserNames(USERS.__getitem__, USERS.__getitem__, {"root": 0}.__getitem__)


def published(classic: dict[str, Any], **changes: Any) -> Record:
    return next(iter(LegacySource(make_pyslurm(jobs=[classic | changes]), NAMES).load().jobs))


def test_a_job_of_17_11() -> None:
    job = published(JOB_17_11)
    assert job["cpus_allocated"] == {"rack001": 3, "rack002": 1}
    assert job["mem_allocated"] == {"rack001": 300, "rack002": 100}
    assert job["cpus_alloc_layout"] == {"rack001": [0, 1, 2], "rack002": [0]}
    assert (job["het_job_id"], job["het_job_offset"], job["het_job_id_set"]) == (12, 0, "12-13")
    assert (job["boards_per_node"], job["cores_per_socket"], job["billable_tres"]) == (0, None, None)
    assert (job["profile"], job["gres"], job["exc_nodes"]) == (30, ["gpu:1"], ["n[1,3]", "x"])
    assert (job["time_limit"], job["run_time_str"], job["user_name"]) == ("UNLIMITED", "1-01:01:01", "ada")
    assert job["licenses"] == {"matlab": "2", "ansys": 1}


def test_a_job_of_22_05() -> None:
    job = published(JOB_22_05)
    assert (job["cpus_per_task"], job["time_limit"], job["preempt_time"]) == (None, "Partition_Limit", None)
    assert (job["preempt_eligible_time"], job["accrue_time"]) == (None, "2023-11-14T22:13:20")
    assert (job["gres"], job["state_reason"]) == (["gpu:2"], "Nodes_required_for_job_are_DOWN")
    assert job["cpus_allocated"] == {}


def test_cpus_of_24_11_are_spread_evenly() -> None:
    job = published(JOB_24_11)
    assert job["cpus_allocated"] == {"rack001": 3, "rack002": 3, "rack003": 2}
    assert job["mem_allocated"] == {"rack001": 2000, "rack002": 2000, "rack003": 2000}
    assert job["run_time_remaining"] == 90 * 60 - 60


@pytest.mark.parametrize(("given", "limit"), [(INFINITE, "UNLIMITED"), (NO_VAL, "Partition_Limit"), (30, 30)])
def test_time_limits(given: int, limit: int | str) -> None:
    assert published(JOB_22_05, time_limit=given)["time_limit"] == limit


def test_nodes() -> None:
    node = LegacySource(make_pyslurm(), NAMES).load().nodes[0]
    assert (node["state"], node["state_base"], node["state_flags"]) == ("DOWN*", "DOWN", ["NOT_RESPONDING"])
    assert (node["cpu_load"], node["gres_used"], node["power_mgmt"]) == (None, [], {"cap_watts": None})
    assert (node["reason_uid"], node["reason_user"], node["idle_cpus"]) == (0, "root", 12)
    drained = LegacySource(make_pyslurm(nodes={"n": NODE | {"state": "IDLE*+DRAIN"}}), NAMES).load().nodes[0]
    assert (drained["state_base"], drained["state_flags"]) == ("IDLE", ["DRAIN", "NOT_RESPONDING"])


@pytest.mark.parametrize(
    ("state", "base", "flags"),
    [
        # node_state_string() of slurm_protocol_defs.c, which the classic dictionaries publish.
        ("IDLE~", "IDLE", ["POWERED_DOWN"]),
        ("ALLOCATED$", "ALLOCATED", ["MAINTENANCE"]),
        ("MIXED-", "MIXED", ["PLANNED"]),
        ("MAINT*", "IDLE", ["MAINTENANCE", "NOT_RESPONDING"]),
        ("ALLOCATED+MAINTENANCE+RESERVED", "ALLOCATED", ["MAINTENANCE", "RESERVED"]),
    ],
)
def test_node_states_have_a_base_and_flags(state: str, base: str, flags: list[str]) -> None:
    node = LegacySource(make_pyslurm(nodes={"n": NODE | {"state": state}}), NAMES).load().nodes[0]
    assert (node["state"], node["state_base"], node["state_flags"]) == (state, base, flags)
    words = node_index_row(node)[1]
    assert words is not None
    assert {base, *flags} <= set(str(words).split(","))


def test_partitions() -> None:
    partition = LegacySource(make_pyslurm(), NAMES).load().partitions[0]
    assert (partition["state"], partition["deny_qos"], partition["allow_qos"]) == ("INACTIVE", None, None)
    assert (partition["default_time"], partition["max_time"], partition["max_time_str"]) == (
        "NONE",
        172800,
        "2-00:00:00",
    )
    assert (partition["priority"], partition["flags"]["Shared"], partition["max_mem_per_cpu"]) == (10, "FORCED:4", 4000)
    endless = {"main": PARTITION | {"max_time": INFINITE, "max_nodes": INFINITE}}
    partition = LegacySource(make_pyslurm(partitions=endless), NAMES).load().partitions[0]
    assert (partition["max_time"], partition["max_nodes"]) == ("UNLIMITED", "UNLIMITED")


def test_statistics_have_means() -> None:
    statistics = LegacySource(make_pyslurm(), NAMES).load().statistics
    assert (statistics["schedule_cycle_mean"], statistics["schedule_cycle_mean_depth"]) == (100, 2)
    assert (statistics["schedule_cycles_per_minute"], statistics["bf_cycle_mean"]) == (2, 100)


def test_a_failed_rpc_is_source_unavailable_with_slurms_message() -> None:
    error = ValueError("Unable to contact slurm controller", 1800)
    with pytest.raises(SourceUnavailable, match=r"Unable to contact slurm controller \(Slurm error 1800\)"):
        LegacySource(make_pyslurm(jobs=error), NAMES).load()


def test_an_overflow_of_24_11_is_a_source_error_with_advice() -> None:
    error = OverflowError("value too large to convert to uint16_t")
    with pytest.raises(SourceError, match=r"partitions.*uint16_t.*object API.*build.sh") as caught:
        LegacySource(make_pyslurm(partitions=error), NAMES).load()
    assert not isinstance(caught.value, SourceUnavailable)

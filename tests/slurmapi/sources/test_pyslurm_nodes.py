"""Nodes and partitions from pyslurm's objects. Values are those of pyslurm 25.11.2 on Slurm 25.11.7 and 26.05."""

from __future__ import annotations

from typing import Any

import pytest

from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.pyslurm.source import PyslurmSource
from tests.slurmapi.sources.fake_pyslurm import Node, Partition, make_pyslurm

USERS = {1001: "ada", 0: "root"}
NAMES = UserNames(USERS.__getitem__, USERS.__getitem__, {"root": 0, "ada": 1001}.__getitem__)


def published_node(**attributes: Any) -> Record:
    return PyslurmSource(make_pyslurm(nodes=[Node(**attributes)]), NAMES).load().nodes[0]


def published_partition(**attributes: Any) -> Record:
    return PyslurmSource(make_pyslurm(partitions=[Partition(**attributes)]), NAMES).load().partitions[0]


@pytest.mark.parametrize(
    ("complete", "classic"),
    [
        ("IDLE", "IDLE"),
        ("MIXED+DRAIN", "MIXED+DRAIN"),
        ("DOWN+NOT_RESPONDING", "DOWN*"),
        ("IDLE+DRAIN+NOT_RESPONDING", "IDLE*+DRAIN"),
        ("IDLE+MAINTENANCE+RESERVED", "IDLE+MAINTENANCE+RESERVED"),
    ],
)
def test_node_states_have_a_star_for_not_responding(complete: str, classic: str) -> None:
    node = published_node(state=complete)
    assert (node["state"], "+".join([node["state_base"], *node["state_flags"]])) == (classic, complete)


def test_partition_times_are_seconds() -> None:
    partition = published_partition(default_time=None, max_time=1440)
    assert (partition["default_time"], partition["default_time_str"]) == ("NONE", "NONE")
    assert (partition["max_time"], partition["max_time_str"]) == (86400, "1-00:00:00")


@pytest.mark.parametrize(("sent", "published"), [("UNLIMITED", "UNLIMITED"), (8, 8), (None, None)])
def test_a_limit_for_each_socket_is_null_where_slurm_has_none(sent: int | str | None, published: int | str) -> None:
    assert published_partition(max_cpus_per_socket=sent)["max_cpus_per_socket"] == published


def test_allow_root_jobs_of_pyslurm_means_that_they_are_disabled() -> None:
    assert published_partition(allow_root_jobs=True)["flags"]["DisableRootJobs"] == 1


def test_denied_names_of_pyslurm_are_all_for_none() -> None:
    assert published_partition()["deny_accounts"] is None
    denied = published_partition(denied_accounts=["physics"])
    assert (denied["deny_accounts"], denied["allow_accounts"]) == (["physics"], None)


@pytest.mark.parametrize(
    ("oversubscribe", "shared", "max_share"),
    [("EXCLUSIVE", "EXCLUSIVE", 0), ("NO", "NO", 1), ("YES:4", "YES:4", 4), ("FORCE:4", "FORCED:4", 32772)],
)
def test_oversubscription(oversubscribe: str, shared: str, max_share: int) -> None:
    partition = published_partition(oversubscribe=oversubscribe)
    assert (partition["flags"]["Shared"], partition["max_share"]) == (shared, max_share)


def test_consumable_resources_are_a_number_and_a_word() -> None:
    partition = published_partition(select_type_parameters="CORE_MEMORY")
    assert (partition["cr_type"], partition["select_type_parameters"]) == (20, "CORE_MEMORY")


@pytest.mark.parametrize(
    ("gres", "gres_used", "total", "used"),
    [
        # As `scontrol -d show node` prints them.
        ("gpu:4090:2(S:0-1)", "gpu:4090:1(IDX:0)", ["gpu:4090:2"], ["gpu:4090:1"]),
        (
            "gpu:tesla:2,bandwidth:lustre:no_consume:4G",
            "gpu:tesla:2(IDX:0-1),bandwidth:lustre:0",
            ["gpu:tesla:2", "bandwidth:lustre:no_consume:4294967296"],
            ["gpu:tesla:2"],
        ),
        (
            "gpu:4,tmp:844G",
            "gpu:(null):1(IDX:3),tmp:5368709120",
            ["gpu:4", "tmp:906238099456"],
            ["gpu:1", "tmp:5368709120"],
        ),
        ("gpu:h100:8(S:0-1)", "gpu:h100:8(IDX:0-7)", ["gpu:h100:8"], ["gpu:h100:8"]),
        (None, None, [], []),
    ],
)
def test_gres_of_a_node_are_those_of_scontrol(
    gres: str | None, gres_used: str | None, total: list[str], used: list[str]
) -> None:
    # AllocTRES has no GRES unless AccountingStorageTRES names them, and has GPUs with a type twice.
    tracked = "cpu=4,gres/gpu=4,gres/gpu:a100=4"
    node = published_node(raw_gres=gres, raw_gres_used=gres_used, raw_alloc_tres_fmt_str=tracked)
    assert (node["gres"], node["gres_used"], node["alloc_tres_fmt_str"]) == (total, used, tracked)


def test_cpus_for_the_system_are_missing_in_the_configured_tres() -> None:
    node = published_node(raw_tres_fmt_str="cpu=12,mem=64000M,billing=12", effective_cpus=12, allocated_cpus=12)
    assert (node["cpus"], node["effective_cpus"], node["idle_cpus"]) == (16, 12, 0)
    assert node["tres_fmt_str"] == "cpu=12,mem=64000M,billing=12"


def test_reserved_memory_is_not_idle() -> None:
    node = published_node(real_memory=64000, allocated_memory=4000, memory_reserved_for_system=500)
    assert (node["real_memory"], node["mem_spec_limit"], node["idle_mem"]) == (64000, 500, 59500)


def test_a_node_with_allocated_memory_alone_is_mixed() -> None:
    # scontrol of 26.05.5 prints State=MIXED CPUAlloc=0 AllocMem=400 for a node with a suspended job.
    assert published_node(state="IDLE", raw_alloc_tres_fmt_str="mem=400M")["state_base"] == "MIXED"
    assert published_node(state="IDLE+PLANNED", raw_alloc_tres_fmt_str="mem=400M")["state"] == "MIXED+PLANNED"
    assert published_node(state="IDLE", raw_alloc_tres_fmt_str=None)["state"] == "IDLE"


def test_a_node_without_a_reason_has_no_user_of_the_reason() -> None:
    node = published_node(reason=None, raw_reason_uid=0, reason_time=5)
    assert [node[name] for name in ("reason", "reason_uid", "reason_user", "reason_time")] == [None] * 4
    named = published_node(reason="fan", raw_reason_uid=0, reason_time=5)
    assert [named[name] for name in ("reason_uid", "reason_user", "reason_time")] == [0, "root", 5]


def test_node_figures() -> None:
    node = published_node(raw_cpu_load=139, raw_owner=1001, raw_free_mem=1234, raw_cpu_spec_list="0-1")
    assert [node[name] for name in ("cpu_load", "owner", "free_mem", "cpu_spec_list")] == [139, 1001, 1234, "0-1"]
    assert (node["features"], node["features_active"], node["gres_drain"]) == ("fast,ib", [], [])
    # NO_VAL, NO_VAL64 of slurm.h.
    unset = published_node(raw_cpu_load=0xFFFFFFFE, raw_owner=0xFFFFFFFE, raw_free_mem=0xFFFFFFFFFFFFFFFE)
    assert [unset[name] for name in ("cpu_load", "owner", "free_mem", "cpu_spec_list")] == [None, None, None, []]


def test_partition_power_saving_is_null_where_the_clusters_applies() -> None:
    names = ("tres_fmt_str", "billing_weights_str", "resume_timeout", "suspend_time", "suspend_timout")
    partition = published_partition()
    assert [partition[name] for name in names] == ["cpu=128,mem=256000M,node=8,billing=128", None, None, None, None]
    own = published_partition(
        raw_billing_weights_str="CPU=1.0", raw_resume_timeout=60, raw_suspend_time=0xFFFFFFFF, raw_suspend_timeout=30
    )
    assert [own[name] for name in names[1:]] == ["CPU=1.0", 60, "UNLIMITED", 30]

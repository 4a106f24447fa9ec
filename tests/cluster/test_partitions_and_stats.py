"""`/partitions` against `scontrol show partition`, and `/stats` against `sdiag`, field by field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from slurm_rest_api.slurmapi.contract.partition import PartitionRecord
from slurm_rest_api.slurmapi.contract.statistics import StatisticsRecord
from tests.cluster.answers import ask, fresh
from tests.cluster.comparison import Row, count, differences, split, word
from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs
from tests.testbed.service import Service
from tests.testbed.steps import wait_until

Facts = dict[str, Any]

PARTITIONS = ("main", "high", "long", "loaned")
LOANED = {
    "Nodes": "rack[001-002]", "AllowAccounts": "physics,biology", "DenyQos": "urgent", "AllowGroups": "alice,bob",
    "Alternate": "long", "State": "DRAIN", "MaxTime": "2-12:30:00", "DefaultTime": "00:15:00", "MaxNodes": "2",
    "MinNodes": "1", "GraceTime": "30", "OverSubscribe": "FORCE:3", "DefMemPerCPU": "150", "MaxMemPerNode": "9000",
    "MaxCPUsPerNode": "6", "OverTimeLimit": "5", "PriorityJobFactor": "7", "PriorityTier": "3", "ReqResv": "YES",
    "LLN": "YES", "RootOnly": "YES", "DisableRootJobs": "YES", "Hidden": "YES",
}  # fmt: skip


def _allowed(text: str) -> str | list[str]:
    return "ALL" if text == "ALL" else split(text)


def _denied(text: str | None) -> list[str] | None:
    return split(text) if text and word(text) else None


def _seconds(text: str) -> int | str:
    if not text[0].isdigit():
        return text
    days, _, clock = text.rpartition("-")
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds


def _number(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _memory(text: str | None) -> int | str | None:
    return None if text is None else _number(text)


def _yes(text: str) -> int:
    return int(text == "YES")


PARTITION_ROWS = [
    Row("name", "PartitionName"),
    Row("state", "State"),
    Row("allow_groups", "AllowGroups", _allowed),
    Row("allow_accounts", "AllowAccounts", lambda text: None if text is None else _allowed(text)),
    Row("deny_accounts", "DenyAccounts", _denied),
    Row("allow_qos", "AllowQos", lambda text: None if text is None else _allowed(text)),
    Row("deny_qos", "DenyQos", _denied),
    Row("allow_alloc_nodes", "AllocNodes", _allowed),
    Row("alternate", "Alternate", lambda text: text and word(text)),
    Row("qos_char", "QoS", word),
    Row("default_time", "DefaultTime", _seconds),
    Row("default_time_str", "DefaultTime"),
    Row("max_time", "MaxTime", _seconds),
    Row("max_time_str", "MaxTime"),
    Row("over_time_limit", "OverTimeLimit", _number),
    Row("grace_time", "GraceTime", int),
    Row("def_mem_per_cpu", "DefMemPerCPU", _memory),
    Row("def_mem_per_node", "DefMemPerNode", _memory),
    Row("max_mem_per_cpu", "MaxMemPerCPU", _memory),
    Row("max_mem_per_node", "MaxMemPerNode", _memory),
    Row("max_cpus_per_node", "MaxCPUsPerNode", _number),
    Row("max_cpus_per_socket", "MaxCPUsPerSocket", _number),
    Row("max_nodes", "MaxNodes", _number),
    Row("min_nodes", "MinNodes", int),
    Row("nodes", "Nodes"),
    Row("tres_fmt_str", "TRES"),
    Row("total_nodes", "TotalNodes", int),
    Row("total_cpus", "TotalCPUs", int),
    Row("priority", "PriorityTier", int),
    Row("priority_tier", "PriorityTier", int),
    Row("priority_job_factor", "PriorityJobFactor", int),
    Row("preempt_mode", "PreemptMode"),
    Row("select_type_parameters", "SelectTypeParameters", lambda text: None if text == "NONE" else text),
    Row("requires_reservation", "ReqResv", lambda text: text == "YES"),
    Row("flags.Default", "Default", _yes),
    Row("flags.Hidden", "Hidden", _yes),
    Row("flags.DisableRootJobs", "DisableRootJobs", _yes),
    Row("flags.RootOnly", "RootOnly", _yes),
    Row("flags.LLN", "LLN", _yes),
    Row("flags.Shared", "OverSubscribe", lambda text: text.replace("FORCE:", "FORCED:")),
]
OPTIONAL_WORDS = ("AllowAccounts", "DenyAccounts", "AllowQos", "DenyQos", "Alternate", "DefMemPerCPU", "DefMemPerNode",
                  "MaxMemPerCPU", "MaxMemPerNode")  # fmt: skip


@pytest.fixture(scope="module")
def partitions(cluster: Cluster, service: Service) -> Iterator[dict[str, Any]]:
    words = [f"{name}={value}" for name, value in LOANED.items()]
    cluster.run(["scontrol", "create", "PartitionName=loaned", *words])
    try:
        [ours] = fresh(service, "/partitions")
        yield ours
    finally:
        cluster.run(["scontrol", "delete", "PartitionName=loaned"])


@pytest.mark.parametrize("name", PARTITIONS)
def test_a_partition_is_what_scontrol_prints(cluster: Cluster, partitions: dict[str, Any], name: str) -> None:
    told = {**dict.fromkeys(OPTIONAL_WORDS), **cluster.scontrol_show("partition", name)}
    record = partitions[name]
    flags = {f"flags.{flag}": value for flag, value in record["flags"].items()}

    assert differences(PARTITION_ROWS, {**record, **flags}, told, told) == []


def test_partitions_are_the_visible_ones_under_their_names(partitions: dict[str, Any]) -> None:
    assert sorted(partitions) == ["high", "loaned", "long", "main"]
    for name, record in partitions.items():
        PartitionRecord.model_validate(record)
        assert record["name"] == name


def test_what_was_asked_for_is_published(partitions: dict[str, Any]) -> None:
    record = partitions["loaned"]

    assert (record["state"], record["nodes"], record["total_cpus"]) == ("DRAIN", "rack[001-002]", 32)
    assert (record["max_time"], record["default_time"]) == (217800, 900)
    assert (record["allow_accounts"], record["deny_qos"], record["allow_qos"]) == (
        ["physics", "biology"], ["urgent"], None
    )  # fmt: skip
    assert (record["def_mem_per_cpu"], record["max_mem_per_node"]) == (150, 9000)
    assert (record["flags"]["Shared"], record["max_share"]) == ("FORCED:3", 3 + 32768)
    assert (record["over_time_limit"], record["grace_time"], record["priority_job_factor"]) == (5, 30, 7)


def test_an_unlimited_partition(partitions: dict[str, Any]) -> None:
    assert (partitions["long"]["max_time"], partitions["long"]["max_time_str"]) == ("UNLIMITED", "UNLIMITED")
    assert (partitions["main"]["max_time"], partitions["main"]["max_share"]) == (86400, 1)


STATISTICS_ROWS = [
    *(Row(name, name, moving=True) for name in (
        "server_thread_count", "agent_queue_size", "agent_count", "agent_thread_count", "dbd_agent_queue_size",
        "jobs_submitted", "jobs_started", "jobs_completed", "jobs_canceled", "jobs_failed", "jobs_pending",
        "jobs_running", "schedule_cycle_last", "schedule_cycle_max", "schedule_cycle_sum", "schedule_cycle_mean",
        "schedule_cycle_mean_depth", "bf_backfilled_jobs", "bf_last_backfilled_jobs", "bf_backfilled_het_jobs",
        "bf_cycle_counter", "bf_cycle_sum", "bf_cycle_last", "bf_cycle_max", "bf_cycle_mean", "bf_last_depth",
        "bf_last_depth_try", "bf_depth_sum", "bf_depth_try_sum", "bf_queue_len", "bf_queue_len_sum",
        "bf_queue_len_mean", "bf_table_size", "bf_table_size_sum")),
    Row("req_time", "req_time", count, moving=True),
    Row("req_time_start", "req_time_start", count),
    Row("schedule_cycle_counter", "schedule_cycle_total", moving=True),
    Row("schedule_queue_len", "schedule_queue_length", moving=True),
    Row("schedule_cycle_depth", "schedule_cycle_depth", moving=True),
    Row("job_states_ts", "job_states_ts", count, moving=True),
    Row("bf_mean_depth", "bf_depth_mean", moving=True),
    Row("bf_mean_depth_try", "bf_depth_mean_try", moving=True),
    Row("bf_when_last_cycle", "bf_when_last_cycle", count, moving=True),
    Row("bf_active", "bf_active", int),
]  # fmt: skip
# `sdiag --json` has these two wrong or not at all; what it prints is right.
PRINTED_ROWS = [
    Row("gettimeofday_latency", "Latency for 1000 calls to gettimeofday()", moving=True),
    Row("bf_table_size_mean", "Mean table size", moving=True),
    Row("rpc_queue_enabled", "RPC queue enabled", bool),
]
SCHEDULE_EXIT_ROWS = [
    Row("end_of_job_queue", "end_job_queue", moving=True),
    Row("default_queue_depth", "default_queue_depth", moving=True),
    Row("max_job_start", "max_job_start", moving=True),
    Row("blocked_on_licenses", "licenses", moving=True),
    Row("max_rpc_count", "max_rpc_cnt", moving=True),
    Row("max_time", "max_sched_time", moving=True),
]
BACKFILL_EXIT_ROWS = [
    Row("end_of_job_queue", "end_job_queue", moving=True),
    Row("max_job_start", "bf_max_job_start", moving=True),
    Row("max_job_test", "bf_max_job_test", moving=True),
    Row("state_changed", "state_changed", moving=True),
    Row("node_space_size", "bf_node_space_size", moving=True),
    Row("max_time", "bf_max_time", moving=True),
]
RPC_TYPE_ROWS = [
    Row("id", "type_id"),
    Row("count", "count", moving=True),
    Row("total_time", "total_time", moving=True),
    Row("queued", "queued", moving=True),
    Row("dropped", "dropped", moving=True),
    Row("cycle_last", "cycle_last", moving=True),
    Row("cycle_max", "cycle_max", moving=True),
]
RPC_USER_ROWS = [
    Row("id", "user_id"),
    Row("user_name", "user"),
    Row("count", "count", moving=True),
    Row("total_time", "total_time", moving=True),
]


@dataclass(frozen=True)
class Statistics:
    """One `/stats` between two readings of `sdiag`, as JSON and as printed."""

    ours: Facts
    before: Facts
    after: Facts
    printed_before: Facts
    printed_after: Facts


def _read(cluster: Cluster, service: Service) -> Statistics:
    before, printed_before = cluster.sdiag_json(), _printed(cluster)
    started = count(before["req_time"])

    def newer() -> Facts | None:
        data: Facts = ask(service, "/stats").json["data"]
        return data if data["req_time"] > started + 1 else None

    ours = wait_until("statistics that are newer", newer, lambda data: data is not None)
    assert ours is not None
    return Statistics(ours, before, cluster.sdiag_json(), printed_before, _printed(cluster))


def _printed(cluster: Cluster) -> Facts:
    found = re.findall(r"^\s*([^:\n]+):\s*(\d+)", cluster.run(["sdiag"]).stdout, re.MULTILINE)
    return {name.strip(): int(value) for name, value in found}


def _unlike(statistics: Statistics) -> list[str]:
    ours, before, after = statistics.ours, statistics.before, statistics.after
    return [
        *differences(STATISTICS_ROWS, ours, before, after),
        *differences(PRINTED_ROWS, ours, statistics.printed_before, statistics.printed_after),
        *differences(SCHEDULE_EXIT_ROWS, ours["schedule_exit"], before["schedule_exit"], after["schedule_exit"]),
        *differences(BACKFILL_EXIT_ROWS, ours["bf_exit"], before["bf_exit"], after["bf_exit"]),
    ]


def _wait_for_backfill(cluster: Cluster, jobs: Jobs) -> None:
    """sdiag leaves the means of the backfill scheduler out until it has run, and it runs only while a job waits."""
    jobs.running(nodelist="rack001", ntasks=16)
    jobs.submit(nodelist="rack001", ntasks=16)
    wait_until("the backfill scheduler to have run", lambda: _printed(cluster), lambda seen: "Mean table size" in seen)


def test_statistics_are_what_sdiag_says(cluster: Cluster, service: Service, jobs: Jobs) -> None:
    _wait_for_backfill(cluster, jobs)
    # A gauge may jump up and down between two readings; a field that is converted wrongly never agrees.
    seen = wait_until("the statistics to agree", lambda: _unlike(_read(cluster, service)), lambda lines: not lines)

    assert seen == []


def test_calls_by_type_and_by_user_are_what_sdiag_says(cluster: Cluster, service: Service) -> None:
    statistics = _read(cluster, service)
    ours, before, after = statistics.ours, statistics.before, statistics.after
    unlike = _unlike_calls(RPC_TYPE_ROWS, ours["rpc_type_stats"], "message_type",
                           before["rpcs_by_message_type"], after["rpcs_by_message_type"])  # fmt: skip
    unlike += _unlike_calls(RPC_USER_ROWS, ours["rpc_user_stats"], "user",
                            before["rpcs_by_user"], after["rpcs_by_user"])  # fmt: skip

    assert unlike == []
    assert {"REQUEST_JOB_INFO", "REQUEST_NODE_INFO", "REQUEST_STATS_INFO"} <= set(ours["rpc_type_stats"])
    assert {"root", "slurmrestapi"} <= set(ours["rpc_user_stats"])


def _unlike_calls(rows: list[Row], ours: Facts, key: str, before: list[Facts], after: list[Facts]) -> list[str]:
    first, last = ({entry[key]: entry for entry in entries} for entries in (before, after))
    return [f"{name}: {line}" for name in first for line in differences(rows, ours.get(name, {}), first[name],
                                                                       last[name])]  # fmt: skip


def test_averages_are_those_of_their_sums(service: Service) -> None:
    ours = ask(service, "/stats").json["data"]

    for call in [*ours["rpc_type_stats"].values(), *ours["rpc_user_stats"].values()]:
        assert call["ave_time"] == call["total_time"] // call["count"]


def test_every_field_of_the_statistics_has_a_row() -> None:
    compared = {row.field for row in STATISTICS_ROWS + PRINTED_ROWS}
    elsewhere = {"schedule_exit", "bf_exit", "rpc_type_stats", "rpc_user_stats"}
    # The rate depends on the second; the rest has no source or is seldom there.
    apart = {"parts_packed", "rpc_pending", "schedule_cycles_per_minute"}

    assert compared | elsewhere | apart == set(StatisticsRecord.model_fields)


def test_cycles_per_minute_are_near_those_of_sdiag(cluster: Cluster, service: Service) -> None:
    def difference() -> int:
        statistics = _read(cluster, service)
        per_minute: int = statistics.after["schedule_cycle_per_minute"]
        return abs(int(statistics.ours["schedule_cycles_per_minute"]) - per_minute)

    # Cycles run between the two readings, many of them on a busy machine.
    assert wait_until("the rates to agree", difference, lambda rates: rates <= 2) <= 2


def test_the_statistics_are_what_the_contract_says(service: Service) -> None:
    record = ask(service, "/stats").json["data"]

    assert StatisticsRecord.model_validate(record).parts_packed == 1

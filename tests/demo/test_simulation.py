"""Properties of the simulated cluster that hold at any moment, for any seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.demo.hardware import HIDDEN_PARTITION, PARTITIONS
from slurm_rest_api.demo.jobs import MIN_JOB_AGE_SECONDS
from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.demo.source import DemoSource
from slurm_rest_api.demo.timeline import Timeline
from slurm_rest_api.demo.workload import demand_at
from slurm_rest_api.slurmapi.collector.usage import allocations_of, compute_usage
from slurm_rest_api.slurmapi.sources.hostlists import expand_known
from tests.property_tests import examples

TUESDAY_15H = 1_795_532_400
HOUR, DAY = 3600, 86400
seeds = st.integers(0, 2**32)
clocks = st.integers(1_700_000_000, 2_000_000_000)
sizes = st.integers(20, 120)

Record = dict[str, Any]


@dataclass
class Cluster:
    """Returns the records of one moment."""

    now: int
    jobs: list[Record]
    nodes: dict[str, Record]
    partitions: dict[str, Record]
    statistics: Record


def cluster(scale: Scale, now: int) -> Cluster:
    snapshot = DemoSource(scale, clock=lambda: now).load()
    return Cluster(
        now,
        list(snapshot.jobs),
        {node["name"]: node for node in snapshot.nodes},
        {partition["name"]: partition for partition in snapshot.partitions},
        snapshot.statistics,
    )


def in_state(jobs: list[Record], *states: str) -> Iterator[Record]:
    return (job for job in jobs if job["job_state"] in states)


@given(seeds, clocks, sizes)
@examples(25)
def test_node_allocation_equals_that_of_its_jobs(seed: int, now: int, size: int) -> None:
    found = cluster(Scale(size, 300, seed), now)
    cpus, memory, gpus = Counter[str](), Counter[str](), Counter[str]()
    ids: defaultdict[str, list[int]] = defaultdict(list)
    for job in in_state(found.jobs, "RUNNING"):
        assert sum(job["cpus_allocated"].values()) == job["num_cpus"]
        cpus.update(job["cpus_allocated"])
        memory.update(job["mem_allocated"])
        gpus.update({node: sum(held.values()) for node, held in job["gres_allocated"].items()})
        for node, taken in job["cpus_alloc_layout"].items():
            ids[node] += taken
    for name, node in found.nodes.items():
        assert (node["alloc_cpus"], node["alloc_mem"]) == (cpus[name], memory[name])
        assert node["alloc_cpus"] + node["idle_cpus"] == node["cpus"]
        assert node["alloc_mem"] + node["idle_mem"] == node["real_memory"]
        assert node["idle_cpus"] >= 0 <= node["idle_mem"]
        assert len(set(ids[name])) == len(ids[name]) == cpus[name]
        assert all(0 <= number < node["cpus"] for number in ids[name])
        used = sum(int(item.rpartition(":")[2]) for item in node["gres_used"])
        assert used == gpus[name] <= sum(int(item.rpartition(":")[2]) for item in node["gres"])


@given(seeds, clocks, sizes)
@examples(25)
def test_jobs_respect_their_partition_and_limits(seed: int, now: int, size: int) -> None:
    found = cluster(Scale(size, 300, seed), now)
    numbers = [job["job_id"] for job in found.jobs]
    assert len(set(numbers)) == len(numbers)
    limits = {name: partition["max_time"] for name, partition in found.partitions.items()}
    for job in found.jobs:
        assert 0 < job["submit_time"] <= now
        assert job["submit_time"] <= job["eligible_time"] or (job["eligible_time"], job["job_state"]) == (0, "PENDING")
        assert job["time_limit"] * 60 <= limits[job["partition"]]
        for node in job["cpus_allocated"]:
            assert job["partition"] in found.nodes[node]["partitions"]
        if job["job_state"] == "RUNNING":
            assert job["eligible_time"] <= job["start_time"] <= now < job["end_time"] + 1
            assert job["run_time"] + job["run_time_remaining"] == job["time_limit"] * 60
        elif job["job_state"] == "PENDING":
            assert job["nodes"] is None
        else:
            assert now - MIN_JOB_AGE_SECONDS < job["end_time"] <= now
            assert job["run_time"] <= job["time_limit"] * 60


@given(seeds, clocks)
@examples(10)
def test_nodes_are_reserved_where_a_reservation_is_active(seed: int, now: int) -> None:
    snapshot = DemoSource(Scale(nodes=60, jobs=200, seed=seed), clock=lambda: now).load()
    active: dict[str, set[str]] = defaultdict(set)
    for record in snapshot.reservations or []:
        if record["start_time"] <= now < record["end_time"]:
            for name in expand_known(record["nodes"]):
                active[name] |= {"RESERVED", *(("MAINTENANCE",) if "MAINT" in record["flags"] else ())}
    visible = {node["name"] for node in snapshot.nodes if node["partitions"] != [HIDDEN_PARTITION]}
    assert active.keys() & visible
    for node in snapshot.nodes:
        assert {"RESERVED", "MAINTENANCE"} & {*node["state_flags"]} == active[node["name"]], node["name"]


@given(seeds, clocks)
@examples(25)
def test_nodes_out_of_service_have_reasons_and_down_nodes_no_jobs(seed: int, now: int) -> None:
    found = cluster(Scale(100, 300, seed), now)
    for node in found.nodes.values():
        out = node["state_base"] == "DOWN" or not {"DRAIN", "FAIL"}.isdisjoint(node["state_flags"])
        assert bool(node["reason"]) == out
        assert (node["reason_time"] or now) <= now
        if node["state_base"] == "DOWN":
            assert node["alloc_cpus"] == 0
        elif node["alloc_cpus"] == 0:
            assert node["state_base"] == "IDLE"
        else:
            assert node["state_base"] == ("ALLOCATED" if node["idle_cpus"] == 0 else "MIXED")


@given(seeds, clocks)
@examples(15)
def test_usage_adds_up(seed: int, now: int) -> None:
    found = cluster(Scale(80, 300, seed), now)
    allocations = [allocation for job in found.jobs for allocation in allocations_of(job)]
    usage = compute_usage(found.partitions.values(), found.nodes.values(), allocations)
    assert usage["alloc_cpus"] == sum(part["alloc_cpus"] for part in usage["partitions"].values())
    assert usage["alloc_cpus"] == sum(node["alloc_cpus"] for node in found.nodes.values())
    assert 0 <= usage["total_load"] <= 1
    assert all(0 <= part["partition_load"] <= 1 for part in usage["partitions"].values())


@given(seeds, clocks, st.integers(1, 5 * HOUR))
@examples(15)
def test_moment_does_not_depend_on_earlier_moments(seed: int, now: int, seconds: int) -> None:
    scale = Scale(40, 150, seed)
    lived = Timeline(scale)
    for step in range(0, seconds, 600):
        lived.at(now + step)
    assert lived.at(now + seconds) == Timeline(scale).at(now + seconds)


@given(seeds, clocks)
@examples(15)
def test_changed_between_yields_every_change(seed: int, now: int) -> None:
    timeline = Timeline(Scale(40, 150, seed))
    before, after = timeline.at(now), timeline.at(now + 300)
    message = {(job.id, job.attempt, job.task) for job in timeline.changed_between(now, now + 300)}
    started = {(j.id, j.attempt, j.task) for j in after.running} - {(j.id, j.attempt, j.task) for j in before.running}
    gone = {(j.id, j.attempt, j.task) for j in before.running} - {(j.id, j.attempt, j.task) for j in after.running}
    assert started | gone <= message


def test_default_cluster_has_its_size_and_every_kind_of_job() -> None:
    found = cluster(Scale(), TUESDAY_15H)
    assert len(found.nodes) == 300
    assert 700 <= len(found.jobs) <= 1300
    states = Counter(job["job_state"] for job in found.jobs)
    assert states["RUNNING"] > 300
    assert states["PENDING"] > 200
    reasons = {job["state_reason"] for job in in_state(found.jobs, "PENDING")}
    assert {"Priority", "Resources", "Dependency", "JobArrayTaskLimit", "JobHeldUser"} <= reasons
    assert [job for job in found.jobs if job["array_task_str"]]
    assert [job for job in found.jobs if job["het_job_offset"] == 1]
    assert {node["state"] for node in found.nodes.values()} >= {"IDLE", "MIXED", "ALLOCATED", "DOWN*"}
    assert [node for node in found.nodes.values() if "DRAIN" in node["state_flags"]]
    assert "cn001" in found.nodes
    assert set(found.partitions) == {partition.name for partition in PARTITIONS}
    assert HIDDEN_PARTITION in found.partitions


def test_a_day_has_every_outcome_and_requeues() -> None:
    outcomes = Counter(
        job.outcome for job in Timeline(Scale()).changed_between(TUESDAY_15H, TUESDAY_15H + DAY) if job.end
    )
    expected = {"COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "OUT_OF_MEMORY", "NODE_FAIL", "REQUEUED"}
    assert expected <= set(outcomes)
    assert outcomes["COMPLETED"] > sum(outcomes.values()) / 2


def test_load_follows_the_daily_demand() -> None:
    def running(hour: int) -> int:
        return len(Timeline(Scale()).at(TUESDAY_15H + hour * HOUR).running)

    assert demand_at(TUESDAY_15H) > demand_at(TUESDAY_15H + 12 * HOUR)
    assert sum(running(day * 24 + 3) for day in range(3)) > sum(running(day * 24 + 15) for day in range(3))


@pytest.mark.parametrize("field", ["jobs_submitted", "bf_cycle_counter"])
def test_counters_of_the_statistics_only_grow_during_a_day(field: str) -> None:
    source_clock = [TUESDAY_15H]
    source = DemoSource(Scale(40, 100), clock=lambda: source_clock[0])
    before = source.load().statistics[field]
    source_clock[0] += HOUR
    assert source.load().statistics[field] > before


def test_unchanged_jobs_are_not_sent_again() -> None:
    source = DemoSource(Scale(40, 200), clock=lambda: TUESDAY_15H)
    snapshot = source.load()
    assert snapshot.changed_since is not None
    marks: dict[int, int] = {}
    first = list(snapshot.changed_since({}, marks))
    second = list(source.load().changed_since(marks, {}))  # type: ignore[misc]
    unchanged = [job for job in second if set(job) == {"job_id", "partition"}]
    assert {job["job_id"] for job in unchanged} == set(marks)
    assert len(unchanged) > 50
    assert [job["job_id"] for job in first] == [job["job_id"] for job in second]

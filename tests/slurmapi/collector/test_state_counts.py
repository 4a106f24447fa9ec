"""Jobs and nodes by state, and GPUs."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurmapi.collector.index_rows import node_index_row
from slurm_rest_api.slurmapi.collector.state_counts import JobCounter, count_states
from slurm_rest_api.slurmapi.sources.base import UnchangedJob
from tests.builders import make_job, make_node, make_partition, make_running_job


def counted(*jobs: dict[str, object], before: dict[int, str] | None = None) -> JobCounter:
    counts = JobCounter(before)
    assert list(counts.count_while_iterating(jobs)) == list(jobs)
    return counts


def test_jobs_are_counted_by_state_and_partition() -> None:
    counts = counted(
        make_running_job(1, "rack001"),
        make_job(2, partition="main,gpu"),
        make_job(3, job_state="COMPLETED"),
        make_job(4, job_state="RUNNING+COMPLETING", partition="gpu"),
        make_job(5, job_state="SUSPENDED"),
    )
    assert counts.of_cluster() == {"jobs_running": 2, "jobs_pending": 1}
    assert counts.of_partition("main") == {"jobs_running": 1, "jobs_pending": 1}
    assert counts.of_partition("gpu") == {"jobs_running": 1, "jobs_pending": 1}
    assert counts.of_partition("none") == {"jobs_running": 0, "jobs_pending": 0}


def test_an_unchanged_job_has_the_state_of_the_cycle_before() -> None:
    first = counted(make_job(1), make_job(2, job_state="COMPLETED"))
    unchanged = [UnchangedJob(job_id=number, partition="main") for number in (1, 2)]
    assert counted(*unchanged, before=first.states).of_cluster() == {"jobs_running": 0, "jobs_pending": 1}
    assert counted(*unchanged, before=first.states).states == first.states


def test_nodes_are_counted_by_the_words_of_sinfo() -> None:
    states = ["IDLE", "IDLE*+DRAIN", "MIXED+DRAIN", "DOWN*", "ALLOCATED", "IDLE+DRAIN+COMPLETING", "DOWN+DRAIN"]
    nodes = [make_node(f"n{number}", state=state) for number, state in enumerate(states)]
    assert count_states(JobCounter(), nodes, [])["nodes_by_state"] == {
        "ALLOCATED": 1,
        "DOWN": 1,
        "DRAINED": 2,
        "DRAINING": 2,
        "IDLE": 1,
    }


def test_marks_and_flags_make_no_states_of_their_own() -> None:
    states = ["IDLE~", "IDLE*", "ALLOCATED$", "MIXED-", "ALLOCATED+MAINTENANCE+RESERVED"]
    nodes = [make_node(f"n{number}", state=state) for number, state in enumerate(states)]
    assert count_states(JobCounter(), nodes, [])["nodes_by_state"] == {"ALLOCATED": 2, "IDLE": 2, "MIXED": 1}


@pytest.mark.parametrize(
    ("gres", "gpus"),
    [
        (["gpu:4090:2"], 2),
        (["gpu:tesla"], 1),
        (["gpu:a100(CNT:2)"], 2),
        (["gpu:4", "gpu:a100:4"], 4),
        (["gpu:tesla:2(IDX:0", "1)"], 2),
    ],
)
def test_gpus_are_counted_once(gres: list[str], gpus: int) -> None:
    node = make_node(gres=gres, gres_used=gres)
    counts = count_states(JobCounter(), [node], [])
    assert (counts["alloc_gpus"], counts["total_gpus"]) == (gpus, gpus)
    assert node_index_row(node)[-2:] == (gpus, gpus)


def test_gpus_of_any_type_are_counted() -> None:
    nodes = [
        make_node("n1", gres=["gpu:tesla:2(S:0)", "shard:8"], gres_used=["gpu:tesla:1(IDX:0)"]),
        make_node("n2", gres=["gpu:4"], gres_used=[], partitions=["gpu"]),
        make_node("n3"),
    ]
    counts = count_states(JobCounter(), nodes, [make_partition("main"), make_partition("gpu")])
    assert (counts["alloc_gpus"], counts["total_gpus"]) == (1, 6)
    assert counts["partitions"]["main"]["total_gpus"] == 2
    assert (counts["partitions"]["gpu"]["alloc_gpus"], counts["partitions"]["gpu"]["total_gpus"]) == (0, 4)
    assert counts["partitions"]["gpu"]["nodes_by_state"] == {"IDLE": 1}

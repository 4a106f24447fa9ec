"""Jobs and nodes by state, and GPUs."""

from __future__ import annotations

import pytest

from slurm_rest_api.slurmapi.collector.index_rows import node_index_row
from slurm_rest_api.slurmapi.collector.state_counts import NOTHING_COUNTED, CountedJobs, JobCounter, count_states
from slurm_rest_api.slurmapi.sources.base import UnchangedJob
from slurm_rest_api.slurmapi.store.index_columns import COLUMNS
from tests.builders import make_job, make_node, make_partition, make_running_job


def job_counts(
    running: int, pending: int, tasks_pending: int | None = None, reasons: dict[str, int] | None = None
) -> dict[str, object]:
    return {
        "jobs_running": running,
        "jobs_pending": pending,
        "tasks_running": running,
        "tasks_pending": pending if tasks_pending is None else tasks_pending,
        "jobs_pending_by_reason": reasons or ({"Priority": pending} if pending else {}),
    }


def counted(*jobs: dict[str, object], before: CountedJobs = NOTHING_COUNTED) -> JobCounter:
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
    assert counts.of_cluster() == job_counts(running=2, pending=1)
    assert counts.of_partition("main") == job_counts(running=1, pending=1)
    assert counts.of_partition("gpu") == job_counts(running=1, pending=1)
    assert counts.of_partition("none") == job_counts(running=0, pending=0)


@pytest.mark.parametrize(
    ("array_task_str", "tasks"),
    [
        # `Jobs pending` of sdiag of Slurm 26.05.5 for a waiting array with these tasks. `squeue -r` lists 100 of 101.
        ("0-10000", 10001),
        ("0-10000:100%4", 101),
        ("5", 1),
        ("1,3,10-20:2", 8),
        ("[3,7-9]%2", 4),
        # slurmctld's text, cut at SLURM_BITSTR_LEN: those that are left.
        ("1,3,4,6,8,9,1...", 6),
        ("...", 1),
    ],
)
def test_the_waiting_tasks_of_an_array_are_one_job(array_task_str: str, tasks: int) -> None:
    counts = counted(make_job(1, array_job_id=1, array_task_str=array_task_str), make_running_job(2, "rack001"))
    assert counts.of_cluster() == job_counts(running=1, pending=1, tasks_pending=tasks)
    assert counts.of_partition("main")["tasks_pending"] == tasks


def test_pending_jobs_are_counted_by_reason_and_partition() -> None:
    detailed = "ReqNodeNotAvail,_UnavailableNodes:rack001"
    jobs = [
        make_job(1, partition="main,gpu", state_reason=detailed),
        make_job(2, state_reason="Resources"),
        make_job(3, state_reason=None),
        # The reason of a job that is not pending is no reason to wait.
        make_job(4, job_state="FAILED", state_reason="NonZeroExitCode"),
    ]
    counts = counted(*jobs)
    whole = {"None": 1, "ReqNodeNotAvail": 1, "Resources": 1}
    assert counts.of_cluster() == job_counts(running=0, pending=3, reasons=whole)
    assert counts.of_partition("gpu")["jobs_pending_by_reason"] == {"ReqNodeNotAvail": 1}
    again = counted(*[UnchangedJob(job_id=n, partition="main,gpu") for n in (1, 2)], before=counts.counted())
    assert again.of_partition("gpu")["jobs_pending_by_reason"] == {"ReqNodeNotAvail": 1, "Resources": 1}


def test_reasons_of_plugins_have_a_bounded_number_and_length() -> None:
    jobs = [make_job(number, state_reason=f"{number:04}" * 100) for number in range(1, 1001)]
    reasons = counted(*jobs, make_job(1001, state_reason="0001" * 100)).of_cluster()["jobs_pending_by_reason"]
    assert (len(reasons), reasons["0001" * 20], reasons["other"]) == (51, 2, 950)


def test_an_unchanged_job_has_the_state_of_the_cycle_before() -> None:
    first = counted(make_job(1, array_task_str="0-9"), make_job(2, job_state="COMPLETED"))
    unchanged = [UnchangedJob(job_id=number, partition="main") for number in (1, 2)]
    again = counted(*unchanged, before=first.counted())
    assert again.of_cluster() == job_counts(running=0, pending=1, tasks_pending=10)
    assert again.counted() == first.counted()


def test_facts_of_jobs_that_are_gone_are_forgotten() -> None:
    first = counted(make_job(1), make_job(2, job_state="COMPLETED")).counted()
    again = counted(UnchangedJob(job_id=2, partition="main"), before=first)
    kept = again.counted()
    assert (dict(kept), list(kept.kinds)) == ({2: first[2]}, [first[2]])
    assert not list(again.of_limits())


def test_nodes_are_counted_by_the_words_of_sinfo() -> None:
    states = ["IDLE", "IDLE*+DRAIN", "MIXED+DRAIN", "DOWN*", "ALLOCATED", "IDLE+DRAIN+COMPLETING", "DOWN+DRAIN"]
    nodes = [make_node(f"n{number}", state=state) for number, state in enumerate(states)]
    assert count_states(JobCounter(), nodes, [])["nodes_by_state"] == {
        "ALLOCATED": 1,
        "DOWN*": 1,
        "DRAINED": 1,
        "DRAINED*": 1,
        "DRAINING": 2,
        "IDLE": 1,
    }


def test_nodes_that_cannot_take_jobs_are_not_idle_or_mixed() -> None:
    states = [
        "IDLE+FAIL",
        "IDLE+MAINTENANCE",
        "IDLE+RESERVED",
        "IDLE+NOT_RESPONDING",
        "IDLE+POWERED_DOWN",
        "MIXED+FAIL",
    ]
    nodes = [make_node(f"n{number}", state=state) for number, state in enumerate(states)]
    assert count_states(JobCounter(), nodes, [])["nodes_by_state"] == {
        "FAIL": 1,
        "FAILING": 1,
        "IDLE*": 1,
        "IDLE~": 1,
        "MAINT": 1,
        "RESERVED": 1,
    }


def test_flags_that_are_no_word_of_sinfo_make_no_states_of_their_own() -> None:
    states = ["IDLE+CLOUD", "ALLOCATED$", "MIXED-", "ALLOCATED+MAINTENANCE+RESERVED", "MIXED+DYNAMIC_NORM"]
    nodes = [make_node(f"n{number}", state=state) for number, state in enumerate(states)]
    assert count_states(JobCounter(), nodes, [])["nodes_by_state"] == {
        "ALLOCATED$": 2,
        "IDLE": 1,
        "MIXED": 1,
        "MIXED-": 1,
    }


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
    columns = dict(zip(COLUMNS["nodes"], node_index_row(node), strict=True))
    assert (columns["total_gpus"], columns["gpus_used"]) == (gpus, gpus)


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

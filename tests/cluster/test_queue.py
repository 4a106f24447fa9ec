"""`/queue` against `squeue` and `scontrol show job`, field by field, for jobs of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from slurm_rest_api.slurmapi.contract.job import JobRecord
from tests.cluster.answers import ask, fresh
from tests.cluster.comparison import differences
from tests.cluster.conftest import Jobs
from tests.cluster.job_truth import JSON_ROWS, NOT_TOLD, TEXT_ROWS, Facts, read_jobs
from tests.testbed.cluster import Cluster
from tests.testbed.service import Service
from tests.testbed.steps import wait_until

KINDS = ("per_cpu", "per_node", "multi_node", "suspended", "gpu", "gpus", "unlimited", "het_first", "het_second",
         "held", "held_admin", "resources", "priority", "dependency", "begin", "array_waiting", "array_task_0",
         "array_task_1", "many_partitions", "completed", "failed", "cancelled", "cancelled_waiting")  # fmt: skip


@dataclass(frozen=True)
class Queue:
    """One reading of `/queue` between two of the truth; `ids` has the job id of each kind."""

    ids: dict[str, str]
    ours: dict[str, Any]
    before: dict[str, tuple[Facts, Facts]]
    after: dict[str, tuple[Facts, Facts]]

    def job(self, kind: str) -> dict[str, Any]:
        """The published record of a kind."""
        record: dict[str, Any] = self.ours[self.ids[kind]]
        return record


@pytest.fixture(scope="module")
def queue(cluster: Cluster, service: Service) -> Iterator[Queue]:
    jobs = Jobs(cluster)
    try:
        # The ones that wait come last: Slurm keeps nodes free for them.
        ids = _submit_running(cluster, jobs)
        ids |= _finish_some(cluster, jobs)
        ids |= _submit_waiting(jobs, ids)
        _settle(cluster, ids)
        ids |= _array_ids(cluster, ids["array_waiting"])
        before = read_jobs(cluster)
        [ours] = fresh(service, "/queue")
        yield Queue(ids, ours, before, read_jobs(cluster))
    finally:
        jobs.cancel_all()


def _submit_running(cluster: Cluster, jobs: Jobs) -> dict[str, str]:
    ids = {
        "per_cpu": jobs.submit(nodelist="rack001", cpus_per_task=4, mem_per_cpu=250, job_name="marmalade", time=90,
                               comment="with blanks, and commas", exclude="rack[002-003],rack005"),
        "per_node": jobs.submit(user="bob", nodelist="rack002", ntasks=2, mem=3000, time=45, time_min=30, nice=7),
        "multi_node": jobs.submit(user="carol", nodelist="rack[003-004]", nodes=2, ntasks=5, mem_per_cpu=100),
        "suspended": jobs.submit(nodelist="rack001", ntasks=3, mem=1000),
        "gpu": jobs.submit(user="bob", partition="high", nodelist="rack005", gres="gpu:tesla:1", ntasks=2),
        "gpus": jobs.submit(user="bob", partition="high", nodelist="rack006", gpus=2, ntasks=2),
        "unlimited": jobs.submit(user="carol", partition="long", nodelist="rack007", ntasks=3, time="UNLIMITED",
                                 mem_per_cpu=500, licenses="matlab:1"),
        "het_first": jobs.submit(nodelist="rack001", ntasks=2,
                                 components=[{"partition": "long", "nodelist": "rack007", "ntasks": 1}]),
    }  # fmt: skip
    for job in ids.values():
        cluster.wait_state(job, {"RUNNING"})
    cluster.suspend(ids["suspended"])
    ids["het_second"] = ids["het_first"] + 1
    return {kind: str(job) for kind, job in ids.items()}


def _submit_waiting(jobs: Jobs, ids: dict[str, str]) -> dict[str, str]:
    waiting = {
        "resources": jobs.submit(constraint="avx2", nodes=4, exclusive=True),
        "held": jobs.submit(hold=True),
        "held_admin": jobs.submit(hold=True, user="bob"),
        "dependency": jobs.submit(dependency=f"afterok:{ids['per_cpu']},afterany:{ids['multi_node']}"),
        "begin": jobs.submit(user="bob", begin="2030-01-01T00:00:00", deadline="2031-01-01", licenses="matlab:2"),
        "array_waiting": jobs.submit(user="carol", array="0-5%2", partition="long", nodelist="rack007", mem=100),
        "many_partitions": jobs.submit(user="bob", partition="main,high", nodelist="rack006", exclusive=True, nice=200),
        "priority": jobs.submit(constraint="avx2", nodes=4, exclusive=True, nice=100),
    }
    return {kind: str(job) for kind, job in waiting.items()}


def _finish_some(cluster: Cluster, jobs: Jobs) -> dict[str, str]:
    ids = {
        "completed": jobs.submit(wrap="true", partition="long", nodelist="rack007"),
        "failed": jobs.submit(wrap="exit 3", partition="long", nodelist="rack007"),
        "cancelled": jobs.running(partition="long", nodelist="rack002"),
        "cancelled_waiting": jobs.submit(hold=True),
    }
    cluster.cancel(ids["cancelled"], ids["cancelled_waiting"])
    cluster.wait_state(ids["completed"], {"COMPLETED"})
    cluster.wait_state(ids["failed"], {"FAILED"})
    return {kind: str(job) for kind, job in ids.items()}


def _settle(cluster: Cluster, ids: dict[str, str]) -> None:
    """Wait until every waiting job has the reason that its kind says."""
    cluster.hold(int(ids["held_admin"]))
    wanted = {"resources": "Resources", "priority": "Priority", "dependency": "Dependency", "begin": "BeginTime",
              "array_waiting": "JobArrayTaskLimit", "held": "JobHeldUser", "held_admin": "JobHeldAdmin"}  # fmt: skip

    def reasons() -> dict[str, str]:
        printed = cluster.run(["squeue", "-h", "-a", "-t", "pending", "-o", "%A %r"]).stdout.splitlines()
        by_id = dict(line.split(maxsplit=1) for line in printed)
        return {kind: by_id.get(ids[kind], "") for kind in wanted}

    wait_until("the waiting jobs to have their reasons", reasons, lambda seen: seen == wanted)


def _array_ids(cluster: Cluster, array: str) -> dict[str, str]:
    tasks = [job for job in cluster.squeue_json() if str(job["array_job_id"]["number"]) == array]
    return {f"array_task_{job['array_task_id']['number']}": str(job["job_id"]) for job in tasks
            if job["array_task_id"]["set"]}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_is_what_squeue_says(queue: Queue, kind: str) -> None:
    job = queue.ids[kind]

    assert differences(JSON_ROWS, queue.ours[job], queue.before[job][0], queue.after[job][0]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_is_what_scontrol_prints(queue: Queue, kind: str) -> None:
    job = queue.ids[kind]

    assert differences(TEXT_ROWS, queue.ours[job], queue.before[job][1], queue.after[job][1]) == []


def test_every_published_field_has_a_row() -> None:
    compared = {row.field for row in JSON_ROWS + TEXT_ROWS}

    assert compared | set(NOT_TOLD) == set(JobRecord.model_fields)
    assert compared.isdisjoint(NOT_TOLD)


def test_every_job_is_there_under_its_id(queue: Queue) -> None:
    # The hidden partition may hold jobs of others; this module has none there.
    visible = {job for job, (told, _) in queue.before.items() if told["partition"] != "secret"}

    assert visible <= set(queue.ours)
    assert all(key == str(record["job_id"]) for key, record in queue.ours.items())


def test_every_record_is_what_the_contract_says(queue: Queue) -> None:
    for record in queue.ours.values():
        assert JobRecord.model_validate(record).job_id == record["job_id"]


@pytest.mark.parametrize(
    ("kind", "state", "reason"),
    [
        ("per_cpu", "RUNNING", "None"),
        ("suspended", "SUSPENDED", "None"),
        ("resources", "PENDING", "Resources"),
        ("priority", "PENDING", "Priority"),
        ("dependency", "PENDING", "Dependency"),
        ("begin", "PENDING", "BeginTime"),
        ("held", "PENDING", "JobHeldUser"),
        ("held_admin", "PENDING", "JobHeldAdmin"),
        ("array_waiting", "PENDING", "JobArrayTaskLimit"),
        ("completed", "COMPLETED", "None"),
        ("failed", "FAILED", "NonZeroExitCode"),
    ],
)
def test_state_and_reason(queue: Queue, kind: str, state: str, reason: str) -> None:
    job = queue.job(kind)

    assert (job["job_state"], job["state_reason"]) == (state, reason)


@pytest.mark.parametrize(
    ("kind", "cpus", "memory_mib"),
    [
        ("per_cpu", {"rack001": 4}, {"rack001": 1000}),
        ("per_node", {"rack002": 2}, {"rack002": 3000}),
        ("suspended", {"rack001": 4}, {"rack001": 1000}),  # three tasks on cores of two threads
        ("unlimited", {"rack007": 3}, {"rack007": 1500}),  # cores of one thread
        ("gpus", {"rack006": 2}, {"rack006": 200}),
        ("held", {}, {}),
        ("completed", {}, {}),
    ],
)
def test_allocation(queue: Queue, kind: str, cpus: dict[str, int], memory_mib: dict[str, int]) -> None:
    job = queue.job(kind)

    assert (job["cpus_allocated"], job["mem_allocated"]) == (cpus, memory_mib)


def test_five_tasks_on_two_nodes_hold_whole_cores(queue: Queue) -> None:
    job = queue.job("multi_node")

    assert sorted(job["cpus_allocated"].values()) == [2, 4]
    assert job["mem_allocated"] == {node: 100 * cpus for node, cpus in job["cpus_allocated"].items()}


@pytest.mark.parametrize(("kind", "memory_mib"), [("per_cpu", 1000), ("per_node", 3000), ("multi_node", 600)])
def test_memory_of_the_whole_job(queue: Queue, kind: str, memory_mib: int) -> None:
    assert queue.job(kind)["memory"] == memory_mib


def test_components_of_a_heterogeneous_job(queue: Queue) -> None:
    first, second = queue.job("het_first"), queue.job("het_second")

    assert (first["het_job_id"], first["het_job_offset"]) == (first["job_id"], 0)
    assert (second["het_job_id"], second["het_job_offset"]) == (first["job_id"], 1)
    assert (second["pack_job_id"], second["pack_job_offset"]) == (first["job_id"], 1)
    assert (queue.job("per_cpu")["het_job_id"], queue.job("per_cpu")["het_job_offset"]) == (None, None)


def test_the_tasks_of_an_array(queue: Queue) -> None:
    waiting, first = queue.job("array_waiting"), queue.job("array_task_0")

    assert (waiting["array_task_str"], waiting["array_task_id"], waiting["array_max_tasks"]) == ("2-5%2", None, 2)
    assert (first["array_task_str"], first["array_task_id"]) == (None, 0)
    assert first["array_job_id"] == waiting["array_job_id"] == waiting["job_id"]


def test_a_job_in_many_partitions_names_them_all(queue: Queue) -> None:
    assert set(queue.job("many_partitions")["partition"].split(",")) == {"main", "high"}


def test_an_unlimited_job(queue: Queue) -> None:
    job = queue.job("unlimited")

    assert (job["time_limit"], job["time_limit_str"], job["run_time_remaining"]) == ("UNLIMITED", "UNLIMITED", None)


def test_figures_that_follow_from_the_run_time(queue: Queue) -> None:
    job = queue.job("per_cpu")

    assert job["elapsed_cpu_time"] == 4 * job["run_time"]
    assert job["run_time_remaining"] == 90 * 60 - job["run_time"]
    assert (queue.job("held")["run_time_remaining"], queue.job("held")["elapsed_cpu_time"]) == (None, 0)


def test_standard_error_goes_where_the_output_goes(queue: Queue) -> None:
    assert queue.job("per_cpu")["std_err"] == queue.job("per_cpu")["std_out"] == "/dev/null"


def test_exit_codes(queue: Queue) -> None:
    assert queue.job("failed")["exit_code"] == "3:0"
    assert queue.job("completed")["exit_code"] == "0:0"


def test_a_job_appears_changes_and_keeps_its_last_state(cluster: Cluster, service: Service, jobs: Jobs) -> None:
    job = jobs.running(job_name="periwinkle", partition="long", nodelist="rack007")
    [running] = fresh(service, "/queue")
    cluster.finish(job, 5)
    [finished] = fresh(service, "/queue")

    assert (running[str(job)]["name"], running[str(job)]["job_state"]) == ("periwinkle", "RUNNING")
    assert (finished[str(job)]["job_state"], finished[str(job)]["exit_code"]) == ("FAILED", "5:0")
    assert finished[str(job)]["cpus_allocated"] == {}


def test_the_total_counts_the_jobs(service: Service) -> None:
    answer = ask(service, "/queue").json

    assert answer["meta"]["total"] == len(answer["data"])
    assert (answer["meta"]["source"], answer["meta"]["stale"]) == ("slurm", False)
    assert answer["meta"]["source_detail"].startswith("pyslurm ")

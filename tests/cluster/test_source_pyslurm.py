"""The adapter of pyslurm's object API reads the real cluster, in another process."""

from __future__ import annotations

import json
from typing import Any

import pytest

from slurm_rest_api.slurmapi.contract import JobRecord, NodeRecord, PartitionRecord, StatisticsRecord
from slurm_rest_api.slurmapi.sources.pyslurm.source import RPCS_PER_LOAD
from tests.builders import with_collected_fields
from tests.cluster.job_truth import layout
from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs
from tests.testbed.layout import CHECKOUT_IN_ROOT, VENV_IN_ROOT
from tests.testbed.steps import wait_until

# A user with no other RPCs.
OTHER = "daemon"

LOAD = """
import sys
import orjson
from slurm_rest_api.slurmapi.sources.detect import open_source

source = open_source("slurm:pyslurm")
for _ in range(int(sys.argv[1])):
    snapshot = source.load()
    jobs = list(snapshot.jobs)
records = {"jobs": jobs, "nodes": snapshot.nodes, "partitions": snapshot.partitions, "statistics": snapshot.statistics}
sys.stdout.buffer.write(orjson.dumps(records))
"""


def load(cluster: Cluster, times: int = 1, user: str = "root") -> dict[str, Any]:
    """The records of the last of a number of loads."""
    argv = [f"{VENV_IN_ROOT}/bin/python", "-c", LOAD, str(times)]
    printed = cluster.run(argv, user=user, env={"PYTHONPATH": CHECKOUT_IN_ROOT}).stdout
    records: dict[str, Any] = json.loads(printed)
    return records


def calls_of(cluster: Cluster, user: str) -> int:
    """Remote procedure calls of a user that slurmctld counted."""
    return sum(entry["count"] for entry in cluster.sdiag_json()["rpcs_by_user"] if entry["user"] == user)


def published(cluster: Cluster, job: int) -> dict[str, Any]:
    [record] = [record for record in load(cluster)["jobs"] if record["job_id"] == job]
    return dict(record)


def test_a_load_costs_the_published_number_of_rpcs(cluster: Cluster) -> None:
    def calls(times: int) -> int:
        before = calls_of(cluster, OTHER)
        load(cluster, times, user=OTHER)
        return calls_of(cluster, OTHER) - before

    # What the start of pyslurm costs is in both.
    assert calls(4) - calls(1) == 3 * RPCS_PER_LOAD


def test_every_record_keeps_the_contract(cluster: Cluster, jobs: Jobs) -> None:
    jobs.running(ntasks=2, mem_per_cpu=100)
    suspended = jobs.running(mem=200)
    cluster.suspend(suspended)
    jobs.submit(hold=True)
    jobs.submit(array="0-3%1")
    jobs.submit(components=[{"ntasks": 2}])
    jobs.submit(time=10, licenses="matlab:1", gres="gpu:tesla:1")
    records = load(cluster)
    for model, name in ((JobRecord, "jobs"), (NodeRecord, "nodes"), (PartitionRecord, "partitions")):
        assert records[name]
        for record in with_collected_fields(records[name]) if model is NodeRecord else records[name]:
            model.model_validate(record)
    StatisticsRecord.model_validate(records["statistics"])
    assert {job["job_state"] for job in records["jobs"]} >= {"RUNNING", "SUSPENDED", "PENDING"}


def test_the_cpus_on_each_node_are_those_of_scontrol(cluster: Cluster, jobs: Jobs) -> None:
    job = jobs.running(nodes=2, ntasks=6, mem=300)
    record = published(cluster, job)
    truth = layout(cluster, cluster.run(["scontrol", "-o", "-d", "show", "job", str(job)]).stdout)
    assert len(truth["cpus"]) == 2
    assert record["cpus_allocated"] == truth["cpus"]
    assert record["cpus_alloc_layout"] == truth["ids"]
    assert record["mem_allocated"] == truth["memory"]
    assert sum(record["cpus_allocated"].values()) == record["num_cpus"]


def test_task_zero_of_an_array_differs_from_pending_tasks(cluster: Cluster, jobs: Jobs) -> None:
    array = jobs.submit(array="0-2%1")

    def tasks() -> list[tuple[int | None, str | None]]:
        found = [job for job in load(cluster)["jobs"] if job["array_job_id"] == array]
        return sorted(((job["array_task_id"], job["array_task_str"]) for job in found), key=str)

    seen = wait_until(f"task 0 of array {array} to run", tasks, lambda seen: len(seen) == 2)
    assert seen == [(0, None), (None, "1-2%1")]


@pytest.mark.parametrize("status", [3, 128, 137, 255])
def test_exit_codes_are_those_of_the_script(cluster: Cluster, jobs: Jobs, status: int) -> None:
    job = jobs.running()
    cluster.finish(job, status)
    assert published(cluster, job)["exit_code"] == f"{status}:0"


def test_a_text_that_is_not_utf_8_has_its_bytes_replaced(cluster: Cluster, jobs: Jobs) -> None:
    job = jobs.submit(hold=True)
    # A shell of the root writes the byte, because an argument of Python would have it encoded.
    update = f"scontrol update jobid={job} name=$(printf 'f\\374r') comment=$(printf '\\342\\202\\254')"
    cluster.run(["sh", "-c", update])
    record = published(cluster, job)
    assert (record["name"], record["comment"]) == ("f\ufffdr", "€")


def test_two_licenses_and_two_dependencies_are_complete(cluster: Cluster, jobs: Jobs) -> None:
    first = jobs.submit(hold=True, job_name="twin")
    second = jobs.submit(job_name="twin", dependency=f"afterok:{first},singleton", licenses="matlab:1")
    record = published(cluster, second)
    assert record["dependency"] == f"afterok:{first}(unfulfilled),singleton(unfulfilled)"
    assert record["licenses"] == {"matlab": 1}


def test_a_job_without_a_limit_has_no_end_and_all_memory_is_counted(cluster: Cluster, jobs: Jobs) -> None:
    job = jobs.running(partition="long", nodelist="rack007", time="UNLIMITED", mem=0)
    record = published(cluster, job)
    assert (record["time_limit"], record["end_time"]) == ("UNLIMITED", None)
    assert (record["memory"], record["mem_allocated"]) == (16000, {"rack007": 16000})


def test_a_gpu_in_use_has_its_model(cluster: Cluster, jobs: Jobs) -> None:
    job = jobs.running(partition="high", nodelist="rack005", gres="gpu:tesla")
    records = load(cluster)
    [node] = [node for node in records["nodes"] if node["name"] == "rack005"]
    [record] = [record for record in records["jobs"] if record["job_id"] == job]
    assert (node["gres"], node["gres_used"]) == (["gpu:tesla:2"], ["gpu:tesla:1"])
    assert (record["gres"], record["tres_per_node"]) == (["gpu:tesla:1"], "gres/gpu:tesla")
    assert record["gres_allocated"] == {"rack005": {"gpu:tesla": 1}}

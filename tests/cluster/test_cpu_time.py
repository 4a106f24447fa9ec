"""CPU time of /history against `sacct`, which reads the same rows."""

from __future__ import annotations

from pathlib import Path

from slurm_rest_api.slurm.sentinels import NO_VAL64
from tests.cluster.accounting_database import real_accounting
from tests.cluster.sacct_truth import cpu_time
from tests.conftest import make_client
from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs
from tests.testbed.slurmnodes import CLUSTER as CLUSTER_NAME
from tests.waiting import wait_for


def _sacct(cluster: Cluster, job: int) -> list[list[str]]:
    """State and TotalCPU of the job and of each of its steps."""
    columns = ["--noheader", "--parsable2", "--format", "State,TotalCPU"]
    told = cluster.run(["sacct", "--jobs", str(job), *columns]).stdout
    return [line.split("|") for line in told.splitlines()]


def test_cpu_time_is_what_sacct_adds_up(cluster: Cluster, tmp_path: Path) -> None:
    job = Jobs(cluster).submit(wrap="srun true; srun true", job_name="steps")
    # The job, its batch step and two others.
    complete = [["COMPLETED"]] * 4
    wait_for("its steps", lambda: [line[:1] for line in _sacct(cluster, job)] == complete)
    # The cluster gathers nothing, so what a gatherer would have found is put in its place.
    steps = f"{cluster.database.name}.{CLUSTER_NAME}_step_table"
    jobs = f"{cluster.database.name}.{CLUSTER_NAME}_job_table"
    key = f"(SELECT MAX(job_db_inx) FROM {jobs} WHERE id_job = {job})"
    cluster.sql(
        f"UPDATE {steps} SET user_sec = 700 + id_step, user_usec = 250000, sys_sec = 20, sys_usec = 500000"
        f" WHERE job_db_inx = {key} AND id_step >= 0;"
    )
    told = cpu_time(_sacct(cluster, job)[0][1])
    with real_accounting(cluster, tmp_path) as settings:
        client = make_client(settings)
        [record] = client.get(f"/history?jobid={job}").get_json()["data"]
        # What slurmdbd stores for a step whose time is unknown.
        cluster.sql(f"UPDATE {steps} SET sys_sec = {NO_VAL64} WHERE job_db_inx = {key} AND id_step = 0;")
        [without] = client.get(f"/history?jobid={job}").get_json()["data"]
    assert record["cpu_time"] == told == 2 * 700 + 1 + 2 * 20.75
    assert without["cpu_time"] is None

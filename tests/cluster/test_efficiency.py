"""Usage and efficiency of /history, its steps and sums, against `sacct` for jobs that ran and allocated memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from flask.testing import FlaskClient

from tests.cluster.accounting_database import real_accounting
from tests.cluster.sacct_truth import cpu_time
from tests.conftest import make_client
from tests.testbed.cluster import Cluster
from tests.testbed.jobs import Jobs
from tests.testbed.slurmnodes import CLUSTER as CLUSTER_NAME
from tests.waiting import wait_for

_ALLOCATE: Final = "python3 -c 'import time; held = b\"x\" * ({} << 20); time.sleep(2.5)'"
_COLUMNS: Final = (
    "JobID", "State", "TotalCPU", "ElapsedRaw", "NCPUS", "TimelimitRaw", "AllocTRES", "TRESUsageInTot", "MaxRSS",
)  # fmt: skip

Facts = dict[str, str]


@dataclass(frozen=True)
class Used:
    """A job of two steps and what `sacct` prints of it, the job first. `gathered` is False with jobacct_gather/none."""

    job: int
    gathered: bool
    client: FlaskClient
    cluster: Cluster

    def sacct(self) -> list[Facts]:
        columns = ["--noheader", "--parsable2", "--noconvert", "--format", ",".join(_COLUMNS)]
        lines = self.cluster.run(["sacct", "--jobs", str(self.job), *columns]).stdout.splitlines()
        return [dict(zip(_COLUMNS, line.split("|"), strict=True)) for line in lines]

    def record(self) -> dict[str, Any]:
        [found] = self.client.get(f"/history?jobid={self.job}").get_json()["data"]
        return dict(found)


@pytest.fixture(scope="module")
def used(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Used]:
    jobs = Jobs(cluster)
    with real_accounting(cluster, tmp_path_factory.mktemp("run")) as settings:
        script = f"srun -n2 {_ALLOCATE.format(60)}; {_ALLOCATE.format(150)}"
        job = jobs.submit(wrap=script, ntasks=2, mem=600, time=10, acctg_freq="task=1")
        configuration = cluster.run(["scontrol", "show", "config"]).stdout
        gathered = re.search(r"JobAcctGatherType\s*= jobacct_gather/(linux|cgroup)", configuration) is not None
        found = Used(job, gathered, make_client(settings), cluster)
        wait_for("its steps", lambda: [facts["State"] for facts in found.sacct()] == ["COMPLETED"] * 3)
        yield found


def counts(facts: Facts) -> dict[str, str]:
    """Counts of `TRESUsageInTot` by name. sacct prints memory in bytes."""
    return dict(part.split("=") for part in facts["TRESUsageInTot"].split(",") if part)


def mebibytes(facts: Facts) -> float:
    return float(counts(facts).get("mem", "0").removesuffix("M")) / 2**20


def differences(record: dict[str, Any], told: list[Facts]) -> dict[str, Any]:
    """Fields that differ from what seff computes of these lines."""
    job, *steps = told
    peak = max(map(mebibytes, steps))
    seconds, elapsed = cpu_time(job["TotalCPU"]), int(job["ElapsedRaw"])
    allocated = dict(part.split("=") for part in job["AllocTRES"].split(","))
    expected = {
        "cpu_time": seconds,
        "max_rss": round(peak, 3) or None,
        "cpu_efficiency": None if seconds is None else round(seconds / (elapsed * int(job["NCPUS"])), 4),
        "mem_efficiency": round(peak / int(allocated["mem"].removesuffix("M")), 4) or None,
        "time_efficiency": round(elapsed / (60 * int(job["TimelimitRaw"])), 4),
        "energy": None,
    }
    # sacct cuts the milliseconds of TotalCPU.
    return {name: (record[name], value) for name, value in expected.items() if not _about(record[name], value)}


def _about(found: float | None, told: float | None) -> bool:
    return found == told if found is None or told is None else found == pytest.approx(told, abs=0.002)


def test_efficiency_is_what_seff_computes(used: Used) -> None:
    record, told = used.record(), used.sacct()
    assert differences(record, told) == {}
    assert (record["max_rss"] is not None) == used.gathered
    # The two tasks of the step hold less together than the batch script alone.
    assert record["max_rss"] is None or 150 < record["max_rss"] < 250

    steps, jobs = (f"{used.cluster.database.name}.{CLUSTER_NAME}_{kind}_table" for kind in ("step", "job"))
    key = f"(SELECT MAX(job_db_inx) FROM {jobs} WHERE id_job = {used.job})"
    used.cluster.sql(
        f"UPDATE {steps} SET user_sec = 3, user_usec = 250000, sys_sec = 1, sys_usec = 500000,"
        f" tres_usage_in_tot = CONCAT('1=9,2=', 1048576 * 200 + id_step, ',6=12') WHERE job_db_inx = {key};"
    )
    record = used.record()
    assert differences(record, used.sacct()) == {}
    assert (record["max_rss"], record["cpu_time"]) == (200.0, 9.5)
    assert (record["gpu_util"], record["gpu_mem"]) == (None, None)


def test_gpus_are_what_sacct_prints(used: Used) -> None:
    """Two tasks with a GPU each, as gpu/nvml counts them: bytes and percent, summed over the tasks."""
    name = used.cluster.database.name
    key = f"(SELECT MAX(job_db_inx) FROM {name}.{CLUSTER_NAME}_job_table WHERE id_job = {used.job})"
    tres = f"SELECT id FROM {name}.tres_table WHERE type = 'gres' AND name IN ('gpumem', 'gpuutil') ORDER BY name"
    (memory,), (percent,) = used.cluster.sql(tres)
    used.cluster.sql(
        f"UPDATE {name}.{CLUSTER_NAME}_step_table SET tres_usage_in_tot = '1=9,{memory}=3145728000,{percent}=187'"
        f" WHERE job_db_inx = {key} AND id_step = 0;"
    )
    record = used.record()
    [step] = [facts for facts in used.sacct() if facts["JobID"].endswith(".0")]
    assert str(record["gpu_util"]) == counts(step)["gres/gpuutil"] == "187"
    assert record["gpu_mem"] == int(counts(step)["gres/gpumem"]) / 2**20 == 3000.0

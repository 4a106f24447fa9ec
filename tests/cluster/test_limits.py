"""The limits that jobs wait for on the real cluster, against `squeue` and `scontrol show assoc_mgr`.

Accounts and QOS are of this module alone. Of each case one job runs, and one waits for the limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
import pytest

from slurm_rest_api.acctapi.factory import open_accounting
from slurm_rest_api.auth.data_scope import EVERYTHING
from slurm_rest_api.explainapi.limits import OVER_TIME, job_limits, read_limits
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.store.held_jobs import CountedJobs
from slurm_rest_api.slurmapi.store.reader import StoreReader
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.cluster.accounting_database import real_accounting
from tests.cluster.one_load import commands_of_root
from tests.testbed.cluster import Cluster
from tests.testbed.steps import wait_until


class Case(NamedTuple):
    """A limit, the options of a job that runs and of one that waits, the reason, and what is said of the limit.

    `counted` is the limit in `scontrol show assoc_mgr`, which has the use in parentheses. None: use is not counted.
    """

    limit: str
    options: str
    reason: str
    name: str
    text: str
    counted: str | None = None
    more: str = ""
    runs: bool = True


ON_ACCOUNT = {
    "lim_jobs": Case(
        "GrpJobs=1", "", "AssocGrpJobsLimit", "GrpJobs",
        "1 of 1 running jobs of account lim_jobs.", "GrpJobs",
    ),
    "lim_cpu": Case(
        "GrpTRES=cpu=2", "", "AssocGrpCpuLimit", "GrpTRES",
        "2 of 2 CPUs in use by account lim_cpu, and this job asks for 1.", "GrpTRES=.*?cpu",
    ),
    "lim_mem": Case(
        "GrpTRES=mem=1000", "--mem=600", "AssocGrpMemLimit", "GrpTRES",
        "600 of 1000 MiB of memory in use by account lim_mem, and this job asks for 600.", "GrpTRES=.*?mem",
    ),
    "lim_node": Case(
        "GrpTRES=node=1", "-N 1", "AssocGrpNodeLimit", "GrpTRES",
        "1 of 1 nodes in use by account lim_node, and this job asks for 2.", "GrpTRES=.*?node", "-N 2 -n 2",
    ),
    "lim_jobcpu": Case(
        "MaxTRESPerJob=cpu=1", "-n 3", "AssocMaxCpuPerJobLimit", "MaxTRES",
        "This job asks for 3 CPUs, and alice in account lim_jobcpu allows at most 1.", runs=False,
    ),
    "lim_wall": Case(
        "MaxWall=3", "", "AssocMaxWallDurationPerJobLimit", "MaxWall",
        "This job asks for 5 minutes of run time, and alice in account lim_wall allows at most 3.", runs=False,
    ),
    "lim_mins": Case(
        "GrpTRESMins=cpu=0", "", "AssocGrpCPUMinutesLimit", "GrpTRESMins",
        "At most 0 CPU minutes in use by account lim_mins.", runs=False,
    ),
    "lim_maxjobs": Case(
        "MaxJobs=1", "", "AssocMaxJobsLimit", "MaxJobs",
        "1 of 1 running jobs of alice in account lim_maxjobs.", "MaxJobs",
    ),
}  # fmt: skip
ON_QOS = {
    "lq_jobs": Case("GrpJobs=1", "", "QOSGrpJobsLimit", "GrpJobs", "1 of 1 running jobs in QOS lq_jobs.", "GrpJobs"),
    "lq_cpu": Case(
        "GrpTRES=cpu=2", "", "QOSGrpCpuLimit", "GrpTRES",
        "2 of 2 CPUs in use in QOS lq_cpu, and this job asks for 1.", "GrpTRES=.*?cpu",
    ),
    "lq_userjobs": Case(
        "MaxJobsPerUser=1", "", "QOSMaxJobsPerUserLimit", "MaxJobsPerUser",
        "1 of 1 running jobs of alice in QOS lq_userjobs.", "MaxJobsPU",
    ),
    "lq_usercpu": Case(
        "MaxTRESPerUser=cpu=2", "", "QOSMaxCpuPerUserLimit", "MaxTRESPerUser",
        "2 of 2 CPUs in use by alice in QOS lq_usercpu, and this job asks for 1.", "MaxTRESPU=.*?cpu",
    ),
    "lq_usernode": Case(
        "MaxTRESPerUser=node=1", "-N 1", "QOSMaxNodePerUserLimit", "MaxTRESPerUser",
        "1 of 1 nodes in use by alice in QOS lq_usernode, and this job asks for 2.", "MaxTRESPU=.*?node", "-N 2 -n 2",
    ),
    "lq_usergpu": Case(
        "MaxTRESPerUser=gres/gpu=1", "--gres=gpu:tesla:1", "QOSMaxGRESPerUser", "MaxTRESPerUser",
        "1 of 1 gres/gpu in use by alice in QOS lq_usergpu, and this job asks for 1.", "MaxTRESPU=.*?gres/gpu",
    ),
    "lq_acctjobs": Case(
        "MaxJobsPerAccount=1", "", "MaxJobsPerAccount", "MaxJobsPerAccount",
        "1 of 1 running jobs of account lim_qos in QOS lq_acctjobs.", "MaxJobsPA",
    ),
    "lq_acctmem": Case(
        "MaxTRESPerAccount=mem=1000", "--mem=600", "MaxMemoryPerAccount", "MaxTRESPerAccount",
        "600 of 1000 MiB of memory in use by account lim_qos in QOS lq_acctmem, and this job asks for 600.",
        "MaxTRESPA=.*?mem",
    ),
    "lq_wall": Case(
        "MaxWall=3", "", "QOSMaxWallDurationPerJobLimit", "MaxWall",
        "This job asks for 5 minutes of run time, and QOS lq_wall allows at most 3.", runs=False,
    ),
    "lq_min": Case(
        "MinTRESPerJob=cpu=8", "-n 3", "QOSMinCpuNotSatisfied", "MinTRESPerJob",
        "This job asks for 3 CPUs, and QOS lq_min allows no fewer than 8.", runs=False,
    ),
}  # fmt: skip
CASES = {**ON_ACCOUNT, **ON_QOS}
ACCOUNTS = ("lim_qos", "lim_array", *ON_ACCOUNT)


def sacctmgr(cluster: Cluster, *commands: str) -> None:
    # One process for all: sacctmgr reads commands from its input.
    cluster.run(["sacctmgr", "-i"], text_input="\n".join(commands) + "\n")


class Waiting(NamedTuple):
    """The waiting job of each case, with the limits that are shown for it, and what slurmctld counts."""

    reasons: dict[str, str]
    limits: dict[str, list[dict[str, Any]]]
    counted: str
    submitted: tuple[int, int]


@pytest.fixture(scope="module")
def waiting(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Waiting]:
    qos = ",".join(ON_QOS)
    sacctmgr(
        cluster,
        *(f"add qos {name} {case.limit}" for name, case in ON_QOS.items()),
        "add account lim_qos,lim_array parent=root",
        *(f"add account {name} parent=root {case.limit}" for name, case in ON_ACCOUNT.items()),
        f"add user alice account={','.join(ACCOUNTS)} qos=normal,{qos} defaultqos=normal",
    )
    try:
        submit(cluster)
        yield read(cluster, tmp_path_factory)
    finally:
        for name in ACCOUNTS:
            cluster.run(["scancel", f"--account={name}"], check=False)
        wait_until("the jobs to end", lambda: reasons_of(cluster, "PD,R,CG"), lambda seen: not seen)
        sacctmgr(
            cluster,
            f"delete user alice account={','.join(ACCOUNTS)}",
            f"delete account {','.join(ACCOUNTS)}",
            f"delete qos {qos}",
        )


def submit(cluster: Cluster) -> None:
    """Submits the jobs of all cases, those that wait when the others run."""
    sbatch = "sbatch --parsable -D /tmp -o /dev/null -t 5 --wrap 'sleep 300'"
    first, second = [], [f"{sbatch} -J lim_array -A lim_array --array=1-5%1 --hold"]
    for name, case in CASES.items():
        place = f"-A {name}" if name in ON_ACCOUNT else f"-A lim_qos -q {name}"
        if case.runs:
            first.append(f"{sbatch} -J {name} {place} {case.options}")
        second.append(f"{sbatch} -J {name} {place} {case.more or case.options}")
    running = sum(case.runs for case in CASES.values())
    cluster.run(["sh", "-e"], user="alice", text_input="\n".join(first))
    wait_until("jobs to run", lambda: len(reasons_of(cluster, "R")), lambda seen: seen == running)
    cluster.run(["sh", "-e"], user="alice", text_input="\n".join(second))
    expected = {name: case.reason for name, case in CASES.items()}
    wait_until(
        "jobs to wait for limits", lambda: reasons_of(cluster, "PD"), lambda seen: seen.items() >= expected.items()
    )


def reasons_of(cluster: Cluster, states: str) -> dict[str, str]:
    """Returns the reasons of this module's jobs by their names."""
    printed = cluster.run(["squeue", "-h", "-A", ",".join(ACCOUNTS), "-t", states, "-o", "%j %r"], check=False).stdout
    return dict(line.split(maxsplit=1) for line in printed.splitlines())


def read(cluster: Cluster, folders: pytest.TempPathFactory) -> Waiting:
    """Loads the cluster once with Slurm's commands, and asks for the limits of the waiting jobs."""
    store = folders.mktemp("store") / "store.sqlite"
    source = commands_of_root(cluster, folders.mktemp("commands") / "bin")
    Cycle(source, StoreWriter(store), [], 3600.0).run()
    counted = cluster.run(["scontrol", "show", "assoc_mgr"]).stdout
    with real_accounting(cluster, folders.mktemp("run")) as settings, StoreReader(store).view() as view:
        accounting = open_accounting(settings)
        assert accounting is not None
        assert view is not None
        reference, error = read_limits(accounting)
        accounting.database.close()
        assert reference is not None, error
        jobs = [orjson.loads(body) for batch in view.batches("queue") for _, body in batch]
        pending = {job["name"]: job for job in jobs if job["job_state"] == "PENDING" and job["account"] in ACCOUNTS}
        limits = {name: job_limits(reference, view, job, EVERYTHING) for name, job in pending.items()}
        of_array = CountedJobs(accounts=("lim_array",))
        submitted = view.held(of_array).pending, view.held(of_array, "alice").pending
    return Waiting({name: job["state_reason"] for name, job in pending.items()}, limits, counted, submitted)


@pytest.mark.parametrize("name", CASES)
def test_the_limit_that_a_job_waits_for(waiting: Waiting, name: str) -> None:
    case = CASES[name]
    assert waiting.reasons[name] == case.reason
    [limit] = waiting.limits[name]
    assert (limit["name"], limit["is_reason"], limit["text"]) == (case.name, True, case.text)
    if case.counted is None:
        assert limit["used"] is None
        assert (limit["unknown"] == OVER_TIME) == ("Mins" in case.name)
    else:
        assert (limit["limit"], limit["used"]) == counted(waiting.counted, name, case.counted)
        assert limit["own"] == limit["used"]


def counted(text: str, name: str, pattern: str) -> tuple[int, int]:
    """Returns the limit of an account or QOS, and its use, from `scontrol show assoc_mgr`."""
    user = "alice.2001." if pattern == "MaxJobs" else ""
    head = rf"Account={name} UserName={user} " if name in ON_ACCOUNT else rf"QOS={name}\("
    block = re.search(rf"{head}.*?(?=\n\S|\Z)", text, re.DOTALL)
    assert block is not None
    found = re.search(rf"{pattern}=(\d+)\((\d+)\)", block[0])
    assert found is not None, block[0]
    return int(found[1]), int(found[2])


def test_tasks_of_arrays_count_as_slurmctld_counts_them(waiting: Waiting) -> None:
    block = re.search(r"Account=lim_array UserName= .*?GrpSubmitJobs=N\((\d+)\)", waiting.counted, re.DOTALL)
    assert block is not None
    assert waiting.submitted == (int(block[1]), 5) == (5, 5)

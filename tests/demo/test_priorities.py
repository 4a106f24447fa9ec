"""Priorities, reasons and estimates of the simulated jobs, by the rules of Slurm."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_rest_api.config import Settings
from slurm_rest_api.demo.accounting import ASSOC_TABLE, JOB_TABLE, AccountingFile
from slurm_rest_api.demo.accounting_rows import association_rows
from slurm_rest_api.demo.fair_share import fair_share_records
from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.demo.source import DemoSource
from slurm_rest_api.slurmapi.contract.fair_share import FairShareRecord
from slurm_rest_api.slurmapi.sources.base import Snapshot
from tests.conftest import make_client
from tests.property_tests import examples
from tests.slurmapi.query.service import Service

TUESDAY_15H = 1_795_532_400
Record = dict[str, Any]


def considered(jobs: list[Record]) -> dict[str, list[Record]]:
    """Returns the jobs that wait for resources or priority by partition, in the order of the scheduler."""
    found: defaultdict[str, list[Record]] = defaultdict(list)
    for job in sorted(jobs, key=lambda job: (-job["priority"], job["submit_time"], job["job_id"])):
        if job["job_state"] == "PENDING" and job["state_reason"] in ("Priority", "Resources"):
            found[job["partition"]].append(job)
    return found


def loaded(seed: int, now: int) -> tuple[Snapshot, list[Record]]:
    snapshot = DemoSource(Scale(60, 300, seed), clock=lambda: now).load()
    return snapshot, list(snapshot.jobs)


@given(st.integers(0, 2**32), st.integers(1_700_000_000, 2_000_000_000))
@examples(6)
def test_reasons_and_estimates_follow_the_priorities(seed: int, now: int) -> None:
    _, jobs = loaded(seed, now)
    found = considered(jobs)
    for of_partition in found.values():
        assert [job["state_reason"] for job in of_partition] == ["Resources"] + ["Priority"] * (len(of_partition) - 1)
        starts = [job["start_time"] for job in of_partition]
        estimates = [start for start in starts if start]
        # Those of the first jobs, of ten at most, in their order.
        assert estimates == sorted(starts[: len(estimates)])
        assert len(estimates) <= 10
        assert all(start >= now for start in estimates)
    others = [job for job in jobs if job["job_state"] == "PENDING" and job not in found[job["partition"]]]
    begin = {job["start_time"] - job["eligible_time"] for job in others if job["state_reason"] == "BeginTime"}
    assert begin <= {0}
    assert {job["start_time"] for job in others if job["state_reason"] != "BeginTime"} <= {0}
    assert all((job["priority"] == 0) == job["state_reason"].startswith("JobHeld") for job in others)


@given(st.integers(0, 2**32), st.integers(1_700_000_000, 2_000_000_000))
@examples(6)
def test_factors_add_up_to_the_priority(seed: int, now: int) -> None:
    snapshot, records = loaded(seed, now)
    jobs = {job["job_id"]: job for job in records}
    factors = snapshot.priority_factors or []
    shares = {share["user"]: share["fair_share"] for share in snapshot.fair_share or []}
    weights = snapshot.priority_weights or {}
    assert {found["job_id"] for found in factors} == {
        job["job_id"] for job in records
        if job["job_state"] == "PENDING" and 0 < job["eligible_time"] <= now
    }  # fmt: skip
    names = ("site", "age", "assoc", "fair_share", "job_size", "partition_factor", "qos_factor")
    for found in factors:
        job = jobs[found["job_id"]]
        total = sum(found[name] for name in names) - found["nice"]
        assert found["priority"] == job["priority"] == max(1, total)
        assert (found["partition"], found["nice"]) == (job["partition"], job["nice"])
        assert found["fair_share"] == pytest.approx(weights["fairshare"] * shares[job["user_name"]], abs=1)
        assert 0 <= found["age"] <= weights["age"]
        assert 0 <= found["partition_factor"] <= weights["partition"]


def test_fair_share_is_a_fair_tree() -> None:
    snapshot, _ = loaded(1, TUESDAY_15H)
    records = snapshot.fair_share or []
    for record in records:
        FairShareRecord.model_validate({"name": "x", **record})
    accounts = [record for record in records if record["user"] is None and record["account"] != "root"]
    assert sum(account["norm_shares"] for account in accounts) == pytest.approx(1)
    assert sum(account["raw_usage"] for account in accounts) == records[0]["raw_usage"]
    for account in accounts:
        users = [one for one in records if one["account"] == account["account"] and one["user"]]
        assert sum(user["raw_usage"] for user in users) == account["raw_usage"]
        # Among siblings a higher level is a higher factor.
        by_level = sorted(users, key=lambda user: float(user["level_fs"]))
        assert by_level == sorted(users, key=lambda user: float(user["fair_share"]))


def test_explain_agrees_with_the_demo(tmp_path: Path) -> None:
    clock = [TUESDAY_15H]
    service = Service(tmp_path)
    service.follow(DemoSource(Scale(60, 300), clock=lambda: clock[0]))
    for _ in range(3):
        # Jobs that became the first, or have another estimate, are stored again.
        service.cycle.run()
        jobs = list(service.get("/queue")["data"].values())
        fresh = DemoSource(Scale(60, 300), clock=lambda: clock[0]).load()
        plans = {job["job_id"]: (job["state_reason"], job["start_time"], job["priority"]) for job in fresh.jobs}
        assert {job["job_id"]: (job["state_reason"], job["start_time"], job["priority"]) for job in jobs} == plans
        clock[0] += 1200
    for of_partition in considered(jobs).values():
        places = []
        for job in of_partition[:3]:
            found = service.get(f"/queue/{job['job_id']}/explain")["data"]
            (rank,) = found["rank"]
            places.append(rank["jobs_ahead"] - rank["jobs_ahead_at_limit"])
            assert found["estimated_start"] == (job["start_time"] or None)
            assert found["priority"]["partitions"][0]["priority"] == job["priority"]
            assert found["fairshare"]["user"] == job["user_name"]
        assert places == sorted(places)
        assert places[0] == 0


@given(st.integers(0, 2**32), st.integers(1_700_000_000, 2_000_000_000))
@examples(6)
def test_reasons_are_those_of_the_limits(seed: int, now: int) -> None:
    _, jobs = loaded(seed, now)
    by_id = {job["job_id"]: job for job in jobs}
    running = [job for job in jobs if job["job_state"] == "RUNNING"]
    interactive = Counter(job["user_name"] for job in running if job["qos"] == "interactive")
    tasks = Counter(job["array_job_id"] for job in running if job["array_job_id"])
    # MaxJobsPerUser and MaxTRESPerUser of the QOS, MaxJobs and GrpTRES of two associations.
    assert all(count == 1 for count in interactive.values())
    assert all(job["num_cpus"] <= 32 for job in running if job["qos"] == "interactive")
    assert not any(job["user_name"] in ("leon", "karin") for job in running)
    for job in jobs:
        if job["job_state"] != "PENDING":
            continue
        reason, user = job["state_reason"], job["user_name"]
        assert (reason == "QOSMaxJobsPerUserLimit") == (
            job["qos"] == "interactive" and bool(interactive[user]) and reason not in ("Dependency", "BeginTime")
        )
        if reason == "QOSMaxCpuPerUserLimit":
            assert (job["qos"], job["num_cpus"]) == ("interactive", 64)
        if reason in ("AssocMaxJobsLimit", "AssocGrpCpuLimit"):
            assert user == ("leon" if "Jobs" in reason else "karin")
            assert job["num_cpus"] == 64 or user == "leon"
        if reason == "JobArrayTaskLimit":
            assert tasks[job["array_job_id"]] == job["array_task_throttle"]
        if reason == "Dependency":
            before = int(job["dependency"].partition(":")[2].partition("(")[0])
            assert by_id[before]["job_state"] in ("PENDING", "RUNNING")
        not_eligible = ("Dependency", "DependencyNeverSatisfied", "JobHeldUser", "JobHeldAdmin", "JobArrayTaskLimit")
        assert (job["eligible_time"] == 0) == (reason in not_eligible)
        assert (job["eligible_time"] > now) == (reason == "BeginTime")


def test_the_limits_of_the_demo_are_the_reasons(tmp_path: Path) -> None:
    AccountingFile(tmp_path / "accounting.sqlite").close()
    service = Service(tmp_path)
    database = {"db_sqlite_file": tmp_path / "accounting.sqlite", "table_job": JOB_TABLE, "table_assoc": ASSOC_TABLE}
    system = {"runtime_dir": tmp_path, "use_acct_db": True}
    service.client = make_client(Settings.model_validate({"system": system, "database": database}))
    service.follow(DemoSource(Scale(100, 1500), clock=lambda: TUESDAY_15H))
    service.cycle.run()
    of_reason: dict[str, int] = {}
    for job in service.get("/queue", state="PENDING")["data"].values():
        of_reason.setdefault(job["state_reason"], job["job_id"])
    found = {reason: service.get(f"/queue/{job}/explain")["data"] for reason, job in of_reason.items()}
    limits = {
        reason: [(one["name"], one["limit"], one["used"]) for one in record["limits"] if one["is_reason"]]
        for reason, record in found.items()
    }
    assert {reason: ones for reason, ones in limits.items() if ones} == {
        "QOSMaxJobsPerUserLimit": [("MaxJobsPerUser", 1, 1)],
        "QOSMaxCpuPerUserLimit": [("MaxTRESPerUser", 32, 0)],
        "AssocMaxJobsLimit": [("MaxJobs", 0, 0)],
        "AssocGrpCpuLimit": [("GrpTRES", 32, 0)],
    }
    # A job that the scheduler considers has reached no limit.
    assert found["Priority"]["limits"] == found["Resources"]["limits"] == []
    assert [one["condition"] for one in found["Dependency"]["dependencies"]] == ["unfulfilled"]
    assert found["Dependency"]["dependencies"][0]["state"] in ("PENDING", "RUNNING")
    assert found["Dependency"]["eligible_time"] is None
    assert [one["condition"] for one in found["DependencyNeverSatisfied"]["dependencies"]] == ["failed"]


def test_shares_are_those_of_the_accounting_database() -> None:
    stored = {(row["acct"], row["user"] or None): row["shares"] for row in association_rows() if row["acct"] != "root"}
    assert stored == {
        (record["account"], record["user"]): record["raw_shares"]
        for record in fair_share_records()
        if record["account"] != "root"
    }

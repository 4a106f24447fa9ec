"""The limits that keep a job from starting, with what is used of them: as slurmctld counts it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from slurm_rest_api.acctapi.associations import Associations, association_of
from slurm_rest_api.acctapi.qos import Qos, qos_of
from slurm_rest_api.acctapi.reference_data import ReferenceData
from slurm_rest_api.auth.data_scope import EVERYTHING, DataScope
from slurm_rest_api.explainapi.limit_record import LimitUse
from slurm_rest_api.explainapi.limits import OVER_TIME, PRIVATE_LIMIT, PRIVATE_USE, RELATIVE_LIMIT, job_limits
from slurm_rest_api.slurm.tres import parse_tres
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.store.held_jobs import CountedJobs
from slurm_rest_api.slurmapi.store.reader import StoreReader, StoreView
from tests.acctapi.rows import assoc_row
from tests.builders import make_job, make_partition, make_running_job
from tests.slurmapi.query.service import Service

TRES = {1: "cpu", 2: "mem", 4: "node", 1001: "gres/gpu"}
ACCOUNTS = (("root", ""), ("science", "root"), ("physics", "science"), ("biology", "science"))
RELATIVE, PARTITION_TIME_LIMIT = 0x400, 4


def running(number: int, user: str, account: str, cpus: int, node: str, **fields: Any) -> Record:
    tres = f"cpu={cpus},mem={cpus}G,node=1,billing={cpus},gres/gpu=1"
    return make_running_job(
        number, node, cpus, user_name=user, account=account, qos="normal", tres_alloc_str=tres, **fields
    )


# Slurm counts suspended jobs, and no jobs that complete or have ended.
JOBS = {
    job["job_id"]: job
    for job in (
        running(1, "ada", "physics", 4, "n1"),
        running(2, "ada", "physics", 4, "n1", job_state="SUSPENDED"),
        running(3, "bob", "biology", 8, "n2", partition="gpu"),
        running(4, "bob", "physics", 2, "n1"),
        running(5, "ada", "physics", 16, "n3", job_state="COMPLETING"),
        running(6, "ada", "physics", 16, "n3", job_state="COMPLETED"),
        make_job(7, user_name="ada", account="physics", qos="normal", array_job_id=7, array_task_str="3-9"),
        make_job(8, user_name="carol", account="biology", qos="high", partition="gpu,main"),
    )
}


def qos(name: str, number: int = 1, **values: Any) -> Qos:
    return qos_of({"id": number, "name": name, **values})


def reference(*found: Qos, **limits: dict[str, Any]) -> ReferenceData:
    """Returns the tree of `ACCOUNTS` with a user in each leaf. `limits` are those of accounts and users by name."""
    rows = [
        assoc_row(id_assoc=number, acct=acct, parent_acct=parent, **limits.get(acct, {}))
        for number, (acct, parent) in enumerate(ACCOUNTS, 1)
    ]
    users = (("ada", "physics"), ("bob", "biology"), ("bob", "physics"))
    rows += [
        assoc_row(id_assoc=number, user=user, acct=acct, **limits.get(user, {}))
        for number, (user, acct) in enumerate(users, 10)
    ]
    return ReferenceData(Associations(map(association_of, rows)), {}, TRES, {row.name: row for row in found})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreView]:
    service = Service(tmp_path_factory.mktemp("store"))
    partitions = [
        make_partition("main", max_time=86400, max_nodes=2, min_nodes=1),
        make_partition("gpu", qos_char="part"),
        make_partition("small", max_mem_per_cpu=2000, max_mem_per_node=12000),
    ]
    service.load(JOBS, partitions=partitions)
    with StoreReader(Path(service.paths.store)).view() as view:
        assert view is not None
        yield view


Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def ask(store: StoreView) -> Ask:
    """Returns the limits of a pending job of ada, checked against the published model."""

    def limits(
        reason: str, data: ReferenceData | None, scope: DataScope = EVERYTHING, **fields: Any
    ) -> list[dict[str, Any]]:
        job = {"account": "physics", "qos": "normal", "tres_req_str": "cpu=4,mem=4G,node=1,billing=4,gres/gpu=1"}
        found = job_limits(data, store, make_job(9, state_reason=reason, **{**job, **fields}), scope)
        for record in found:
            LimitUse.model_validate(record, strict=True)
        return found

    return limits


def test_running_jobs_of_a_qos(ask: Ask) -> None:
    [limit] = ask("QOSGrpJobsLimit", reference(qos("normal", grp_jobs=4)))
    assert limit == {
        "name": "GrpJobs", "tres": None, "text": "4 of 4 running jobs in QOS normal.", "is_reason": True,
        "holder_type": "qos", "holder": "normal", "scope": "qos", "limit": 4, "used": 4, "own": 2, "requested": None,
        "unit": "jobs", "unknown": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "values", "scope", "use", "text"),
    [
        ("QOSMaxJobsPerUserLimit", {"max_jobs_per_user": 2}, "own", (2, 2),
         "2 of 2 running jobs of ada in QOS normal."),
        ("MaxJobsPerAccount", {"max_jobs_pa": 3}, "account", (3, 2),
         "3 of 3 running jobs of account physics in QOS normal."),
        ("QOSGrpCpuLimit", {"grp_tres": "1=20"}, "qos", (18, 8),
         "18 of 20 CPUs in use in QOS normal, and this job asks for 4."),
        ("QOSMaxCpuPerUserLimit", {"max_tres_pu": "1=8"}, "own", (8, 8),
         "8 of 8 CPUs in use by ada in QOS normal, and this job asks for 4."),
        ("QOSGrpMemLimit", {"grp_tres": "2=20480"}, "qos", (18432, 8192),
         "18432 of 20480 MiB of memory in use in QOS normal, and this job asks for 4096."),
        ("QOSGrpNodeLimit", {"grp_tres": "4=2"}, "qos", (2, 1),
         "2 of 2 nodes in use in QOS normal, and this job asks for 1."),
        ("QOSMaxGRESPerUser", {"max_tres_pu": "1001=2"}, "own", (2, 2),
         "2 of 2 gres/gpu in use by ada in QOS normal, and this job asks for 1."),
        ("MaxMemoryPerAccount", {"max_tres_pa": "2=10240"}, "account", (10240, 8192),
         "10240 of 10240 MiB of memory in use by account physics in QOS normal, and this job asks for 4096."),
        ("QOSGrpSubmitJobsLimit", {"grp_submit_jobs": 11}, "qos", (11, 9),
         "11 of 11 pending and running jobs in QOS normal."),
    ],
)  # fmt: skip
def test_use_of_a_qos(ask: Ask, reason: str, values: Any, scope: str, use: Any, text: str) -> None:
    [limit] = ask(reason, reference(qos("normal", **values)))
    assert (limit["is_reason"], limit["scope"], (limit["used"], limit["own"]), limit["text"]) == (
        True,
        scope,
        use,
        text,
    )


def test_the_partition_s_qos_counts_the_jobs_of_the_partition(ask: Ask) -> None:
    part = qos("part", 2, grp_jobs=1, max_submit_jobs_pa=2)
    [limit] = ask("QOSGrpJobsLimit", reference(qos("normal", grp_jobs=9), part), partition="gpu")
    assert (limit["holder"], limit["used"], limit["own"]) == ("part", 1, 0)
    limit, other = ask("MaxSubmitJobsPerAccount", reference(part), partition="gpu", account="biology")
    assert (other["name"], other["is_reason"]) == ("GrpJobs", False)
    assert limit["text"] == "2 of 2 pending and running jobs of account biology in QOS part."


def test_associations_up_to_the_root(ask: Ask) -> None:
    data = reference(science={"grp_tres": "1=18"}, physics={"grp_tres": "1=1000"})
    [limit] = ask("AssocGrpCpuLimit", data)
    assert limit["text"] == (
        "18 of 18 CPUs in use by account science and the accounts below it, and this job asks for 4."
    )
    assert (limit["holder_type"], limit["scope"], limit["own"]) == ("account", "account", 8)


def test_the_job_s_association_is_found_by_its_id(ask: Ask) -> None:
    data = reference(ada={"max_jobs": 2}, bob={"max_jobs": 1})
    # The host of the collector may not know the user's name.
    [limit] = ask("AssocMaxJobsLimit", data, assoc_id=10, user_name="2001")
    assert (limit["holder"], limit["used"]) == ("ada in physics", 2)
    for unknown in (None, 0, 99):
        [limit] = ask("AssocMaxJobsLimit", data, assoc_id=unknown, user_name="ada")
        assert limit["holder"] == "ada in physics"
    assert ask("AssocMaxJobsLimit", data, assoc_id=None, user_name="2001") == []


def test_the_own_association_counts_its_account_alone(ask: Ask) -> None:
    data = reference(bob={"max_jobs": 1})
    [limit] = ask("AssocMaxJobsLimit", data, user_name="bob")
    assert (limit["text"], limit["holder"]) == ("1 of 1 running jobs of bob in account physics.", "bob in physics")


def test_other_limits_that_are_reached_follow(ask: Ask) -> None:
    data = reference(qos("normal", max_jobs_per_user=2), physics={"grp_jobs": 3, "grp_tres": "1=1000"})
    found = ask("QOSMaxJobsPerUserLimit", data)
    assert [(limit["name"], limit["is_reason"]) for limit in found] == [("MaxJobsPerUser", True), ("GrpJobs", False)]
    assert [limit["name"] for limit in ask("Priority", data)] == ["MaxJobsPerUser", "GrpJobs"]


def test_limits_on_the_request_of_a_job(ask: Ask) -> None:
    normal = qos("normal", max_tres_pj="1=2", max_tres_pn="1001=0", min_tres_pj="4=2", max_wall_duration_per_job=30)
    found = {limit["name"]: limit["text"] for limit in ask("QOSMaxWallDurationPerJobLimit", reference(normal))}
    assert found == {
        "MaxWall": "This job asks for 60 minutes of run time, and QOS normal allows at most 30.",
        "MaxTRESPerJob": "This job asks for 4 CPUs, and QOS normal allows at most 2.",
        "MaxTRESPerNode": "This job asks for 1 gres/gpu on a node, and QOS normal allows at most 0.",
        "MinTRESPerJob": "This job asks for 1 nodes, and QOS normal allows no fewer than 2.",
    }


def test_use_over_time_is_not_known(ask: Ask) -> None:
    [limit] = ask("AssocGrpCPUMinutesLimit", reference(physics={"grp_tres_mins": "1=1000"}))
    assert (limit["limit"], limit["used"], limit["unit"]) == (1000, None, "CPU minutes")
    assert limit["unknown"] == OVER_TIME
    [limit] = ask("QOSGrpCpuLimit", reference(qos("normal", flags=RELATIVE, grp_tres="1=50")))
    assert (limit["limit"], limit["used"], limit["unit"]) == (50, None, "percent")
    assert limit["unknown"] == RELATIVE_LIMIT


def test_the_snapshot_may_be_newer_than_the_reason(ask: Ask) -> None:
    [limit] = ask("QOSGrpJobsLimit", reference(qos("normal", grp_jobs=100)))
    assert (limit["used"], limit["is_reason"]) == (4, True)


def test_limits_of_partitions(ask: Ask) -> None:
    [limit] = ask("PartitionTimeLimit", None, time_limit=2880)
    assert limit["text"] == "This job asks for 2880 minutes of run time, and partition main allows at most 1440."
    assert (limit["name"], limit["holder_type"], limit["is_reason"]) == ("MaxTime", "partition", True)
    named = ask("PartitionNodeLimit", None, num_nodes=3)
    sizes = [(limit["name"], limit["limit"], limit["requested"]) for limit in named]
    assert sizes == [("MaxNodes", 2, 3), ("TotalNodes", 1, 3)]
    assert named[1]["text"] == "This job asks for 3 nodes, and partition main has 1."
    assert ask("Priority", None) == []
    exempt = reference(qos("normal", flags=PARTITION_TIME_LIMIT))
    assert ask("PartitionTimeLimit", exempt, time_limit=2880) == []
    assert ask("PartitionTimeLimit", None, DataScope(frozenset(["partitions"]), "ada"), time_limit=2880) == []


@pytest.mark.parametrize(
    ("per_cpu", "per_node", "cpus", "limits"),
    [
        (None, 0, 1, [("MaxMemPerNode", None)]),
        (None, 13000, 1, [("MaxMemPerNode", 13000)]),
        (1900, None, 8, [("MaxMemPerNode", 15200)]),
        (2500, None, 1, [("MaxMemPerCPU", 2500)]),
    ],
)
def test_limits_of_memory_name_only_what_was_asked_for(
    ask: Ask, per_cpu: int | None, per_node: int | None, cpus: int, limits: list[tuple[str, int | None]]
) -> None:
    request = {"min_memory_cpu": per_cpu, "min_memory_node": per_node, "pn_min_cpus": cpus}
    found = ask("MaxMemPerLimit", None, partition="small", **request)
    assert [(limit["name"], limit["requested"]) for limit in found] == limits
    if per_node == 0:
        all_memory = "This job asks for all memory of a node, and partition small allows at most 12000 MiB."
        assert found[0]["text"] == all_memory


@pytest.mark.parametrize("private", ["jobs", "usage"])
def test_private_jobs_of_others_are_not_counted(ask: Ask, private: str) -> None:
    data = reference(qos("normal", grp_jobs=4, max_jobs_per_user=2), physics={"grp_jobs": 3})
    ada, boss = (DataScope(frozenset([private]), name, accounts) for name, accounts in
                 (("ada", frozenset()), ("boss", frozenset(["physics"]))))  # fmt: skip
    [limit, own] = ask("QOSGrpJobsLimit", data, ada)
    assert limit["text"] == "At most 4 running jobs in QOS normal."
    assert (limit["limit"], limit["used"], limit["own"], limit["unknown"]) == (4, None, 2, PRIVATE_USE)
    assert (own["name"], own["used"]) == ("MaxJobsPerUser", 2)
    # A coordinator sees the jobs of the account, and not all jobs of its users.
    found = {limit["name"]: limit["used"] for limit in ask("QOSMaxJobsPerUserLimit", data, boss)}
    assert found == {"MaxJobsPerUser": None}
    found = {
        limit["name"]: limit["used"] for limit in ask("AssocGrpJobsLimit", reference(physics={"grp_jobs": 3}), boss)
    }
    assert found == {"GrpJobs": 3}


@pytest.mark.parametrize("private", ["users", "accounts"])
def test_limits_of_private_accounts_are_not_shown(ask: Ask, private: str) -> None:
    scope = DataScope(frozenset([private]), "ada")
    [limit] = ask("AssocGrpCpuLimit", reference(science={"grp_tres": "1=18"}), scope)
    assert limit["text"] == "A limit on CPUs of an account above it is reached."
    assert (limit["holder"], limit["limit"], limit["used"]) == (None, None, None)
    assert (limit["is_reason"], limit["unknown"]) == (True, PRIVATE_LIMIT)
    # The own account is not private where only the accounts of others are.
    found = ask("AssocGrpCpuLimit", reference(physics={"grp_tres": "1=8"}), scope)
    assert found[0]["holder"] == (None if private == "users" else "physics")


def test_tres_are_counted_in_slurm_s_units() -> None:
    assert parse_tres("cpu=4,mem=1.50G,node=1,billing=6,gres/gpu:a100=2") == {
        "cpu": 4, "mem": 1536, "node": 1, "billing": 6, "gres/gpu:a100": 2,
    }  # fmt: skip
    assert parse_tres("mem=1234M,fs/disk=2K,gres/shard=8") == {"mem": 1234, "fs/disk": 2048, "gres/shard": 8}
    assert parse_tres("mem=512K") == {"mem": 0}
    assert parse_tres(None) == {}


def test_the_use_of_limits_is_read_without_the_jobs(tmp_path: Path) -> None:
    service = Service(tmp_path)
    service.load(JOBS)
    with StoreReader(Path(service.paths.store)).view() as view:
        assert view is not None
        for counted, expected in (
            (CountedJobs(), ((8, 4), (7, 2))),
            (CountedJobs("normal"), ((7, 4), (7, 2))),
            (CountedJobs(user="bob", accounts=("physics",)), ((0, 1), (0, 0))),
            (CountedJobs("high", ("gpu",)), ((1, 1), (0, 0))),
        ):
            tables, found = _tables(view, lambda counted=counted: [view.held(counted), view.held(counted, "ada")])  # type: ignore[misc]
            assert tuple((each.pending, each.jobs) for each in found) == expected
            assert tables == {"limit_use"}


def _tables(view: StoreView, read: Callable[[], Any]) -> tuple[set[str], Any]:
    """Returns the tables that `read` reads, and its result."""
    tables: set[str] = set()

    def note(action: int, table: str | None, *_: Any) -> int:
        if action == sqlite3.SQLITE_READ and table:
            tables.add(table)
        return sqlite3.SQLITE_OK

    connection = view._statements._connection
    connection.set_authorizer(note)
    try:
        found = read()
        return tables - {"json_each", "sqlite_master"}, found
    finally:
        connection.set_authorizer(None)

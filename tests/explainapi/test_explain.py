"""/queue/{jobid}/explain over made-up clusters."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.sources.base import Record
from tests.auth.users import ADMIN, JOB_OF, PAST_JOB_OF, ServiceWithUsers, with_accounting
from tests.auth.users import load as load_users
from tests.builders import make_job, make_node, make_partition, make_running_job
from tests.fakes import FakeSource
from tests.slurmapi.availability.records import node, partition
from tests.slurmapi.query.service import Service

LONG_AGO = 1_763_928_000


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    return Service(tmp_path_factory.mktemp("service"))


@pytest.fixture
def api(service: Service) -> Service:
    service.reset()
    return service


def load(api: Service, *jobs: Record, **others: Any) -> None:
    api.load({job["job_id"]: job for job in jobs}, **others)


def explained(api: Service, job: int | str) -> dict[str, Any]:
    data: dict[str, Any] = api.get(f"/queue/{job}/explain")["data"]
    return data


def ahead(api: Service, job: int | str) -> list[tuple[str, int, int, int, int]]:
    """Returns partition, place, CPUs and GPUs ahead, and the jobs ahead that are at a limit."""
    ranks = explained(api, job)["rank"]
    assert all(rank["place"] == rank["jobs_ahead"] + 1 for rank in ranks)
    return [
        (rank["partition"], rank["place"], rank["cpus_ahead"], rank["gpus_ahead"], rank["jobs_ahead_at_limit"])
        for rank in ranks
    ]


def test_the_order_is_priority_then_submission_then_id(api: Service) -> None:
    load(
        api,
        make_job(1, priority=10, submit_time=LONG_AGO),
        make_job(2, priority=20, submit_time=LONG_AGO + 9, num_cpus=3),
        make_job(3, priority=20, submit_time=LONG_AGO, num_cpus=2, tres_per_node="gres/gpu:2"),
        make_job(4, priority=20, submit_time=LONG_AGO, num_cpus=5),
        make_job(5, priority=99, submit_time=LONG_AGO, partition="other"),
        make_running_job(6, "rack001", priority=99),
        partitions=[make_partition("main"), make_partition("other")],
    )
    # sort_job_queue2() of job_scheduler.c.
    assert ahead(api, 3) == [("main", 1, 0, 0, 0)]
    assert ahead(api, 4) == [("main", 2, 2, 2, 0)]
    assert ahead(api, 2) == [("main", 3, 7, 2, 0)]
    assert ahead(api, 1) == [("main", 4, 10, 2, 0)]


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({"priority": 0, "state_reason": "JobHeldUser"}, False),
        ({"state_reason": "Dependency", "dependency": "afterok:7(unfulfilled)"}, False),
        ({"state_reason": "BeginTime"}, False),
        ({"state_reason": "JobArrayTaskLimit"}, False),
        ({"state_reason": "PartitionTimeLimit"}, False),
        ({"state_reason": "None"}, True),
        ({"state_reason": "Resources"}, True),
        ({"state_reason": "Licenses"}, True),
        # In the list of the scheduler, but for another set of nodes.
        ({"state_reason": "Priority", "resv_name": "maint"}, False),
        # Its reservation has not begun, or its nodes are reserved.
        ({"state_reason": "Reservation", "eligible_time": None}, False),
        ({"state_reason": "Reservation", "eligible_time": LONG_AGO}, True),
        # A job for two partitions is listed for each of them.
        ({"state_reason": "PartitionTimeLimit", "partition": "main,other"}, True),
    ],
)
def test_only_jobs_that_the_scheduler_considers_are_ahead(api: Service, fields: Record, counts: bool) -> None:
    load(
        api,
        make_job(1, **{"priority": 99, **fields}),
        make_job(2, priority=1),
        partitions=[make_partition("main"), make_partition("other")],
    )
    assert ahead(api, 2) == [("main", 2 if counts else 1, int(counts), 0, 0)]
    assert (explained(api, 1)["rank"] is not None) == (counts or "resv_name" in fields)


def test_jobs_ahead_at_a_limit_are_counted_apart(api: Service) -> None:
    load(
        api,
        make_job(1, priority=9, state_reason="QOSMaxJobsPerUserLimit", array_job_id=1, array_task_str="0-9%2"),
        make_job(2, priority=8, state_reason="AssocGrpCpuLimit"),
        make_job(3, priority=7),
        make_job(4, priority=1),
    )
    assert ahead(api, 4) == [("main", 13, 12, 0, 11)]


def test_a_job_has_a_rank_in_each_of_its_partitions(api: Service) -> None:
    load(
        api,
        make_job(1, priority=5, partition="main,other"),
        make_job(2, priority=9, partition="other"),
        make_job(3, priority=9, partition="other,main"),
        partitions=[make_partition("main"), make_partition("other")],
    )
    assert ahead(api, 1) == [("main", 2, 1, 0, 0), ("other", 3, 2, 0, 0)]


def test_pending_tasks_of_an_array_count_one_by_one(api: Service) -> None:
    array = {"array_job_id": 10, "array_task_id": None, "array_task_str": "3,5-9%2", "array_max_tasks": 2}
    load(api, make_job(10, priority=9, num_cpus=4, **array), make_job(11, priority=1))
    assert ahead(api, 11) == [("main", 7, 24, 0, 0)]
    assert ahead(api, 10) == [("main", 1, 0, 0, 0)]
    # Slurm starts them by index: 3, 5 and 6 are before 7.
    assert ahead(api, "10_7") == [("main", 4, 12, 0, 0)]
    assert api.client.get("/queue/10_4/explain").status_code == 404


def test_a_held_job(api: Service) -> None:
    load(api, make_job(1, priority=0, state_reason="JobHeldUser"))
    data = explained(api, 1)
    assert (data["reason"], data["ends_by"], data["rank"]) == ("JobHeldUser", ["user"], None)
    assert "scontrol release 1" in data["text"]
    assert "no rank" in data["no_rank"]


def test_estimated_start_is_none_where_start_time_is_the_earliest(api: Service) -> None:
    later = int(time.time()) + 5000
    load(
        api,
        make_job(1),
        make_job(2, start_time=later, eligible_time=LONG_AGO),
        # _pack_job() sends begin_time as start_time.
        make_job(3, start_time=later, eligible_time=later, state_reason="BeginTime"),
    )
    assert [explained(api, job)["estimated_start"] for job in (1, 2, 3)] == [None, later, None]
    assert [explained(api, job)["eligible_time"] for job in (1, 2, 3)] == [None, LONG_AGO, later]


def test_dependencies_have_the_state_of_their_jobs(api: Service) -> None:
    text = "afterok:7(unfulfilled),after:8+5(unfulfilled),aftercorr:20_*(unfulfilled),afterany:20_6(unfulfilled)"
    load(
        api,
        make_job(9, state_reason="Dependency", dependency=f"{text},afterok:99(failed),singleton(unfulfilled)"),
        make_running_job(7, "rack001"),
        make_job(8, job_state="COMPLETED", state_reason="None", end_time=LONG_AGO),
        make_job(20, array_job_id=20, array_task_str="5-9"),
        make_running_job(21, "rack001", array_job_id=20, array_task_id=4),
    )
    data = explained(api, 9)
    found = [(one["type"], one["job_id"], one["state"], one["states"], one["source"]) for one in data["dependencies"]]
    assert found == [
        ("afterok", "7", "RUNNING", {"RUNNING": 1}, "queue"),
        ("after", "8", "COMPLETED", {"COMPLETED": 1}, "queue"),
        ("aftercorr", "20_*", None, {"RUNNING": 1, "PENDING": 5}, "queue"),
        ("afterany", "20_6", "PENDING", {"PENDING": 1}, "queue"),
        ("afterok", "99", None, {}, None),
        ("singleton", None, None, {}, None),
    ]
    assert [one["minutes"] for one in data["dependencies"]] == [None, 5, None, None, None, None]
    assert data["dependencies"][4]["condition"] == "failed"
    assert data["dependencies_needed"] == "all"
    assert data["dependencies"][2]["href"] == "/jobs?id=20"


def test_one_of_several_dependencies_is_enough(api: Service) -> None:
    load(api, make_job(9, state_reason="Dependency", dependency="afterok:7(unfulfilled)?afternotok:7(unfulfilled)"))
    data = explained(api, 9)
    assert data["dependencies_needed"] == "any"
    assert [one["type"] for one in data["dependencies"]] == ["afterok", "afternotok"]


def test_required_nodes_that_are_down(api: Service) -> None:
    load(
        api,
        make_job(1, state_reason="ReqNodeNotAvail,_UnavailableNodes:rack003", req_nodes=["rack[001-002]"]),
        nodes=[
            make_node("rack001"),
            make_node("rack002", state="IDLE+DRAIN", reason="disk"),
            make_node("rack003", state="DOWN*", reason="power"),
        ],
    )
    data = explained(api, 1)
    assert data["reason"] == "ReqNodeNotAvail"
    assert data["details"] == "ReqNodeNotAvail,_UnavailableNodes:rack003"
    assert data["unavailable_nodes"] == [
        {"name": "rack002", "state": "IDLE+DRAIN", "reason": "disk"},
        {"name": "rack003", "state": "DOWN*", "reason": "power"},
    ]


def test_a_drained_node_is_not_reserved(api: Service) -> None:
    # Slurm 26.05 gives this reason where the node is drained: only nodes that are down are not "up".
    reserved = "ReqNodeNotAvail,_May_be_reserved_for_other_job"
    load(
        api,
        make_job(1, state_reason=reserved, req_nodes=["rack002"]),
        make_job(2, state_reason=reserved, req_nodes=["rack001"]),
        nodes=[make_node("rack001"), make_node("rack002", state="IDLE+DRAIN", reason="disk")],
    )
    assert explained(api, 1)["ends_by"] == ["administrator"]
    assert "down, drained or not responding" in explained(api, 1)["text"]
    assert explained(api, 2)["ends_by"][:2] == ["other_jobs", "time"]


def reservation(name: str, start: int, **fields: Any) -> Record:
    now = int(time.time())
    return {
        "name": name,
        "start_time": now + start,
        "end_time": now + start + 7200,
        "nodes": "rack001",
        "users": None,
        "accounts": None,
        **fields,
    }


def test_reservations_that_a_job_is_in_or_behind(api: Service) -> None:
    load(
        api,
        make_job(1, resv_name="course", state_reason="Reservation"),
        make_job(2, state_reason="ReqNodeNotAvail,_Reserved_for_maintenance", time_limit=60),
        make_job(3, state_reason="ReqNodeNotAvail,_Reserved_for_maintenance", req_nodes=["rack002"], time_limit=60),
        make_job(4),
        nodes=[make_node("rack001"), make_node("rack002")],
        reservations=[
            reservation("course", 86400),
            reservation("maint", 1800),
            reservation("past", -9000),
            # Starts after the time limit of the jobs.
            reservation("later", 3700),
        ],
    )
    found = {job: explained(api, job)["reservations"] for job in (1, 2, 3, 4)}
    names = {job: [(one["name"], one["relation"], one["state"]) for one in ones] for job, ones in found.items()}
    assert names == {1: [("course", "in", "UPCOMING")], 2: [("maint", "behind", "UPCOMING")], 3: [], 4: []}
    assert found[2][0]["end_time"] - found[2][0]["start_time"] == 7200


def test_availability_is_that_of_its_own_request(api: Service) -> None:
    gpus = {"gres": ["gpu:a100:2"], "gres_used": ["gpu:a100:1"], "partitions": ["gpu"]}
    per_node = {"min_memory_cpu": None, "pn_min_cpus": 1}
    load(
        api,
        # Eight CPUs on each of two nodes.
        make_job(1, partition="main,gpu", num_nodes=2, num_cpus=16, **per_node, min_memory_node=32_000),
        make_job(2, partition="gpu", num_nodes=1, num_cpus=1, **per_node, tres_per_node="gres/gpu:a100:2"),
        make_job(3, partition="gpu", num_nodes=1, num_cpus=17, **per_node, features=["a*2"], licenses={"matlab": 1}),
        make_running_job(4, "n1"),
        nodes=[node("n1"), node("n2", alloc_cpus=8), node("n3", alloc_cpus=9), node("n4", **gpus)],
        partitions=[partition("main"), partition("gpu", max_time=3600, default_time="NONE")],
    )
    names = ("partition", "answer", "nodes", "missing_nodes")
    found = {job: explained(api, job)["availability"] for job in (1, 2, 3, 4)}
    assert [[one[name] for name in names] for one in found[1]] == [
        ["gpu", "never", "n4", 1],
        ["main", "now", "n[1-2]", 0],
    ]
    assert found[1][1]["short"]["cpus"] == 1
    # 1 of 2 GPUs is free.
    assert [(one["answer"], one["short"]["gpus"]) for one in found[2]] == [("later", 1)]
    assert found[3][0]["limits"] == [{"limit": "NodeCPUs", "value": 16, "requested": 17}]
    assert found[3][0]["unchecked"] == ["Features", "Licenses", "Reservations"]
    assert found[4] is None
    assert api.get("/queue/2/explain", fields="availability")["data"] == {"availability": found[2]}


def test_availability_is_of_the_nodes_that_it_may_use(api: Service) -> None:
    small = {"req_nodes": (), "num_nodes": 1, "num_cpus": 1}
    load(
        api,
        make_job(1, **small, features=["avx&gpu"]),
        make_job(2, **small, features=["avx|gpu"]),
        make_job(3, **small, features=["avx"], exc_nodes=["n[1-2]"]),
        make_job(4, **{**small, "req_nodes": ["n[2-3]"], "num_nodes": 2}),
        make_job(5, **{**small, "req_nodes": ["n2"], "num_nodes": 2}),
        make_job(6, **small, resv_name="course"),
        make_job(7, **small, resv_name="flexible"),
        nodes=[
            node("n1", features=["avx"]),
            node("n2", features=["avx", "gpu"], state="IDLE+PLANNED"),
            node("n3", features=["gpu"], alloc_cpus=16, state="ALLOCATED"),
        ],
        partitions=[partition("main")],
        reservations=[
            reservation("course", 9000, nodes="n1"),
            reservation("flexible", 9000, nodes="n2", flags=["FLEX"]),
        ],
    )  # fmt: skip
    found = {job: explained(api, job)["availability"][0] for job in range(1, 8)}
    # The plan for another job would not hold n2 if this job were the first.
    assert [(found[job]["answer"], found[job]["nodes"]) for job in (1, 2)] == [("now", "n2"), ("now", "n[1-2]")]
    assert found[3]["limits"] == [{"limit": "TotalNodes", "value": 0, "requested": 1}]
    assert (found[4]["answer"], found[4]["nodes"], found[4]["missing_nodes"]) == ("later", "n2", 1)
    assert found[5]["unchecked"] == ["ReqNodeList"]
    assert (found[6]["answer"], found[6]["short"]["reserved"]) == ("later", 1)
    assert found[7]["answer"] == "now"


@pytest.mark.parametrize(
    ("job", "text"),
    [
        (make_running_job(1, "rack001"), "It is running."),
        (make_job(1, job_state="FAILED", state_reason="NonZeroExitCode"), "ended with a failure. Its script"),
        (make_job(1, job_state="CANCELLED", state_reason="Dependency"), "last reason was Dependency"),
        (make_job(1, job_state="COMPLETED+COMPLETING", state_reason="None"), "clean up"),
    ],
)
def test_other_jobs_are_named_for_what_they_are(api: Service, job: Record, text: str) -> None:
    load(api, job)
    data = explained(api, 1)
    assert text in data["text"]
    assert (data["ends_by"], data["rank"], data["no_rank"], data["dependencies"]) == ([], None, None, [])


def test_fields_etag_and_unknown_jobs(api: Service) -> None:
    load(api, make_job(1))
    response = api.client.get("/queue/1/explain?fields=reason,ends_by")
    assert response.get_json()["data"] == {"reason": "Priority", "ends_by": ["other_jobs", "own_jobs"]}
    again = api.client.get(
        "/queue/1/explain?fields=reason,ends_by", headers={"If-None-Match": response.headers["ETag"]}
    )
    assert again.status_code == 304
    load(api, make_job(1, state_reason="Resources"))
    again = api.client.get(
        "/queue/1/explain?fields=reason,ends_by", headers={"If-None-Match": response.headers["ETag"]}
    )
    assert again.status_code == 200
    assert api.client.get("/queue/2/explain").status_code == 404
    assert api.client.get("/queue/abc/explain").status_code == 400
    assert api.client.get("/queue/1/explain?fields=nosuch").status_code == 400


def test_private_jobs_are_not_counted(settings: Settings, source: FakeSource, cycle: Cycle) -> None:
    jobs = [
        make_job(JOB_OF["alice"], user_name="alice", dependency=f"afterok:{JOB_OF['bob']}(unfulfilled)"),
        make_job(JOB_OF["bob"], user_name="bob", account="chemistry", priority=2**32 - 1),
    ]
    load_users(source, cycle, jobs)
    service = ServiceWithUsers(settings, "jobs", "nodes")
    path = f"/queue/{JOB_OF['alice']}/explain"
    data = service.get_as("alice", path).get_json()["data"]
    assert data["rank"] is None
    assert "private" in data["no_rank"]
    assert (data["unavailable_nodes"], data["availability"]) == (None, None)
    assert data["dependencies"][0]["state"] is None
    assert service.get_as("bob", path).status_code == 404
    data = service.get_as(ADMIN, path).get_json()["data"]
    assert (data["rank"][0]["jobs_ahead"], data["dependencies"][0]["state"]) == (1, "PENDING")


def test_private_jobs_of_the_accounting_database_are_unknown(
    settings: Settings, source: FakeSource, cycle: Cycle, tmp_path: Path
) -> None:
    past = [f"afterok:{PAST_JOB_OF[user]}(unfulfilled)" for user in ("alice", "bob")]
    load_users(source, cycle, [make_job(JOB_OF["alice"], user_name="alice", dependency=",".join(past))])
    service = ServiceWithUsers(with_accounting(settings, tmp_path), "jobs")
    for user, sources in (("alice", ["history", None]), (ADMIN, ["history", "history"])):
        body = service.get_as(user, f"/queue/{JOB_OF['alice']}/explain").get_json()
        assert [one["source"] for one in body["data"]["dependencies"]] == sources
        assert body["meta"]["error"] is None

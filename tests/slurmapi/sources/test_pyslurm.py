"""Records from pyslurm's objects. Values are those of pyslurm 25.11.2 on Slurm 25.11.7 and 26.05."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.pyslurm.attributes import GROUPS, JobAttributes
from slurm_rest_api.slurmapi.sources.pyslurm.source import PyslurmSource
from tests.slurmapi.sources.fake_pyslurm import RUNNING, Job, Node, Partition, RPCError, Tres, make_pyslurm, tres

USERS = {1001: "ada", 0: "root"}
NAMES = UserNames(USERS.__getitem__, USERS.__getitem__, {"root": 0, "ada": 1001}.__getitem__)


def published(job: Job, *nodes: Node) -> Record:
    return next(iter(PyslurmSource(make_pyslurm(jobs=[job], nodes=list(nodes)), NAMES).load().jobs))


def published_node(**attributes: Any) -> Record:
    return PyslurmSource(make_pyslurm(nodes=[Node(**attributes)]), NAMES).load().nodes[0]


def published_partition(**attributes: Any) -> Record:
    return PyslurmSource(make_pyslurm(partitions=[Partition(**attributes)]), NAMES).load().partitions[0]


def running(**attributes: Any) -> Job:
    return Job(**{**RUNNING, **attributes})


def test_groups_have_the_order_of_the_attributes() -> None:
    grouped = tuple(name for group in GROUPS for name in group)
    assert JobAttributes._fields[: len(grouped)] == grouped


def test_unset_numbers_are_zero() -> None:
    job = published(Job(association_id=None, start_time=None, num_nodes=None, ntasks_per_node=None, priority=0))
    assert [job[name] for name in ("assoc_id", "start_time", "num_nodes", "ntasks_per_node", "priority")] == [0] * 5


@pytest.mark.parametrize(
    ("attributes", "task", "text"),
    [
        ({"array_id": 3, "array_task_id": None}, 0, None),
        ({"array_id": 3, "array_task_id": 5}, 5, None),
        ({"array_id": 3, "array_tasks_waiting": "2-9"}, None, "2-9"),
        ({"array_id": 3, "array_tasks_waiting": "2-9", "array_tasks_parallel": 4}, None, "2-9%4"),
        ({}, None, None),
    ],
)
def test_array_task_zero_differs_from_pending_tasks(attributes: Any, task: int | None, text: str | None) -> None:
    job = published(Job(**attributes))
    assert (job["array_task_id"], job["array_task_str"]) == (task, text)


def test_no_time_limit_is_unlimited() -> None:
    job = published(running(time_limit=None))
    assert (job["time_limit"], job["time_limit_str"], job["run_time_remaining"]) == ("UNLIMITED", "UNLIMITED", None)


def test_durations_are_days_hours_minutes_seconds() -> None:
    job = published(running(run_time=90_061, time_limit=2880))
    assert (job["run_time_str"], job["time_limit_str"]) == ("1-01:01:01", "2-00:00:00")
    assert job["run_time_remaining"] == 2880 * 60 - 90_061
    assert published(running(run_time=125))["run_time_str"] == "00:02:05"


def test_a_job_suspended_at_once_has_a_run_time_of_zero() -> None:
    job = published(running(state="SUSPENDED", run_time=None))
    assert (job["run_time"], job["elapsed_cpu_time"]) == (0, 0)


def test_an_attribute_that_raises_is_null_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Job):
        @property
        def requested_tres(self) -> Any:
            raise ValueError("too many values to unpack")

        @requested_tres.setter
        def requested_tres(self, value: Any) -> None: ...

    module = make_pyslurm()
    broken = Job()
    broken.__class__ = Broken
    broken.__dict__.pop("requested_tres")
    module.Jobs.answer = [broken, broken]
    jobs = list(PyslurmSource(module, NAMES).load().jobs)
    assert [job["tres_req_str"] for job in jobs] == [None, None]
    assert [job["user_name"] for job in jobs] == ["ada", "ada"]
    assert len([record for record in caplog.records if "requested_tres" in record.message]) == 1


def test_unknown_users_are_published_as_their_number() -> None:
    job = published(Job(user_id=4242, group_id=4243))
    assert (job["user_name"], job["group_name"]) == ("4242", "4243")


def test_tres_text_is_rebuilt() -> None:
    job = published(running(allocated_tres=tres({"gpu": 2, "gpu:a100": 2}, cpu=6, mem=1500, node=3, billing=6)))
    assert job["tres_alloc_str"] == "cpu=6,mem=1500M,node=3,billing=6,gres/gpu=2,gres/gpu:a100=2"


def test_prints_of_pyslurm_are_discarded(capsys: pytest.CaptureFixture[str]) -> None:
    class Noisy(Job):
        @property
        def requested_tres(self) -> SimpleNamespace:
            print("bb cray")  # noqa: T201
            return tres(cpu=1)

        @requested_tres.setter
        def requested_tres(self, value: Any) -> None: ...

    noisy = Job()
    noisy.__class__ = Noisy
    noisy.__dict__.pop("requested_tres")
    assert published(noisy)["tres_req_str"] == "cpu=1"
    assert capsys.readouterr().out == ""


def test_per_node_gres_are_a_list_and_a_text() -> None:
    job = published(Job(gres_per_node={"gres/gpu:a100": 2, "gres/shard": 1}))
    assert job["gres"] == ["gpu:a100:2", "shard:1"]
    assert job["tres_per_node"] == "gres/gpu:a100:2,gres/shard:1"
    # pyslurm's parser leaves a count after an equals sign in the name.
    assert published(Job(gres_per_node={"gres/gpu=2": 1}))["gres"] == ["gpu:2"]
    assert published(Job(gres_per_node={"gres/gpu:4090": 2}))["gres"] == ["gpu:4090:2"]


@pytest.mark.parametrize(
    ("dependencies", "text"),
    [
        (None, None),
        ({"afterok": ["1(unfulfilled)", 2], "singleton": False, "satisfy": "all"}, "afterok:1(unfulfilled),afterok:2"),
        ({"afterany": [4], "afterok": [3], "satisfy": "any"}, "afterany:4?afterok:3"),
        ({"singleton": True, "satisfy": "all"}, "singleton"),
        ({"afterok": [], "singleton": False, "satisfy": "all"}, "singleton(unfulfilled)"),
    ],
)
def test_dependencies_are_rebuilt_as_text(dependencies: Any, text: str | None) -> None:
    assert published(Job(dependencies=dependencies))["dependency"] == text


def test_standard_error_falls_back_to_standard_output_of_batch_jobs_only() -> None:
    assert published(Job())["std_err"] == "/home/ada/slurm-7.out"
    interactive = published(Job(is_batch_job=False, standard_output="", standard_input="", standard_error=""))
    assert [interactive[name] for name in ("std_in", "std_out", "std_err")] == [None, None, None]


def test_a_pending_array_has_a_file_pattern() -> None:
    job = published(Job(array_id=7, array_tasks_waiting="1-3", standard_output="/x/slurm-7_4294967294.out"))
    assert job["std_out"] == "/x/slurm-7_%a.out"


def test_reasons_have_no_blanks() -> None:
    assert published(Job())["state_reason"] == "Nodes_required_for_job_are_DOWN"


@pytest.mark.parametrize(
    ("attributes", "core_spec"),
    [
        ({"cores_reserved_for_system": 0}, 0),
        ({"threads_reserved_for_system": 2}, 0x8002),
        ({}, None),
    ],
)
def test_core_specialization(attributes: Any, core_spec: int | None) -> None:
    assert published(Job(**attributes))["core_spec"] == core_spec


def test_profile_names_are_a_bit_mask() -> None:
    assert published(Job(profile_types=["ALL"]))["profile"] == 30
    assert published(Job(profile_types=["ENERGY", "NETWORK"]))["profile"] == 18


def test_memory_per_cpu_and_per_node_exclude_each_other() -> None:
    per_cpu = published(Job(memory_per_cpu=100, memory_per_node=None, cpus=4))
    assert (per_cpu["mem_per_cpu"], per_cpu["min_memory_cpu"], per_cpu["min_memory_node"]) == (True, 100, None)
    assert per_cpu["memory"] == 400
    per_node = published(Job(memory_per_node=500, num_nodes=2))
    assert (per_node["mem_per_cpu"], per_node["min_memory_cpu"], per_node["min_memory_node"]) == (False, None, 500)
    assert per_node["memory"] == 1000


def test_heterogeneous_components_start_at_zero_and_others_have_none() -> None:
    leader = published(Job(id=12, heterogeneous_id=12, heterogeneous_offset=0))
    assert (leader["het_job_id"], leader["het_job_offset"], leader["pack_job_id"]) == (12, 0, 12)
    assert published(Job())["het_job_offset"] is None


def test_cores_become_cpus_by_the_threads_of_each_node() -> None:
    layout = {
        "rack001": {"cpu_ids": "0,2", "memory": 400, "gres": {"gpu:tesla": {"count": 1, "indexes": "0"}}},
        "rack007": {"cpu_ids": "0-1", "memory": None, "gres": {}},
    }
    nodes = (Node(name="rack001", threads_per_core=2), Node(name="rack007", threads_per_core=1))
    job = published(running(cpus=6, layout=layout), *nodes)
    assert job["cpus_allocated"] == {"rack001": 4, "rack007": 2}
    assert job["cpus_alloc_layout"] == {"rack001": [0, 1, 4, 5], "rack007": [0, 1]}
    assert job["mem_allocated"] == {"rack001": 400, "rack007": 0}
    assert job["gres_allocated"] == {"rack001": {"gpu:tesla": 1}, "rack007": {}}


def test_the_cpus_of_a_single_node_job_are_exact() -> None:
    job = published(running(cpus=3, layout={"rack001": {"cpu_ids": "0-1", "memory": 0, "gres": {}}}), Node())
    assert job["cpus_allocated"] == {"rack001": 3}


def test_a_core_text_that_was_cut_leaves_the_rest_of_the_cpus_to_its_node() -> None:
    cut = ",".join(str(core) for core in range(0, 120, 2))[:127]
    layout = {
        "a": {"cpu_ids": cut, "memory": 1, "gres": {}},
        "b": {"cpu_ids": "0-3", "memory": 1, "gres": {}},
    }
    job = published(running(cpus=64, layout=layout))
    assert job["cpus_allocated"] == {"a": 60, "b": 4}


@pytest.mark.parametrize("layout", [{}, IndexError("list index out of range")])
def test_without_a_layout_cpus_are_spread_evenly(layout: Any) -> None:
    job = published(running(cpus=5, allocated_nodes="rack[001-002]", layout=layout, memory_per_node=300))
    assert job["cpus_allocated"] == {"rack001": 3, "rack002": 2}
    assert job["mem_allocated"] == {"rack001": 300, "rack002": 300}


@pytest.mark.parametrize("state", ["PENDING", "COMPLETED", "CANCELLED"])
def test_jobs_without_nodes_hold_nothing(state: str) -> None:
    job = published(running(state=state))
    assert (job["cpus_allocated"], job["mem_allocated"]) == ({}, {})


def test_jobs_are_freed_during_the_iteration() -> None:
    module = make_pyslurm(jobs=[Job(id=1), Job(id=2)])
    snapshot = PyslurmSource(module, NAMES).load()
    jobs = iter(snapshot.jobs)
    assert next(jobs)["job_id"] == 1
    assert list(module.Jobs.last.values()) == []
    assert [job["job_id"] for job in jobs] == [2]


@pytest.mark.parametrize(
    ("complete", "classic"),
    [
        ("IDLE", "IDLE"),
        ("MIXED+DRAIN", "MIXED+DRAIN"),
        ("DOWN+NOT_RESPONDING", "DOWN*"),
        ("IDLE+DRAIN+NOT_RESPONDING", "IDLE*+DRAIN"),
        ("IDLE+MAINTENANCE+RESERVED", "IDLE+MAINTENANCE+RESERVED"),
    ],
)
def test_node_states_have_a_star_for_not_responding(complete: str, classic: str) -> None:
    node = published_node(state=complete)
    assert (node["state"], "+".join([node["state_base"], *node["state_flags"]])) == (classic, complete)


def test_node_figures() -> None:
    node = published_node(cpu_load=1.39, reason="fan", reason_user="root", reason_time=5, owner="ada", free_memory=None)
    assert (node["cpu_load"], node["reason_uid"], node["reason_user"], node["owner"]) == (139, 0, "root", 1001)
    assert (node["gres"], node["features"], node["features_active"]) == (["gpu:a100:2"], "fast,ib", [])
    assert node["free_mem"] is None
    assert published_node(reason_user=None)["reason_uid"] is None


def test_partition_times_are_seconds() -> None:
    partition = published_partition(default_time=None, max_time=1440)
    assert (partition["default_time"], partition["default_time_str"]) == ("NONE", "NONE")
    assert (partition["max_time"], partition["max_time_str"]) == (86400, "1-00:00:00")


def test_allow_root_jobs_of_pyslurm_means_that_they_are_disabled() -> None:
    assert published_partition(allow_root_jobs=True)["flags"]["DisableRootJobs"] == 1


def test_denied_names_of_pyslurm_are_all_for_none() -> None:
    assert published_partition()["deny_accounts"] is None
    denied = published_partition(denied_accounts=["physics"])
    assert (denied["deny_accounts"], denied["allow_accounts"]) == (["physics"], None)


@pytest.mark.parametrize(
    ("oversubscribe", "shared", "max_share"),
    [("EXCLUSIVE", "EXCLUSIVE", 0), ("NO", "NO", 1), ("YES:4", "YES:4", 4), ("FORCE:4", "FORCED:4", 32772)],
)
def test_oversubscription(oversubscribe: str, shared: str, max_share: int) -> None:
    partition = published_partition(oversubscribe=oversubscribe)
    assert (partition["flags"]["Shared"], partition["max_share"]) == (shared, max_share)


def test_consumable_resources_are_a_number_and_a_word() -> None:
    partition = published_partition(select_type_parameters="CORE_MEMORY")
    assert (partition["cr_type"], partition["select_type_parameters"]) == (20, "CORE_MEMORY")


def test_backfill_counters_have_the_names_of_slurmctld() -> None:
    exits = PyslurmSource(make_pyslurm(), NAMES).load().statistics["bf_exit"]
    # slurmctld's order is END, MAX_JOB_START, MAX_JOB_TEST, STATE_CHANGED, TABLE_LIMIT, TIMEOUT.
    assert exits == {
        "end_of_job_queue": 1,
        "max_job_start": 2,
        "max_job_test": 3,
        "state_changed": 4,
        "node_space_size": 5,
        "max_time": 6,
    }


def test_rpc_users_without_a_name_have_their_uid() -> None:
    users = PyslurmSource(make_pyslurm(), NAMES).load().statistics["rpc_user_stats"]
    assert users["4242"] == {"id": 4242, "user_name": "4242", "count": 1, "ave_time": 9, "total_time": 9}


def test_a_failed_rpc_is_source_unavailable_with_slurms_message() -> None:
    error = RPCError("Unable to contact slurm controller (connect failure)", 1800)
    with pytest.raises(SourceUnavailable, match=r"connect failure.*1800") as caught:
        PyslurmSource(make_pyslurm(jobs=error), NAMES).load()
    assert caught.value.__cause__ is error


def test_an_attribute_of_a_newer_pyslurm_is_null_on_an_older_one() -> None:
    class OlderJob:
        """25.11.0 has no TRES attributes."""

    for name in JobAttributes._fields:
        if name not in {"requested_tres", "allocated_tres", "spread_segments"}:
            setattr(OlderJob, name, None)
    job = OlderJob()
    job.__dict__.update(id=5, state="PENDING")
    module = make_pyslurm(jobs=[job])
    module.Job = OlderJob
    record = next(iter(PyslurmSource(module, NAMES).load().jobs))
    assert (record["job_id"], record["tres_req_str"], record["spread_segments"]) == (5, None, False)


def test_a_license_is_a_tres_with_its_type() -> None:
    resources = tres(cpu=1)
    resources.license = {"matlab": Tres("license", 2, "matlab")}
    assert published(Job(requested_tres=resources))["tres_req_str"] == "cpu=1,license/matlab=2"


@pytest.mark.parametrize(
    ("version", "detail"),
    [
        ("25.11.2", "pyslurm 25.11.2 for Slurm 26.05.5"),
        ("26.5.0+pyslurm25.11.2", "pyslurm 25.11.2 for Slurm 26.05.5"),
    ],
)
def test_the_detail_has_the_releases_of_pyslurm_and_slurm(version: str, detail: str) -> None:
    module = make_pyslurm()
    module.__version__ = version
    assert PyslurmSource(module, UserNames()).detail == detail

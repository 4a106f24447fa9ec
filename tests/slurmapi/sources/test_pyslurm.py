"""Records from pyslurm's objects. Values are those of pyslurm 25.11.2 on Slurm 25.11.7 and 26.05."""

from __future__ import annotations

from typing import Any

import pytest

from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.slurm.sentinels import NO_VAL
from slurm_rest_api.slurm.user_names import UserNames
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.pyslurm.attributes import GROUPS, JobAttributes
from slurm_rest_api.slurmapi.sources.pyslurm.source import PyslurmSource
from tests.slurmapi.sources.fake_pyslurm import RUNNING, Job, Node, RPCError, make_pyslurm, statistics

USERS = {1001: "ada", 0: "root"}
NAMES = UserNames(USERS.__getitem__, USERS.__getitem__, {"root": 0, "ada": 1001}.__getitem__)


def published(job: Job, *nodes: Node) -> Record:
    return next(iter(PyslurmSource(make_pyslurm(jobs=[job], nodes=list(nodes)), NAMES).load().jobs))


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
        ({"array_id": 3, "raw_array_task_id": 0}, 0, None),
        ({"array_id": 3, "raw_array_task_id": 5}, 5, None),
        ({"array_id": 3, "raw_array_task_id": NO_VAL, "raw_array_task_str": "2-9"}, None, "2-9"),
        ({"array_id": 3, "raw_array_task_id": NO_VAL, "raw_array_task_str": "2-9%4"}, None, "2-9%4"),
        ({"array_id": 3, "raw_array_task_id": NO_VAL}, None, None),
        ({"raw_array_task_id": NO_VAL}, None, None),
    ],
)
def test_array_task_zero_differs_from_pending_tasks(attributes: Any, task: int | None, text: str | None) -> None:
    job = published(Job(**attributes))
    assert (job["array_task_id"], job["array_task_str"]) == (task, text)


def test_durations_are_days_hours_minutes_seconds() -> None:
    job = published(running(run_time=90_061, raw_time_limit=2880))
    assert (job["run_time_str"], job["time_limit_str"]) == ("1-01:01:01", "2-00:00:00")
    assert job["run_time_remaining"] == 2880 * 60 - 90_061
    assert published(running(run_time=125))["run_time_str"] == "00:02:05"


def test_a_job_suspended_at_once_has_a_run_time_of_zero() -> None:
    job = published(running(state="SUSPENDED", run_time=None))
    assert (job["run_time"], job["elapsed_cpu_time"]) == (0, 0)


def test_an_attribute_that_raises_is_null_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Job):
        @property
        def raw_tres_req_str(self) -> Any:
            raise ValueError("too many values to unpack")

        @raw_tres_req_str.setter
        def raw_tres_req_str(self, value: Any) -> None: ...

    module = make_pyslurm()
    broken = Job()
    broken.__class__ = Broken
    broken.__dict__.pop("raw_tres_req_str")
    module.Jobs.answer = [broken, broken]
    jobs = list(PyslurmSource(module, NAMES).load().jobs)
    assert [job["tres_req_str"] for job in jobs] == [None, None]
    assert [job["user_name"] for job in jobs] == ["ada", "ada"]
    assert len([record for record in caplog.records if "raw_tres_req_str" in record.message]) == 1


def test_unknown_users_are_published_as_their_number() -> None:
    job = published(Job(user_id=4242, group_id=4243))
    assert (job["user_name"], job["group_name"]) == ("4242", "4243")


def test_standard_error_falls_back_to_standard_output_of_batch_jobs_only() -> None:
    assert published(Job())["std_err"] == "/home/ada/slurm-7.out"
    interactive = published(Job(is_batch_job=False, standard_output="", standard_input="", standard_error=""))
    assert [interactive[name] for name in ("std_in", "std_out", "std_err")] == [None, None, None]


def test_a_pending_array_has_a_file_pattern() -> None:
    job = published(
        Job(array_id=7, raw_array_task_id=NO_VAL, raw_array_task_str="1-3", standard_output="/x/slurm-7_4294967294.out")
    )
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


def test_heterogeneous_components_start_at_zero_and_others_have_none() -> None:
    leader = published(Job(id=12, heterogeneous_id=12, heterogeneous_offset=0))
    assert (leader["het_job_id"], leader["het_job_offset"], leader["pack_job_id"]) == (12, 0, 12)
    assert published(Job())["het_job_offset"] is None


def test_cores_become_cpus_by_the_threads_of_each_node() -> None:
    layout = {
        "rack001": {"cpu_ids": "0,2", "memory": 400, "gres": "gpu:tesla:1(IDX:0)"},
        "rack007": {"cpu_ids": "0-1", "memory": None, "gres": None},
    }
    nodes = (Node(name="rack001", threads_per_core=2), Node(name="rack007", threads_per_core=1))
    job = published(running(cpus=6, layout=layout), *nodes)
    assert job["cpus_allocated"] == {"rack001": 4, "rack007": 2}
    assert job["cpus_alloc_layout"] == {"rack001": [0, 1, 4, 5], "rack007": [0, 1]}
    assert job["mem_allocated"] == {"rack001": 400, "rack007": 0}
    assert job["gres_allocated"] == {"rack001": {"gpu:tesla": 1}, "rack007": {}}


def test_the_cpus_of_a_single_node_job_are_exact() -> None:
    job = published(running(cpus=3, layout={"rack001": {"cpu_ids": "0-1", "memory": 0, "gres": None}}), Node())
    assert job["cpus_allocated"] == {"rack001": 3}


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


def test_statistics_have_what_pyslurm_leaves_out() -> None:
    controller = statistics(raw_job_states_ts=1_700_000_000, raw_schedule_cycle_depth=41)
    record = PyslurmSource(make_pyslurm(controller=controller), NAMES).load().statistics
    assert (record["job_states_ts"], record["schedule_cycle_depth"]) == (1_700_000_000, 41)


def test_rpc_users_without_a_name_have_their_uid() -> None:
    users = PyslurmSource(make_pyslurm(), NAMES).load().statistics["rpc_user_stats"]
    assert users["4242"] == {"id": 4242, "user_name": "4242", "count": 1, "ave_time": 9, "total_time": 9}


def test_a_failed_rpc_is_source_unavailable_with_slurms_message() -> None:
    error = RPCError("Unable to contact slurm controller (connect failure)", 1800)
    with pytest.raises(SourceUnavailable, match=r"connect failure.*1800") as caught:
        PyslurmSource(make_pyslurm(jobs=error), NAMES).load()
    assert caught.value.__cause__ is error


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


@pytest.mark.parametrize(
    ("sent", "limit", "end_time"),
    [
        # NO_VAL and INFINITE of slurm.h. slurmctld sends the start and a year for a job without a limit.
        (0xFFFFFFFE, "Partition_Limit", 4_000_000_000),
        (0xFFFFFFFF, "UNLIMITED", None),
        (90, 90, 4_000_000_000),
    ],
)
def test_a_limit_of_the_partition_differs_from_none(sent: int, limit: int | str, end_time: int | None) -> None:
    job = published(running(raw_time_limit=sent, end_time=4_000_000_000))
    assert (job["time_limit"], job["end_time"]) == (limit, end_time)


def test_words_have_no_remaining_time() -> None:
    job = published(running(raw_time_limit=0xFFFFFFFF))
    assert (job["time_limit_str"], job["run_time_remaining"]) == ("UNLIMITED", None)
    assert published(running(raw_time_limit=0xFFFFFFFE))["time_limit_str"] == "Partition_Limit"


def test_the_end_of_an_unlimited_job_that_is_over_is_published() -> None:
    job = published(Job(state="COMPLETED", raw_time_limit=0xFFFFFFFF, end_time=1_700_000_500))
    assert job["end_time"] == 1_700_000_500
    assert published(Job(raw_time_limit=0xFFFFFFFF, end_time=None))["end_time"] == 0


@pytest.mark.parametrize(
    ("text", "gres"),
    [
        ("gres/gpu:4090:2", ["gpu:4090:2"]),
        ("gres/gpu:a100:2,gres/shard:1", ["gpu:a100:2", "shard:1"]),
        ("gres/gpu:tesla", ["gpu:tesla:1"]),
        ("gres/tmp:5G", ["tmp:5368709120"]),
        ("gres/bandwidth:lustre:1G", ["bandwidth:lustre:1073741824"]),
        ("gres/gpu=2", ["gpu:2"]),
        (None, []),
    ],
)
def test_gres_per_node_are_a_list_and_the_text_of_scontrol(text: str | None, gres: list[str]) -> None:
    job = published(Job(raw_tres_per_node=text))
    assert (job["gres"], job["tres_per_node"]) == (gres, text)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("tres_per_job", "gres/gpu:2"),
        ("tres_per_job", "gres/gpu:a100:2,gres/gpu:v100:1"),
        ("tres_per_socket", "gres/gpu:1"),
        ("tres_per_task", "cpu=2,gres/gpu:1"),
        ("tres_req_str", "cpu=6,mem=1500M,node=3,billing=6,license/matlab=2"),
        ("tres_alloc_str", "cpu=6,mem=1500M,node=3,billing=6,gres/gpu=2,gres/gpu:a100=2"),
        ("cpus_per_tres", "gres/gpu:4"),
        ("mem_per_tres", "gres/gpu:500"),
        ("tres_bind", "gres/gpu:closest"),
        ("tres_freq", "gpu:medium"),
        ("het_job_id_set", "12-14"),
        ("dependency", "afterok:12(unfulfilled),singleton(unfulfilled)"),
        ("dependency", "afterany:4(unfulfilled)?afterok:3(unfulfilled)"),
    ],
)
def test_texts_are_those_of_slurm(field: str, text: str) -> None:
    assert published(running(**{f"raw_{field}": text}))[field] == text
    assert published(running(**{f"raw_{field}": ""}))[field] is None


def test_two_licenses_are_counted_each() -> None:
    job = published(running(raw_licenses="matlab:1;ansys:1", raw_licenses_allocated="matlab:1;ansys:1"))
    assert job["licenses"] == job["licenses_allocated"] == {"matlab": 1, "ansys": 1}
    assert published(Job(raw_licenses="matlab:1|ansys:1"))["licenses"] == {"matlab|ansys": "1|1"}


@pytest.mark.parametrize(("bits", "word"), [(1, "Yes"), (2, "No"), (0, None)])
def test_the_end_at_an_invalid_dependency_has_three_values(bits: int, word: str | None) -> None:
    assert published(Job(raw_kill_inv_dep=bits))["kill_on_invalid_dependent"] == word


def memory_of(job: Record) -> tuple[Any, ...]:
    names = ("memory", "mem_per_cpu", "min_memory_cpu", "mem_per_node", "min_memory_node", "pn_min_memory")
    return tuple(job[name] for name in names)


def test_memory_per_cpu_and_per_node_exclude_each_other() -> None:
    # MEM_PER_CPU of slurm.h is the highest bit.
    per_cpu = published(Job(raw_pn_min_memory=1 << 63 | 100, cpus=4))
    assert memory_of(per_cpu) == (400, True, 100, False, None, 100)
    per_node = published(Job(raw_pn_min_memory=500, num_nodes=2))
    assert memory_of(per_node) == (1000, False, None, True, 500, 500)


def test_all_memory_of_a_node_is_what_is_allocated() -> None:
    assert memory_of(published(Job(raw_pn_min_memory=0))) == (None, False, None, True, 0, 0)
    job = published(running(raw_pn_min_memory=0, raw_tres_alloc_str="cpu=2,mem=31.25G,node=1,billing=2"))
    assert memory_of(job) == (32000, False, None, True, 0, 0)


def test_memory_per_gpu_is_neither_per_cpu_nor_per_node() -> None:
    request = {"raw_mem_per_tres": "gres/gpu:500", "raw_pn_min_memory": 0}
    assert memory_of(published(Job(**request))) == (None, False, None, False, None, 0)
    job = published(running(**request, raw_tres_alloc_str="cpu=2,mem=1000M,node=1,billing=2,gres/gpu=2"))
    assert memory_of(job) == (1000, False, None, False, None, 0)


@pytest.mark.parametrize(("sent", "frequency"), [(0xFFFFFFFE, None), (0, None), (0x8C000000, 0x8C000000), (2100, 2100)])
def test_cpu_frequencies_are_slurms_numbers(sent: int, frequency: int | None) -> None:
    job = published(Job(raw_cpu_freq_gov=sent, raw_cpu_freq_min=sent, raw_cpu_freq_max=sent))
    assert {job["cpu_freq_gov"], job["cpu_freq_min"], job["cpu_freq_max"]} == {frequency}


def test_count_only_gres_keep_the_layout_of_the_job() -> None:
    held = {"cpu_ids": "0-1", "memory": 400, "gres": "gpu:a100(CNT:2),bandwidth:lustre(CNT:0)"}
    job = published(running(cpus=2, layout={"rack001": held, "rack002": held | {"gres": "gpu:4090:1(IDX:0)"}}))
    assert job["gres_allocated"] == {"rack001": {"gpu:a100": 2, "bandwidth:lustre": 0}, "rack002": {"gpu:4090": 1}}
    assert job["cpus_alloc_layout"] == {"rack001": [0, 1], "rack002": [0, 1]}


@pytest.mark.parametrize("layout", [{}, IndexError("list index out of range")])
def test_without_a_layout_cpus_are_spread_evenly(layout: Any) -> None:
    job = published(running(cpus=5, allocated_nodes="rack[001-002]", layout=layout, raw_pn_min_memory=300))
    assert job["cpus_allocated"] == {"rack001": 3, "rack002": 2}
    assert job["mem_allocated"] == {"rack001": 300, "rack002": 300}


def test_layouts_that_cannot_be_read_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    jobs = [running(id=number, layout=ValueError(f"no layout {number}")) for number in (1, 2)]
    source = PyslurmSource(make_pyslurm(jobs=jobs), NAMES)
    for _ in range(2):
        assert len(list(source.load().jobs)) == 2
    assert [record.message for record in caplog.records if "layout" in record.message] == [
        "The layout of job 1 by node cannot be read: ValueError('no layout 1'). Its CPUs are published as spread "
        "evenly, and so are those of other jobs with this failure."
    ]

"""Replaces the parts of pyslurm 25.11, as build.sh builds it, that the adapter reads.

The values are those of the real module for a pending job, a running job, an idle node and an open partition.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from slurm_rest_api.slurm.sentinels import NO_VAL, NO_VAL16
from slurm_rest_api.slurmapi.sources.pyslurm.attributes import JobAttributes, NodeAttributes, PartitionAttributes
from slurm_rest_api.slurmapi.sources.pyslurm.statistics import RAW_STATISTICS
from tests.slurmapi.sources.fake_raw_jobs import RawJobs


class RPCError(Exception):
    def __init__(self, message: str, errno: int) -> None:
        super().__init__(message)
        self.errno = errno


class Collection:
    """The methods of MultiClusterMap that the adapter uses. `clear` frees the objects."""

    def __init__(self, objects: list[Any]) -> None:
        self.data = {"testbed": dict(enumerate(objects))}

    def values(self) -> Iterator[Any]:
        return (value for objects in self.data.values() for value in objects.values())

    def clear(self) -> None:
        self.data.clear()


class Job:
    """A pending batch job. Arguments change its attributes."""

    def __init__(self, layout: Any = None, **attributes: Any) -> None:
        self.layout = layout or {}
        self.__dict__.update(PENDING | attributes)

    def get_resource_layout_per_node(self) -> dict[str, Any]:
        if isinstance(self.layout, Exception):
            raise self.layout
        return dict(self.layout)


class Node:
    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(IDLE_NODE | attributes)


class Partition:
    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(PARTITION | attributes)


for kind, names in (
    (Job, JobAttributes._fields),
    (Node, NodeAttributes._fields),
    (Partition, PartitionAttributes._fields),
):
    for attribute in names:
        setattr(kind, attribute, None)


PENDING: dict[str, Any] = {
    "id": 7,
    "name": "wrap",
    "cluster": "testbed",
    "user_id": 1001,
    "group_id": 1001,
    "account": "physics",
    "association_id": 3,
    "partition": "main,long",
    "qos": "normal",
    "submit_host": "login1",
    "submit_session_id": 812,
    "is_cronjob": False,
    "heterogeneous_id": 0,
    "heterogeneous_offset": 0,
    "federation_siblings_viable": [],
    "federation_siblings_active": [],
    "state": "PENDING",
    "state_reason": "Nodes required for job are DOWN",
    "priority": 4294,
    "nice": 0,
    "is_requeueable": True,
    "requeue_count": 0,
    "requires_node_reboot": False,
    "is_batch_job": True,
    "exit_code": 0,
    "exit_code_signal": 0,
    "derived_exit_code": 0,
    "derived_exit_code_signal": 0,
    "raw_kill_inv_dep": 0,
    "submit_time": 1_700_000_000,
    "eligible_time": 1_700_000_000,
    "accrue_time": 1_700_000_000,
    "run_time": 0,
    "raw_time_limit": 90,
    "cpus": 2,
    "num_nodes": 1,
    "ntasks": 1,
    "cpus_per_task": 2,
    "ntasks_per_core": "UNLIMITED",
    "ntasks_per_socket": "UNLIMITED",
    "requires_contiguous_nodes": False,
    "resource_sharing": "OK",
    "constraints": [],
    "preferred_features": [],
    "batch_constraints": [],
    "cluster_constraints": [],
    "spreads_over_nodes": False,
    "spread_segments": False,
    "consolidate_segments": False,
    "raw_pn_min_memory": 500,
    "raw_cpu_freq_gov": NO_VAL,
    "raw_cpu_freq_min": NO_VAL,
    "raw_cpu_freq_max": NO_VAL,
    "raw_tres_req_str": "cpu=2,mem=500M,node=1,billing=2",
    "profile_types": [],
    "allocated_nodes": "",
    "billable_tres": 0.0,
    "kill_step_when_oom": False,
    "command": "/home/ada/run.sh",
    "working_directory": "/home/ada",
    "standard_input": "/dev/null",
    "standard_output": "/home/ada/slurm-7.out",
    "standard_error": "",
}

RUNNING: dict[str, Any] = {
    "state": "RUNNING",
    "state_reason": "None",
    "partition": "main",
    "start_time": 1_700_000_100,
    "end_time": 1_700_005_500,
    "run_time": 125,
    "allocated_nodes": "rack001",
    "batch_host": "rack001",
    "raw_tres_alloc_str": "cpu=2,mem=500M,node=1,billing=2",
    "layout": {"rack001": {"cpu_ids": "0", "memory": 500, "gres": None}},
}

IDLE_NODE: dict[str, Any] = {
    "name": "rack001",
    "cluster": "testbed",
    "state": "IDLE",
    "total_cpus": 16,
    "effective_cpus": 16,
    "allocated_cpus": 0,
    "raw_cpu_load": 7,
    "real_memory": 64000,
    "allocated_memory": 0,
    "raw_free_mem": 1234,
    "raw_gres": "gpu:a100:2(S:0-1)",
    "raw_gres_used": "gpu:a100:0(IDX:N/A)",
    "raw_gres_drain": "N/A",
    "raw_tres_fmt_str": "cpu=16,mem=64000M,billing=16,gres/gpu=2",
    "raw_reason_uid": 0,
    "raw_owner": NO_VAL,
    "current_watts": 0,
    "avg_watts": 0,
    "architecture": "x86_64",
    "operating_system": "Linux 6.1",
    "slurm_version": "26.05.5",
    "address": "127.0.0.1",
    "hostname": "rack001",
    "slurmd_port": 17001,
    "boards": 1,
    "sockets": 2,
    "cores_per_socket": 4,
    "threads_per_core": 2,
    "available_features": ["fast", "ib"],
    "active_features": [],
    "partitions": ["main", "long"],
    "weight": 1,
    "boot_time": 1_699_999_000,
}

PARTITION: dict[str, Any] = {
    "name": "main",
    "cluster": "testbed",
    "state": "UP",
    "allowed_accounts": ["ALL"],
    "denied_accounts": ["ALL"],
    "allowed_qos": ["ALL"],
    "denied_qos": ["ALL"],
    "allowed_groups": ["ALL"],
    "allowed_submit_nodes": ["ALL"],
    "is_default": True,
    "is_hidden": False,
    "allow_root_jobs": False,
    "is_root_only": False,
    "least_loaded_nodes_scheduling": False,
    "is_user_exclusive": False,
    "oversubscribe": "NO",
    "requires_reservation": False,
    "power_down_on_idle": False,
    "default_time": 60,
    "max_time": "UNLIMITED",
    "default_memory_per_node": "UNLIMITED",
    "max_memory_per_node": "UNLIMITED",
    "max_cpus_per_node": "UNLIMITED",
    "max_cpus_per_socket": "UNLIMITED",
    "max_nodes": "UNLIMITED",
    "min_nodes": 1,
    "nodes": "rack[001-008]",
    "nodesets": ["ALL"],
    "total_nodes": 8,
    "total_cpus": 128,
    "priority_tier": 10,
    "priority_job_factor": 1,
    "preempt_mode": "OFF",
    "select_type_parameters": [],
    "raw_tres_fmt_str": "cpu=128,mem=256000M,node=8,billing=128",
    "raw_resume_timeout": NO_VAL16,
    "raw_suspend_time": NO_VAL,
    "raw_suspend_timeout": NO_VAL16,
}


def statistics(**attributes: Any) -> SimpleNamespace:
    """The controller's statistics with a few calls counted."""
    names = (
        *("request_time", "data_since", "server_thread_count", "agent_queue_size", "agent_count"),
        *("agent_thread_count", "dbd_agent_queue_size", "gettimeofday_latency", "jobs_submitted", "jobs_started"),
        *("jobs_completed", "jobs_canceled", "jobs_failed", "jobs_pending", "jobs_running", "schedule_cycle_last"),
        *RAW_STATISTICS,
        *("schedule_cycle_max", "schedule_cycle_sum", "schedule_cycle_counter", "schedule_cycle_mean"),
        *("schedule_cycle_mean_depth", "schedule_cycles_per_minute", "schedule_queue_length", "backfilled_jobs"),
        *("last_backfilled_jobs", "backfilled_het_jobs", "backfill_cycle_counter", "backfill_cycle_sum"),
        *("backfill_cycle_last", "backfill_cycle_max", "backfill_cycle_mean", "backfill_cycle_last_when"),
        *("backfill_last_depth", "backfill_last_depth_try", "backfill_depth_sum", "backfill_depth_try_sum"),
        *("backfill_mean_depth", "backfill_mean_depth_try", "backfill_queue_length", "backfill_queue_length_sum"),
        *("backfill_queue_length_mean", "backfill_table_size", "backfill_table_size_sum", "backfill_table_size_mean"),
    )
    rpc_type = {"id": 2003, "count": 4, "average_time": 50, "time": 200}
    queue = {"queued": 0, "dropped": 0, "cycle_last": 0, "cycle_max": 0}
    exits: dict[str, Any] = {
        "schedule_exit": SimpleNamespace(
            end_of_job_queue=1,
            default_queue_depth=2,
            max_job_start=3,
            blocked_on_licenses=4,
            max_rpc_count=5,
            max_time=6,
        ),
        # The fourth and the sixth of slurmctld's counters are STATE_CHANGED and TIMEOUT; pyslurm swaps them.
        "backfill_exit": SimpleNamespace(
            end_of_job_queue=1, max_job_start=2, max_job_test=3, max_time=4, node_space_size=5, state_changed=6
        ),
    }
    calls: dict[str, Any] = {
        "rpc_queue_enabled": False,
        "backfill_active": True,
        "rpcs_by_type": {"REQUEST_JOB_INFO": SimpleNamespace(**rpc_type, **queue)},
        "rpcs_by_user": {
            "root": SimpleNamespace(user_id=0, user_name="root", count=4, average_time=50, time=200),
            "4242": SimpleNamespace(user_id=4242, user_name=None, count=1, average_time=9, time=9),
        },
        "rpcs_pending": {"REQUEST_PING": SimpleNamespace(id=1008, count=2)},
    }
    return SimpleNamespace(**{**dict.fromkeys(names, 0), **exits, **calls, **attributes})


class Loader:
    """`Jobs`, `Nodes` and `Partitions`: `load()` returns the collection, or raises."""

    def __init__(self, answer: list[Any] | Exception) -> None:
        self.answer = answer
        self.last: Collection | None = None

    def load(self) -> Collection:
        if isinstance(self.answer, Exception):
            raise self.answer
        self.last = Collection(self.answer)
        return self.last


class RawLoader(Loader):
    """`Jobs` with `load_raw()`, as build.sh builds it."""

    last_raw: RawJobs | None = None

    def load_raw(self) -> RawJobs:
        if isinstance(self.answer, Exception):
            raise self.answer
        self.last_raw = RawJobs(self.answer)
        return self.last_raw


CLASSIC_STATISTICS: dict[str, Any] = {
    # The keys of `statistics.get()` in pyslurm 22.5.3, with the values of slurmctld 22.05.8 for two seconds.
    "parts_packed": 1,
    "req_time": 1_795_714_000,
    "req_time_start": 1_795_713_000,
    "server_thread_count": 2,
    "agent_queue_size": 1,
    "schedule_cycle_max": 900,
    "schedule_cycle_last": 100,
    "schedule_cycle_sum": 1001,
    "schedule_cycle_counter": 40,
    "schedule_cycle_depth": 90,
    "schedule_queue_len": 7,
    "jobs_submitted": 26,
    "jobs_started": 20,
    "jobs_completed": 11,
    "jobs_canceled": 2,
    "jobs_failed": 1,
    "jobs_pending": 5,
    "jobs_running": 4,
    "job_states_ts": 1_795_713_999,
    "bf_backfilled_jobs": 3,
    "bf_last_backfilled_jobs": 2,
    "bf_cycle_counter": 4,
    "bf_cycle_sum": 2002,
    "bf_cycle_last": 500,
    "bf_cycle_max": 800,
    "bf_last_depth": 6,
    "bf_last_depth_try": 5,
    "bf_depth_sum": 25,
    "bf_depth_try_sum": 21,
    "bf_queue_len": 8,
    "bf_queue_len_sum": 33,
    "bf_when_last_cycle": 1_795_713_990,
    "bf_active": 0,
    "rpc_type_stats": {"REQUEST_JOB_INFO": {"id": 2003, "count": 4, "ave_time": 50, "total_time": 203}},
    "rpc_user_stats": {"root": {"id": 0, "count": 4, "ave_time": 50, "total_time": 203}},
}


def with_classic_statistics(pyslurm: Any, answer: dict[str, Any] | Exception) -> Any:
    """Replaces `slurmctld.Statistics` by the classic `statistics` of pyslurm up to 22.05."""

    def get() -> dict[str, Any]:
        if isinstance(answer, Exception):
            raise answer
        return answer

    del pyslurm.slurmctld
    pyslurm.statistics = lambda: SimpleNamespace(get=get)
    return pyslurm


def make_pyslurm(
    jobs: list[Any] | Exception | None = None,
    nodes: list[Any] | None = None,
    partitions: list[Any] | None = None,
    controller: Any = None,
    *,
    is_raw: bool = False,
) -> Any:
    """Returns a module with the object API. Every argument has a small default. `is_raw` adds `Jobs.load_raw()`."""
    answer = statistics() if controller is None else controller
    return SimpleNamespace(
        __version__="26.5.0+pyslurm25.11.2",
        slurm_api_version=lambda: (26, 5, 5),
        RPCError=RPCError,
        Job=Job,
        Node=Node,
        Partition=Partition,
        Jobs=(RawLoader if is_raw else Loader)([Job()] if jobs is None else jobs),
        Nodes=Loader([Node()] if nodes is None else nodes),
        Partitions=Loader([Partition()] if partitions is None else partitions),
        slurmctld=SimpleNamespace(
            Statistics=SimpleNamespace(load=lambda: answer, **dict.fromkeys(RAW_STATISTICS)), diag=lambda: answer
        ),
    )

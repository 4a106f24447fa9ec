"""Replaces pyslurm's classic classes, with dictionaries of 17.11, 22.05 and 24.11."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

NO_VAL16, NO_VAL, INFINITE, NO_VAL64 = 65534, 4294967294, 4294967295, 18446744073709551614

JOB_17_11: dict[str, Any] = {
    "account": "physics",
    "alloc_node": "login1",
    "alloc_sid": 812,
    "altered": None,
    "array_job_id": None,
    "array_task_id": None,
    "array_task_str": None,
    "array_max_tasks": None,
    "assoc_id": 3,
    "batch_flag": 1,
    "batch_host": "rack001",
    "billable_tres": float(NO_VAL),
    "boards_per_node": NO_VAL16,
    "contiguous": False,
    "core_spec": NO_VAL16,
    "cores_per_socket": NO_VAL16,
    "cpu_freq_gov": NO_VAL,
    "cpu_freq_max": NO_VAL,
    "cpu_freq_min": None,
    "cpus_per_task": 1,
    "cpus_allocated": {"rack001": 3, "rack002": 1},
    "cpus_alloc_layout": {"rack001": [0, 1, 2], "rack002": [0]},
    "derived_ec": "0:0",
    "eligible_time": 1_500_000_000,
    "end_time": 1_500_003_600,
    "exc_nodes": ["n[1", "3]", "x"],
    "exit_code": "0:0",
    "features": [],
    "gres": ["gpu:1"],
    "group_id": 1001,
    "job_id": 12,
    "job_state": "RUNNING",
    "licenses": {"matlab": "2", "ansys": 1},
    "max_nodes": 0,
    "mem_per_cpu": True,
    "min_memory_cpu": 100,
    "mem_per_node": False,
    "min_memory_node": None,
    "pn_min_memory": 100,
    "name": "wrap",
    "nodes": "rack[001-002]",
    "nice": 0,
    "ntasks_per_core": None,
    "ntasks_per_core_str": "UNLIMITED",
    "ntasks_per_socket": None,
    "ntasks_per_socket_str": "UNLIMITED",
    "ntasks_per_node": 0,
    "ntasks_per_board": 0,
    "num_cpus": 4,
    "num_nodes": 2,
    "pack_job_id": 12,
    "pack_job_offset": 0,
    "pack_job_id_set": "12-13",
    "partition": "main",
    "preempt_time": None,
    "priority": 4294901750,
    "profile": INFINITE,
    "qos": "normal",
    "reboot": 0,
    "req_nodes": [],
    "requeue": True,
    "restart_cnt": 0,
    "run_time": 90061,
    "run_time_str": "1-01:01:01",
    "shared": "OK",
    "start_time": 1_500_000_000,
    "state_reason": "None",
    "std_out": "/home/ada/slurm-12.out",
    "submit_time": 1_500_000_000,
    "time_limit": "UNLIMITED",
    "time_limit_str": "UNLIMITED",
    "tres_alloc_str": "cpu=4,mem=400M,node=2",
    "tres_req_str": "cpu=4,mem=400M,node=2",
    "user_id": 1001,
    "work_dir": "/home/ada",
}

JOB_22_05: dict[str, Any] = {
    **{
        key: value for key, value in JOB_17_11.items() if not key.startswith("pack_") and key not in ("altered", "gres")
    },
    "accrue_time": "2023-11-14T22:13:20",
    "cpus_per_task": "N/A",
    "het_job_id": None,
    "het_job_offset": None,
    "het_job_id_set": None,
    "job_id": 13,
    "job_state": "PENDING",
    "last_sched_eval": "2023-11-14T22:14:20",
    "min_memory_cpu": None,
    "mem_per_cpu": False,
    "mem_per_node": True,
    "min_memory_node": 2000,
    "nodes": None,
    "cpus_allocated": {},
    "cpus_alloc_layout": {},
    "preempt_eligible_time": "None",
    "preempt_time": "None",
    "run_time": 0,
    "run_time_str": "00:00:00",
    "start_time": 0,
    "state_reason": "Nodes required for job are DOWN",
    "time_limit": "Partition_Limit",
    "tres_per_node": "gres:gpu:2",
}

JOB_24_11: dict[str, Any] = {
    **JOB_22_05,
    "job_id": 14,
    "job_state": "RUNNING",
    "state_reason": "None",
    "nodes": "rack[001-003]",
    "num_cpus": 8,
    "num_nodes": 3,
    "cpus_allocated": 0,
    "cpus_alloc_layout": [],
    "run_time": 60,
    "time_limit": 90,
    "tres_per_node": "gres/gpu:2",
}

NODE: dict[str, Any] = {
    "alloc_cpus": 4,
    "alloc_mem": 400,
    "arch": "x86_64",
    "boards": 1,
    "boot_time": 1_499_999_000,
    "cores": 4,
    "core_spec_cnt": 0,
    "cpu_load": NO_VAL,
    "cpu_spec_list": [],
    "cpus": 16,
    "energy": {"current_watts": 0, "ave_watts": 0, "previous_consumed_energy": 0},
    "err_cpus": 0,
    "extra": None,
    "features": "fast,ib",
    "features_active": [],
    "free_mem": None,
    "gres": ["gpu:a100:2"],
    "gres_drain": [],
    "gres_used": None,
    "mem_spec_limit": 0,
    "name": "rack001",
    "node_addr": "rack001",
    "node_hostname": "rack001",
    "os": "Linux",
    "owner": None,
    "partitions": ["main"],
    "power_mgmt": {"cap_watts": NO_VAL},
    "real_memory": 64000,
    "reason": "bad fan",
    "reason_time": 1_500_000_000,
    "reason_uid": 0,
    "slurmd_start_time": 1_499_999_100,
    "sockets": 2,
    "state": "DOWN*",
    "threads": 2,
    "tmp_disk": 0,
    "tres_fmt_str": "cpu=16,mem=64000M",
    "version": "17.11",
    "weight": 1,
}

PARTITION: dict[str, Any] = {
    "allow_accounts": "ALL",
    "deny_accounts": None,
    "allow_qos": None,
    "deny_qos": ["normal"],
    "allow_groups": "ALL",
    "allow_alloc_nodes": "ALL",
    "alternate": None,
    "billing_weights_str": None,
    "cr_type": 20,
    "def_mem_per_cpu": None,
    "def_mem_per_node": "UNLIMITED",
    "max_mem_per_cpu": 4000,
    "max_mem_per_node": None,
    "default_time": "NONE",
    "max_time": 172800,
    "flags": {
        "Default": 1,
        "Hidden": 0,
        "DisableRootJobs": 1,
        "RootOnly": 0,
        "LLN": 0,
        "ExclusiveUser": 0,
        "Shared": "FORCED:4",
    },
    "grace_time": 0,
    "max_cpus_per_node": "UNLIMITED",
    "max_nodes": "UNLIMITED",
    "max_share": 32772,
    "min_nodes": 1,
    "name": "main",
    "nodes": "rack[001-008]",
    "over_time_limit": "NONE",
    "preempt_mode": "OFF",
    "priority_job_factor": 1,
    "priority_tier": 10,
    "qos_char": None,
    "state": "",
    "total_cpus": 128,
    "total_nodes": 8,
}

STATISTICS: dict[str, Any] = {
    "parts_packed": 1,
    "req_time": 1_500_000_600,
    "req_time_start": 1_500_000_000,
    "server_thread_count": 3,
    "schedule_cycle_counter": 20,
    "schedule_cycle_sum": 2000,
    "schedule_cycle_depth": 50,
    "bf_cycle_counter": 4,
    "bf_cycle_sum": 400,
    "bf_active": 0,
    "rpc_type_stats": {"REQUEST_JOB_INFO": {"id": 2003, "count": 4, "ave_time": 50, "total_time": 200}},
    "rpc_user_stats": {"root": {"id": 0, "count": 4, "ave_time": 50, "total_time": 200}},
}


class Classic:
    """`pyslurm.job` and the like: `get()` gives the dictionary, or raises."""

    def __init__(self, answer: dict[Any, Any] | Exception) -> None:
        self.answer = answer

    def __call__(self) -> Classic:
        return self

    def get(self) -> dict[Any, Any]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def make_pyslurm(
    jobs: list[dict[str, Any]] | Exception | None = None,
    nodes: dict[str, Any] | None = None,
    partitions: dict[str, Any] | Exception | None = None,
    controller: dict[str, Any] | None = None,
) -> Any:
    """Returns a module with the classic API. Every argument has a small default."""
    given = [JOB_17_11, JOB_22_05, JOB_24_11] if jobs is None else jobs
    return SimpleNamespace(
        __version__="24.11.0",
        job=Classic(given if isinstance(given, Exception) else {job["job_id"]: job for job in given}),
        node=Classic({"rack001": NODE} if nodes is None else nodes),
        partition=Classic({"main": PARTITION} if partitions is None else partitions),
        statistics=Classic(STATISTICS if controller is None else controller),
    )

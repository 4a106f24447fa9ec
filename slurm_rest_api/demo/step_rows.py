"""Rows of slurmdbd's step table for the simulated cluster: the batch step of each job, and one that its script ran."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from slurm_rest_api.slurm.hostlist import nth
from slurm_rest_api.slurm.sentinels import NO_VAL
from slurm_rest_api.slurm.states import JOBS

Row = dict[str, Any]

GPU_MEMORY: Final = 1002
GPU_UTILISATION: Final = 1003
"""Numbers of the TRES `gres/gpumem` and `gres/gpuutil`."""

_CPU, _MEMORY, _NODE, _DISK, _GPU = 1, 2, 4, 6, 1001
_BATCH: Final = -5
_BATCH_MEMORY: Final = 8 << 20
_RUNNING: Final = JOBS["RUNNING"].number
_PENDING: Final = JOBS["PENDING"].number

# Columns that are the same in every step.
_UNSET: Final[Row] = {
    "deleted": 0, "step_het_comp": NO_VAL, "kill_requid": None, "time_suspended": 0, "timelimit": 0,
    "user_usec": 0, "sys_usec": 0, "consumed_energy": 0, "container": None,
}  # fmt: skip
_NOTHING: Final[Row] = {
    "user_sec": 0, "sys_sec": 0, "tres_usage_in_max": "", "tres_usage_in_max_taskid": "",
    "tres_usage_in_max_nodeid": "", "tres_usage_in_tot": "", "tres_usage_out_tot": "",
}  # fmt: skip


def step_rows(jobs: Iterable[Row]) -> list[Row]:
    """Returns the steps of those of these job records that have started.

    What a job used is recorded when it has ended: 50 to 98 % of its CPUs, 20 to 99 % of its memory, and up to 99 % of
    its GPUs.
    """
    return [step for job in jobs if job["time_start"] and job["state"] != _PENDING for step in _steps(job)]


def _steps(job: Row) -> Iterator[Row]:
    used = _cpu_seconds(job)
    has_ended = used > 0
    common = {
        **_UNSET, "job_db_inx": job["job_db_inx"], "time_start": job["time_start"], "time_end": job["time_end"],
        "state": job["state"] if has_ended else _RUNNING, "exit_code": job["exit_code"], "cwd": job["work_dir"],
        "std_in": "", "std_out": "", "std_err": "",
    }  # fmt: skip
    tres = {int(number): int(count) for number, count in (part.split("=") for part in job["tres_alloc"].split(","))}
    in_batch = {
        "user_sec": 1, "sys_sec": 0,
        "tres_usage_in_max": f"{_MEMORY}={_BATCH_MEMORY}", "tres_usage_in_max_taskid": f"{_MEMORY}=0",
        "tres_usage_in_max_nodeid": f"{_MEMORY}=0", "tres_usage_in_tot": f"{_MEMORY}={_BATCH_MEMORY},{_DISK}=65536",
        "tres_usage_out_tot": f"{_DISK}=4096",
    }  # fmt: skip
    cpus, memory = (tres[number] // (job["nodes_alloc"] or 1) for number in (_CPU, _MEMORY))
    yield {
        **common, "id_step": _BATCH, "step_name": "batch", "nodelist": nth(job["nodelist"], 0), "nodes_alloc": 1,
        "task_cnt": 1,
        "tres_alloc": f"{_CPU}={cpus},{_MEMORY}={memory},{_NODE}=1", "submit_line": job["submit_line"],
        **(in_batch if has_ended else _NOTHING),
    }  # fmt: skip
    program = f"./{job['job_name']}"
    yield {
        **common, "id_step": 0, "step_name": job["job_name"], "nodelist": job["nodelist"],
        "nodes_alloc": job["nodes_alloc"], "task_cnt": job["nodes_alloc"], "tres_alloc": job["tres_alloc"],
        "submit_line": f"srun {program}", **(_used(job, used, tres) if has_ended else _NOTHING),
    }  # fmt: skip


def _used(job: Row, seconds: int, tres: dict[int, int]) -> Row:
    """Returns what the step used: CPU time, memory of its tasks in bytes, and with GPUs their memory and percents."""
    name, tasks = sum(job["job_name"].encode()), job["nodes_alloc"]
    memory = tres[_MEMORY] * (20 + name % 80) // 100 << 20
    gpus = tres.get(_GPU, 0)
    gpu = f",{GPU_MEMORY}={gpus * (4 + name % 32) << 30},{GPU_UTILISATION}={gpus * (name % 100)}" if gpus else ""
    disk = (name % 50) << 30
    task = job["job_db_inx"] % tasks
    return {
        "user_sec": 9 * seconds // 10, "sys_sec": seconds - 9 * seconds // 10,
        "tres_usage_in_max": f"{_MEMORY}={memory // tasks}", "tres_usage_in_max_taskid": f"{_MEMORY}={task}",
        "tres_usage_in_max_nodeid": f"{_MEMORY}={task}", "tres_usage_in_tot": f"{_MEMORY}={memory},{_DISK}={disk}{gpu}",
        "tres_usage_out_tot": f"{_DISK}={disk // 4}",
    }  # fmt: skip


def _cpu_seconds(job: Row) -> int:
    # Jobs with the same name use the same share of their CPUs.
    percent: int = 50 + sum(job["job_name"].encode()) % 49
    seconds: int = (job["time_end"] - job["time_start"]) * job["cpus_req"]
    return seconds * percent // 100

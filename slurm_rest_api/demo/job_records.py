"""Published job records of the simulated cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from slurm_rest_api.demo.hardware import CLUSTER, gres, node_list
from slurm_rest_api.demo.jobs import Array, Job, tres_text
from slurm_rest_api.demo.priorities import EVALUATION_SECONDS, priority_of
from slurm_rest_api.demo.reservation_records import license_of
from slurm_rest_api.demo.schedule import Schedule
from slurm_rest_api.slurmapi.contract.job import JobRecord
from slurm_rest_api.slurmapi.sources.base import Record
from slurm_rest_api.slurmapi.sources.formats import TimeTexts, duration_text

LOGIN_NODE: Final = "login1"
_FAILED: Final = {
    "FAILED": "NonZeroExitCode",
    "TIMEOUT": "TimeLimit",
    "NODE_FAIL": "NodeDown",
    "OUT_OF_MEMORY": "OutOfMemory",
}

_CONDITIONS: Final = {"Dependency": "unfulfilled", "DependencyNeverSatisfied": "failed"}
# Fields that a simulated job does not set, with the values of pyslurm's object API.
_DEFAULTS: Final[Mapping[str, Any]] = {
    "cluster": CLUSTER, "wckey": None, "resv_name": None, "mcs_label": None, "alloc_node": LOGIN_NODE, "alloc_sid": 0,
    "is_cronjob": False, "cronjob_time": None, "container": None, "container_id": None, "array_job_id": None,
    "array_task_id": None, "array_task_str": None, "array_max_tasks": None, "array_task_throttle": None,
    "het_job_id": None, "het_job_offset": None, "het_job_id_set": None, "pack_job_id": None, "pack_job_offset": None,
    "pack_job_id_set": None, "fed_origin": None, "fed_viable_siblings": None, "fed_active_siblings": None,
    "max_nodes": 0, "cpus_per_tres": None, "pn_min_cpus": 0, "boards_per_node": 0, "sockets_per_board": 0,
    "sockets_per_node": None, "cores_per_socket": None, "threads_per_core": None, "ntasks_per_core": None,
    "ntasks_per_core_str": "UNLIMITED", "ntasks_per_socket": None, "ntasks_per_socket_str": "UNLIMITED",
    "ntasks_per_node": 0, "ntasks_per_board": 0, "ntasks_per_gpu": None, "core_spec": None, "contiguous": False,
    "shared": "OK", "features": [], "preferred_features": [], "batch_features": None, "cluster_features": None,
    "req_nodes": [], "exc_nodes": [], "req_switch": 0, "wait4switch": 0, "spread_job": None, "segment_size": None,
    "spread_segments": False, "consolidate_segments": False, "mem_per_cpu": False, "min_memory_cpu": None,
    "mem_per_node": True, "mem_per_tres": None, "pn_min_tmp_disk": 0, "gres": [], "gres_enforce_bind": None,
    "gres_tasks_per_sharing": None, "tres_per_job": None, "tres_per_node": None, "tres_per_socket": None,
    "tres_per_task": None, "tres_bind": None, "tres_freq": None, "licenses": {}, "profile": 0, "profile_types": [],
    "burst_buffer": None, "burst_buffer_state": None, "network": None, "cpu_freq_gov": None, "cpu_freq_min": None,
    "cpu_freq_max": None, "nice": 0, "requeue": True, "reboot": 0, "batch_flag": 1, "exit_code": "0:0",
    "derived_ec": "0:0", "failed_node": None, "dependency": None, "kill_on_invalid_dependent": None,
    "suspend_time": 0, "resize_time": 0, "preempt_time": None, "preempt_eligible_time": None, "deadline": None,
    "pre_sus_time": 0, "time_min": 0, "delay_boot_time": None, "sched_nodes": None, "licenses_allocated": {},
    "billable_tres": None, "reserved_ports": None, "kill_step_when_oom": False, "comment": None,
    "admin_comment": None, "system_comment": None, "extra": None, "selinux_context": None, "nodes": None,
    "batch_host": None, "cpus_allocated": {}, "mem_allocated": {}, "cpus_alloc_layout": {}, "gres_allocated": {},
    "tres_alloc_str": None,
}  # fmt: skip
# In the order of the contract, so that a record begins with the job's id and name.
_UNSET: Final[Record] = {name: _DEFAULTS.get(name) for name in JobRecord.model_fields}


class JobRecords:
    """Creates the records of the moment of `schedule`. `next_task` maps an array id to its first pending task."""

    def __init__(self, schedule: Schedule, next_task: Mapping[int, int]) -> None:
        self._schedule = schedule
        self._now = schedule.now
        self._next_task = next_task
        self._times = TimeTexts()

    def pending(self, job: Job) -> Record:
        """Returns the record of a pending job, or of the pending tasks of an array."""
        reason, eligible = self._schedule.reason(job), self._schedule.eligible_time(job)
        # slurmctld shows the begin time of a job that may only start later as its start (_pack_job() of job_mgr.c).
        start = eligible if eligible > self._now else self._schedule.starts.get(job.id, 0)
        record = {
            **self._common(job),
            "job_state": "PENDING",
            "state_reason": reason,
            "start_time": start,
            "end_time": 0,
            "eligible_time": eligible,
            "accrue_time": self._times[eligible if eligible <= self._now else 0],
            "dependency": f"afterok:{job.depends_on}({_CONDITIONS[reason]})" if reason in _CONDITIONS else None,
            **_course(0, 0, None),
        }
        if job.array is not None:
            record["array_task_str"] = pending_tasks(job.array, self._next_task)
            record["array_task_id"] = None
            record["array_max_tasks"] = record["array_task_throttle"] = job.array.at_once
        return record

    def running(self, job: Job) -> Record:
        """Returns the record of a running job."""
        seconds = self._now - job.start
        return {
            **self._common(job),
            **_holdings(job),
            "job_state": "RUNNING",
            "state_reason": "None",
            "start_time": job.start,
            "end_time": job.start + job.limit_minutes * 60,
            **_course(seconds, seconds * _cpus(job), job.limit_minutes * 60 - seconds),
        }

    def ended(self, job: Job) -> Record:
        """Returns the record of a job that ended less than MinJobAge ago."""
        seconds = job.end - job.start if job.start else 0
        nodes = node_list(job.share.nodes)
        return {
            **self._common(job),
            "job_state": job.outcome,
            "state_reason": _FAILED.get(job.outcome, "None"),
            "start_time": job.start or job.end,
            "end_time": job.end,
            "exit_code": f"{job.exit_code}:{job.signal}",
            "failed_node": job.failed_node,
            "nodes": nodes,
            "batch_host": job.share.nodes[0].name if job.share.nodes else None,
            "tres_alloc_str": tres_text(job.share) if job.start else None,
            **_course(seconds, seconds * _cpus(job), None),
        }

    def _evaluated(self, job: Job) -> int:
        evaluated = max(self._now // EVALUATION_SECONDS * EVALUATION_SECONDS, job.submit)
        return min(evaluated, job.start) if job.start else evaluated

    def _common(self, job: Job) -> Record:
        share, user = job.share, job.user
        text = duration_text(job.limit_minutes * 60)
        output = f"/home/{user.name}/jobs/slurm-{_output_id(job)}.out"
        return {
            **_UNSET,
            **_array_or_het(job),
            "job_id": job.id,
            "name": job.name,
            "user_id": user.uid,
            "user_name": user.name,
            "group_id": user.uid,
            "group_name": user.name,
            "account": user.account,
            "assoc_id": user.association,
            "partition": job.partition,
            "qos": job.qos,
            "num_cpus": _cpus(job),
            "num_nodes": len(share.nodes) or 1,
            "num_tasks": len(share.nodes) or 1,
            "cpus_per_task": share.cpus,
            "memory": share.memory * (len(share.nodes) or 1),
            "min_memory_node": share.memory,
            "pn_min_memory": share.memory,
            "gres": [f"gpu:{share.gpus}"] if share.gpus else [],
            "tres_per_node": f"gres/gpu:{share.gpus}" if share.gpus else None,
            "tres_req_str": tres_text(share),
            "priority": priority_of(job, self._now),
            "nice": job.nice,
            "restart_cnt": job.attempt,
            "submit_time": job.submit,
            "eligible_time": job.eligible,
            "accrue_time": self._times[job.eligible if job.eligible <= self._now else 0],
            "last_sched_eval": self._times[self._evaluated(job)],
            "time_limit": job.limit_minutes,
            "time_limit_str": text,
            "licenses": license_of(job.name),
            "command": f"/home/{user.name}/jobs/{job.name}.sh",
            "work_dir": f"/home/{user.name}/jobs",
            "std_in": "/dev/null",
            "std_out": output,
            "std_err": output,
        }


def _output_id(job: Job) -> str:
    """Returns the id in the name of the file that sbatch(1) writes without `--output`: %A_%a of an array task."""
    return str(job.id) if job.array is None else f"{job.array.id}_{job.task}"


def pending_tasks(array: Array, next_task: Mapping[int, int]) -> str:
    """Returns the field `array_task_str` of the pending tasks of an array."""
    first, last = next_task[array.id], array.last
    return f"{first}-{last}%{array.at_once}" if first < last else str(last)


def _array_or_het(job: Job) -> Record:
    """Returns the fields of an array task or of a component of a heterogeneous job."""
    if job.array is not None:
        return {"array_job_id": job.array.id, "array_task_id": job.task}
    if job.het_id:
        return {
            "het_job_id": job.het_id, "pack_job_id": job.het_id, "het_job_offset": job.het_offset,
            "pack_job_offset": job.het_offset,
            "het_job_id_set": f"{job.het_id}-{job.het_id + 1}", "pack_job_id_set": f"{job.het_id}-{job.het_id + 1}",
        }  # fmt: skip
    return {}


def _course(seconds: int, cpu_seconds: int, remaining: int | None) -> Record:
    return {
        "run_time": seconds,
        "run_time_str": duration_text(seconds),
        "run_time_remaining": remaining,
        "elapsed_cpu_time": cpu_seconds,
    }


def _holdings(job: Job) -> Record:
    share = job.share
    names, kind = [node.name for node in share.nodes], share.nodes[0].kind
    cpu_ids = list(range(share.first_cpu, share.first_cpu + share.cpus))
    return {
        "nodes": node_list(share.nodes),
        "batch_host": names[0],
        "cpus_allocated": dict.fromkeys(names, share.cpus),
        "mem_allocated": dict.fromkeys(names, share.memory),
        "cpus_alloc_layout": dict.fromkeys(names, cpu_ids),
        "gres_allocated": dict.fromkeys(names, {f"gpu:{kind.gpu_type}": share.gpus} if share.gpus else {}),
        "gres": gres(kind, share.gpus),
        "licenses_allocated": license_of(job.name),
        "tres_alloc_str": tres_text(share),
        "billable_tres": float(_cpus(job)),
    }


def _cpus(job: Job) -> int:
    return job.share.cpus * (len(job.share.nodes) or 1)

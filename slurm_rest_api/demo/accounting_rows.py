"""Rows of slurmdbd's tables for the simulated cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from slurm_rest_api.demo.fair_share import ACCOUNT_SHARES, USER_SHARES
from slurm_rest_api.demo.hardware import node_list
from slurm_rest_api.demo.jobs import Job
from slurm_rest_api.demo.layouts import Outage
from slurm_rest_api.demo.priorities import priority_of
from slurm_rest_api.demo.step_rows import GPU_MEMORY, GPU_UTILISATION
from slurm_rest_api.demo.timeline import Moment
from slurm_rest_api.demo.workload import (
    ACCOUNTS,
    FEW_CPUS,
    INTERACTIVE_CPUS,
    QOS,
    USERS,
    WITH_FEW_CPUS,
    WITHOUT_JOBS,
    record_key,
)
from slurm_rest_api.slurm.node_state_numbers import FLAGS as NODE_FLAG_BITS
from slurm_rest_api.slurm.reasons import reason_name
from slurm_rest_api.slurm.sentinels import NO_VAL
from slurm_rest_api.slurm.states import JOBS

Row = dict[str, Any]

_PENDING: Final = JOBS["PENDING"].number
_RUNNING: Final = JOBS["RUNNING"].number
_STATES: Final = {
    name: JOBS[name].number
    for name in ("COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "OUT_OF_MEMORY", "NODE_FAIL", "REQUEUED")
}
_REASONS: Final = {name: number for number in range(1, 200) if (name := reason_name(number))}
_NO_NODES: Final = "None assigned"
_TRES: Final = {
    1: ("cpu", ""),
    2: ("mem", ""),
    3: ("energy", ""),
    4: ("node", ""),
    5: ("billing", ""),
    6: ("fs", "disk"),
    1001: ("gres", "gpu"),
    GPU_MEMORY: ("gres", "gpumem"),
    GPU_UTILISATION: ("gres", "gpuutil"),
}
_ROOT_ID, _FIRST_ACCOUNT_ID = 1, 10
_ALL_QOS: Final = ("," + ",".join(str(number) for number in range(1, len(QOS) + 1)) + ",").encode()

_QOS: Final[Row] = {
    "deleted": 0, "description": None, "flags": 0, "grace_time": 0, "priority": 0, "preempt": "", "preempt_mode": 0,
    "preempt_exempt_time": None, "usage_factor": 1.0, "usage_thres": None, "limit_factor": None,
    "min_prio_thresh": None, "max_jobs_per_user": None, "max_jobs_pa": None, "max_jobs_accrue_pu": None,
    "max_jobs_accrue_pa": None, "max_submit_jobs_per_user": None, "max_submit_jobs_pa": None, "max_tres_pj": "",
    "max_tres_pn": "", "max_tres_pu": "", "max_tres_pa": "", "max_tres_mins_pj": "", "max_tres_run_mins_pu": "",
    "max_tres_run_mins_pa": "", "min_tres_pj": "", "max_wall_duration_per_job": None, "grp_jobs": None,
    "grp_jobs_accrue": None, "grp_submit_jobs": None, "grp_tres": "", "grp_tres_mins": "", "grp_tres_run_mins": "",
    "grp_wall": None,
}  # fmt: skip
_LIMITS_OF_USERS: Final[dict[str, Row]] = {
    WITHOUT_JOBS: {"max_jobs": 0},
    WITH_FEW_CPUS: {"grp_tres": f"1={FEW_CPUS}"},
}
_DENY_ON_LIMIT, _NO_RESERVE = 1 << 6, 1 << 4
_REQUEUE: Final = 2
_QOS_CHANGES: Final[dict[str, Row]] = {
    "normal": {"description": "Normal QOS default", "priority": 50},
    "high": {
        "description": "Urgent work, at a price", "priority": 100, "flags": _DENY_ON_LIMIT, "preempt": ",3,",
        "usage_factor": 2.0, "max_wall_duration_per_job": 5760, "max_submit_jobs_per_user": 5000,
        "grp_tres": "1=50000,1001=2000",
    },
    "low": {
        "description": "Fills gaps, may be requeued", "flags": _NO_RESERVE, "preempt_mode": _REQUEUE,
        "preempt_exempt_time": 900, "grace_time": 60, "usage_factor": 0.25,
    },
    "interactive": {
        "description": "One job at a time", "priority": 50, "max_jobs_per_user": 1,
        "max_tres_pu": f"1={INTERACTIVE_CPUS}",
    },
}  # fmt: skip

# Columns that are the same in every record.
_UNSET: Final[Row] = {
    "time_suspended": 0, "derived_ec": 0, "derived_es": None, "kill_requid": None, "id_array_job": 0,
    "id_array_task": NO_VAL, "array_task_str": None, "array_max_tasks": 0, "wckey": "", "het_job_id": 0,
    "het_job_offset": NO_VAL, "admin_comment": None, "system_comment": None, "constraints": "", "container": None,
    "failed_node": None, "licenses": None, "id_resv": 0, "resv_req": None,
}  # fmt: skip


def rows_of(moment: Moment) -> Iterator[Row]:
    """Yields the records of all jobs that have not ended at a moment."""
    yield from (job_row(job, moment.now) for job in moment.running)
    yield from (job_row(job, moment.now) for job in moment.pending if job.array is None)
    yield from waiting_array_rows(moment)


def waiting_array_rows(moment: Moment) -> Iterator[Row]:
    """Yields for each array the record of its pending tasks."""
    for job in moment.pending:
        if job.array is not None:
            tasks = (1 << job.array.last + 1) - (1 << moment.next_task[job.array.id])
            yield {
                **job_row(job, moment.now),
                "id_array_task": NO_VAL,
                "array_task_str": hex(tasks),
                "array_max_tasks": job.array.at_once,
            }


def has_record(job: Job, now: int) -> bool:
    """Returns True if slurmdbd has a record for the job. Pending array tasks share the record of their array."""
    started = job.start <= now and bool(job.start)
    return job.array is None or started or (job.array.never_starts and job.end <= now)


def job_row(job: Job, now: int) -> Row:
    """Returns the record of a job at epoch second `now`."""
    phase, share = job.phase(now), job.share
    started = phase != "pending" and bool(job.start)
    ended = phase == "ended"
    # Until it is released, or the job that it depends on has ended.
    waits = phase == "pending" and (job.held or bool(job.depends_on and now < job.eligible))
    # The record of the array becomes that of the task that starts last.
    is_late = job.array is not None and job.task != job.array.last
    return {
        **_UNSET,
        **_place(job),
        "job_db_inx": record_key(job.start if is_late else job.submit, job.id, job.attempt),
        "id_job": job.id,
        "id_user": job.user.uid,
        "id_group": job.user.uid,
        "id_assoc": job.user.association,
        "job_name": job.name,
        "account": job.user.account,
        "partition": job.partition,
        "id_qos": QOS.index(job.qos) + 1,
        "cpus_req": share.cpus * (len(share.nodes) or 1),
        "mem_req": share.memory,
        "nodelist": node_list(share.nodes) if started else _NO_NODES,
        "nodes_alloc": len(share.nodes) if started else 0,
        "timelimit": job.limit_minutes,
        "time_submit": job.submit,
        "time_eligible": 0 if waits else job.eligible,
        "time_start": job.start if started else 0,
        "time_end": job.end if ended else 0,
        "priority": priority_of(job, now),
        "mod_time": job.end if ended else job.start if started else job.submit,
        "state": _STATES[job.outcome] if ended else _RUNNING if started else _PENDING,
        "exit_code": job.exit_code << 8 | job.signal if ended else 0,
        "kill_requid": job.user.uid if ended and job.outcome == "CANCELLED" else None,
        "tres_req": _tres(job),
        "tres_alloc": _tres(job) if started else "",
        "work_dir": f"/home/{job.user.name}/jobs",
        "submit_line": _submit_line(job),
        "std_in": "/dev/null",
        "std_out": f"/home/{job.user.name}/jobs/slurm-{'%j' if job.array is None else '%A_%a'}.out",
        "std_err": "",
        "state_reason_prev": _REASONS.get(job.reason, 0),
        "failed_node": job.failed_node if ended else None,
        "restart_cnt": job.attempt,
    }


def _submit_line(job: Job) -> str:
    array = f" --array=0-{job.array.last}" if job.array is not None else ""
    return (
        f"sbatch --partition={job.partition} --account={job.user.account} --qos={job.qos} --time={job.limit_minutes}"
        f"{array} {job.name}.sh"
    )


def _place(job: Job) -> Row:
    if job.array is not None:
        return {"id_array_job": job.array.id, "id_array_task": job.task}
    return {"het_job_id": job.het_id, "het_job_offset": job.het_offset} if job.het_id else {}


def _tres(job: Job) -> str:
    share, nodes = job.share, len(job.share.nodes) or 1
    cpus = share.cpus * nodes
    gpus = f",1001={share.gpus * nodes}" if share.gpus else ""
    return f"1={cpus},2={share.memory * nodes},4={nodes},5={cpus}{gpus}"


def qos_rows() -> list[Row]:
    """Returns the rows of qos_table."""
    return [{**_QOS, "id": number, "name": name, **_QOS_CHANGES[name]} for number, name in enumerate(QOS, 1)]


def event_rows(outages: Iterable[Outage], now: int) -> list[Row]:
    """Returns the event of each outage at epoch second `now`. Its end is 0 while it goes on."""
    return [
        {
            "time_start": outage.since, "time_end": outage.until if outage.until <= now else 0,
            "node_name": outage.node.name, "cluster_nodes": "", "reason": outage.reason, "reason_uid": 0,
            "state": (1 if outage.down else 2) | sum(NODE_FLAG_BITS[flag] for flag in outage.flags),
            "tres": f"1={outage.node.kind.cpus},2={outage.node.kind.memory}",
        }
        for outage in outages
    ]  # fmt: skip


def cluster_event_row() -> Row:
    """Returns the event of the cluster's registration."""
    return {
        "time_start": 1_790_000_000, "time_end": 0, "node_name": "", "cluster_nodes": "", "state": 0, "tres": "",
        "reason": "Cluster Registered TRES", "reason_uid": NO_VAL,
    }  # fmt: skip


def account_rows() -> list[Row]:
    """Returns the rows of acct_table."""
    return [
        {"name": "root", "description": "default root account", "organization": "root"},
        *(
            {
                "name": name,
                "description": f"{name} group",
                "organization": "teaching" if name == "learning" else "science",
            }
            for name in ACCOUNTS
        ),
    ]


def coordinator_rows() -> list[Row]:
    """Returns the rows of acct_coord_table: the first user of each account coordinates it."""
    return [{"acct": account, "user": users[0], "deleted": 0} for account, users in ACCOUNTS.items()]


def tres_rows() -> list[Row]:
    """Returns the rows of tres_table."""
    return [{"id": number, "type": kind, "name": name} for number, (kind, name) in _TRES.items()]


def association_rows() -> list[Row]:
    """Returns the rows of the association table: root, the accounts below it, and each user in one of them."""
    rows = [_association(_ROOT_ID, acct="root", qos=_ALL_QOS, def_qos_id=1)]
    for number, account in enumerate(ACCOUNTS):
        rows.append(
            _association(
                _FIRST_ACCOUNT_ID + number,
                acct=account,
                parent_acct="root",
                max_wall_pj=5760,
                shares=ACCOUNT_SHARES,
                grp_tres="1=100000",
            )
        )
    for user in USERS:
        limits = _LIMITS_OF_USERS.get(user.name, {})
        rows.append(
            _association(user.association, user=user.name, acct=user.account, is_def=1, max_submit_jobs=5000, **limits)
        )
    return rows


def _association(number: int, **values: Any) -> Row:
    return {
        "id_assoc": number, "user": "", "acct": "", "partition": "", "deleted": 0, "is_def": 0, "parent_acct": "",
        "shares": USER_SHARES, "def_qos_id": None, "qos": b"", "delta_qos": b"", "max_jobs": None,
        "max_submit_jobs": None,
        "max_tres_pj": "", "max_tres_pn": "", "max_tres_mins_pj": "", "max_tres_run_mins": "", "max_wall_pj": None,
        "grp_jobs": None, "grp_submit_jobs": None, "grp_tres": "", "grp_tres_mins": "", "grp_tres_run_mins": "",
        "grp_wall": None, "max_jobs_accrue": None, "min_prio_thresh": None, "grp_jobs_accrue": None, "priority": None,
        "comment": None, **values,
    }  # fmt: skip

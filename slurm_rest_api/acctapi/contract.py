"""Published fields of /users and /history, as OpenAPI describes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from slurm_rest_api.acctapi.sums_contract import HistorySumRecord
from slurm_rest_api.contract_base import Count, LargeCount, PublishedChoice, PublishedModel, PublishedRecord

Tres = Annotated[dict[str, LargeCount], Field(examples=[{"cpu": 4, "mem": 2000, "node": 1, "gres/gpu": 1}])]
"""Counts by TRES name. Memory is in MiB, energy in joules."""

Time = Annotated[
    str | Count | None,
    Field(examples=["Mon Nov 23 20:17:47 2026", "2026-11-23T20:17:47+01:00", 1795461467]),
]
"""A time in the format of the parameter `times`."""

_INHERITED = "Inherited from the account unless the association has its own."


class AssociationRecord(PublishedRecord):
    """One association of a user with an account, optionally for one partition. A limit is null if there is none."""

    id_assoc: Count = Field(description="Id of the association.")
    user: str = Field(description="Login name.")
    acct: str = Field(description="Account.")
    partition: str | None = Field(description="The only partition that it applies to. Null: all partitions.")
    default_account: str | None = Field(description="Default account of this user.")
    is_default: bool = Field(description="True if it belongs to the user's default account.")
    parent_account: str | None = Field(description="Parent of the account. Null for root.")
    shares: Count | Literal["parent"] = Field(description='Raw fair-share. "parent": that of the account is used.')
    qos: list[str] = Field(description=f"Names of the QOS that may be used. {_INHERITED}")
    default_qos: str | None = Field(description=f"Name of the default QOS. {_INHERITED}")
    max_jobs: Count | None = Field(description=f"Running jobs at a time. {_INHERITED}")
    max_jobs_accrue: Count | None = Field(
        description=f"Pending jobs that gain age priority. {_INHERITED} Null before Slurm 18.08."
    )
    max_submit_jobs: Count | None = Field(description=f"Pending and running jobs at a time. {_INHERITED}")
    max_wall: Count | None = Field(description=f"Wall clock minutes of a job. {_INHERITED}")
    priority: Count | None = Field(description=f"Priority added to jobs. {_INHERITED} Null before Slurm 19.05.")
    min_prio_thresh: Count | None = Field(
        description=f"Priority below which resources are not reserved. {_INHERITED} Null before Slurm 18.08."
    )
    max_tres_per_job: Tres = Field(description=f"TRES of a job. {_INHERITED}")
    max_tres_per_node: Tres = Field(description=f"TRES of a job on each node. {_INHERITED}")
    max_tres_mins_per_job: Tres = Field(description=f"TRES minutes of a job. {_INHERITED}")
    max_tres_run_mins: Tres = Field(description=f"TRES minutes that running jobs may still use. {_INHERITED}")
    grp_jobs: Count | None = Field(description="Running jobs at a time, of the association and all below it.")
    grp_jobs_accrue: Count | None = Field(description="Pending jobs that gain age priority. Null before Slurm 18.08.")
    grp_submit_jobs: Count | None = Field(
        description="Pending and running jobs at a time, of the association and all below it."
    )
    grp_wall: Count | None = Field(description="Wall clock minutes of all jobs, added up.")
    grp_tres: Tres = Field(description="TRES of all running jobs, added up.")
    grp_tres_mins: Tres = Field(description="TRES minutes of all jobs, added up.")
    grp_tres_run_mins: Tres = Field(description="TRES minutes that all running jobs may still use, added up.")
    comment: str | None = Field(description="Free text. Null before Slurm 23.02.")
    deleted: bool = Field(
        description="True if it was removed. Removed associations are shown with `deleted=true` only."
    )


class HistoryRecord(PublishedRecord):
    """One record of the accounting database: a job, or one attempt at it.

    A job that is requeued or resized has one record per attempt, all with the same `id_job`.
    """

    id_record: str = Field(description="Primary key (job_db_inx). Text, because it may exceed 2^53.")
    id_job: Count = Field(description="Job id. Every array task that has started has its own.")
    job_id_str: str = Field(description="Job id as sacct prints it: `12`, `12_3`, `12_[4-9]`, `12+1`.")
    id_user: Count = Field(description="Numeric id of the user.")
    user_name: str = Field(
        description="User of the association. Without an association: the login name of id_user on the service's host,"
        " or the number as text."
    )
    id_group: Count = Field(description="Numeric id of the group.")
    id_assoc: Count = Field(description="Id of the association. 0 if there was none.")
    account: str | None = Field(description="Account of the association. Without an association: that of the record.")
    cluster: str = Field(description="Name of the cluster.")
    job_name: str = Field(description="Name of the job.")
    array_job_id: Count | None = Field(
        description="Id of the array that the record is a task of, or the pending tasks of."
    )
    array_task_id: Count | None = Field(description="Index of the task. Null for the pending tasks.")
    array_task_str: str | None = Field(description="Pending tasks: `4-9`, with `%2` if at most 2 may run at once.")
    het_job_id: Count | None = Field(description="Id of the leader of the heterogeneous job.")
    het_job_offset: Count | None = Field(description="Number of the component in the heterogeneous job.")
    wckey: str | None = Field(description="Workload characterization key. A leading * means that the default was used.")
    work_dir: str | None = Field(description="Working directory. Null before Slurm 17.11.")
    comment: str | None = Field(description="Comment of the user.")
    admin_comment: str | None = Field(description="Comment of an administrator. Null before Slurm 17.02.")
    system_comment: str | None = Field(description="Comment of the system. Null before Slurm 18.08.")
    cpus_req: Count = Field(description="CPUs requested.")
    mem_req: Count | None = Field(description="Memory requested, MiB. 0: all of the node. See `mem_req_per`.")
    mem_req_per: Literal["cpu", "node"] | None = Field(description="Unit that `mem_req` applies to.")
    timelimit: str | Count | None = Field(
        description="Time limit: classic `0d:5h:0m`, iso `05:00:00` or `2-12:30:00`, epoch in minutes. Or UNLIMITED or"
        " Partition_Limit."
    )
    priority: Count | None = Field(description="Priority when the record was inserted. 0: held.")
    qos: str | None = Field(description="Name of the QOS.")
    tres_req: Tres = Field(description="TRES requested.")
    constraints: str | None = Field(description="Features requested. Null before Slurm 19.05.")
    licenses: str | None = Field(description="Licenses. Null before Slurm 23.02.")
    container: str | None = Field(description="OCI container bundle. Null before Slurm 21.08.")
    submit_line: str | None = Field(
        description="Command line of the submission. Null before Slurm 21.08, and if it names a hidden partition."
    )
    std_in: str | None = Field(
        description="Standard input of a batch job, with its patterns expanded. Null before Slurm 24.05."
    )
    std_out: str | None = Field(
        description="Standard output of a batch job, with its patterns expanded as by `sacct --expand-patterns`. `%N`"
        " stays until the job has nodes. Null before Slurm 24.05."
    )
    std_err: str | None = Field(
        description="Standard error of a batch job, as std_out. Null if it is that of std_out, and before Slurm 24.05."
    )
    reservation: str | None = Field(
        description="Reservation that the job used. Null unless `database.table_resv` is set."
    )
    reservation_req: str | None = Field(description="Reservations requested. Null before Slurm 25.05.")
    partition: str | None = Field(description="Partition. A pending job may have a comma-separated list.")
    nodelist: str | None = Field(description="Hostlist of the allocation. Null while there is none.")
    nodes_alloc: Count = Field(
        description="Nodes allocated. 0 while there is no allocation. `tres_req` has the requested number."
    )
    tres_alloc: Tres = Field(description="TRES allocated.")
    time_submit: Time = Field(
        description="Submission. For a requeued or resized job: the time of the requeue or resize."
    )
    time_eligible: Time = Field(description="When the job could have started. Null while it is held.")
    time_start: Time = Field(
        description="Start. Null if it never started. A pending job may have the scheduler's estimate."
    )
    time_end: Time = Field(description="End. Null until the job has ended.")
    elapsed: Count = Field(description="Seconds from start to end, or to now, without suspension.")
    suspended: Count = Field(description="Seconds that the job was suspended.")
    cpu_time: float | None = Field(
        description="CPU seconds, user and system, that the ended steps used. Null if none are recorded or those of a"
        " step are unknown, and unless `database.table_step` is set."
    )
    max_rss: float | None = Field(
        description="Memory that the job used at its peak, MiB: the largest sum over the tasks of a step"
        ' (TRESUsageInTot of mem, "Memory Utilized" of seff). Null if nothing was recorded.'
    )
    cpu_efficiency: float | None = Field(
        description="cpu_time divided by elapsed times the allocated CPUs: 1 is all of them. Null until the job has"
        " ended, and where cpu_time is null."
    )
    mem_efficiency: float | None = Field(
        description="max_rss divided by the allocated memory, `mem` of tres_alloc. Null until the job has ended, and"
        " where max_rss is null."
    )
    gpu_util: Count | None = Field(
        description="Utilisation of its GPUs in percent of one GPU, summed over the tasks of a step (TRESUsageInTot of"
        " gres/gpuutil): 200 are two GPUs. That of the busiest step. Null if nothing was recorded."
    )
    gpu_mem: float | None = Field(
        description="Memory of its GPUs at its peak, MiB (TRESUsageInTot of gres/gpumem), as max_rss. Null if nothing"
        " was recorded."
    )
    energy: Count | None = Field(
        description="Energy that its steps used, joules (ConsumedEnergyRaw). Null if nothing was recorded."
    )
    time_efficiency: float | None = Field(
        description="elapsed divided by the time limit. Null without a limit of the job, and if it did not run."
    )
    state: str = Field(description="State as slurm.h names it: `JOB_COMPLETE`, `JOB_FAILED`, `JOB_OOM` …")
    state_name: str = Field(description="State as sacct prints it: `COMPLETED`, `FAILED`, `OUT_OF_MEMORY` …")
    reason: str | None = Field(description="Reason why the job was last pending. Null before Slurm 19.05.")
    exit_code: Count = Field(description="Exit code of the job. 0 if a signal ended it.")
    exit_signal: Count = Field(description="Signal that ended the job. 0 if none did.")
    derived_exit_code: Count = Field(description="Highest exit code of its steps.")
    derived_exit_signal: Count = Field(description="Signal that belongs to `derived_exit_code`.")
    kill_requid: Count | None = Field(description="Numeric id of the user who cancelled it.")
    restart_cnt: Count | None = Field(description="Number of requeues. Null before Slurm 24.11.")
    failed_node: str | None = Field(description="Node that caused the failure. Null before Slurm 23.02.")


ASSOCIATION_FIELDS = tuple(AssociationRecord.model_fields)
JOB_FIELDS = tuple(HistoryRecord.model_fields)


class PageMeta(PublishedModel):
    """Metadata of the page."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(description="Source of the data: `slurmdbd`.")
    cluster: str = Field(description="Name of the cluster.")
    count: int = Field(description="Number of records in `data`.")
    next: str | None = Field(description="Link to the next page. Null on the last page.")
    truncated: bool = Field(
        description="True if a limit of the service, not `limit`, ended the page. `next` leads to the rest."
    )


class _Answer(PublishedModel):
    model_config = ConfigDict(extra="forbid")

    meta: PageMeta


class UsersAnswer(_Answer):
    """Associations, sorted by user, account and partition."""

    data: list[AssociationRecord]


class HistoryAnswer(_Answer):
    """Job records, newest first."""

    data: list[HistoryRecord]


class HistorySumsAnswer(_Answer):
    """Sums of groups of job records, with `group_by`."""

    data: list[HistorySumRecord]


class HistoryListAnswer(PublishedChoice[HistoryAnswer | HistorySumsAnswer]):
    """Job records, or their sums."""

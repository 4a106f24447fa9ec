"""The answers of /users and /history as OpenAPI describes them: every published field, its type, unit and meaning."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from slurm_rest_api.contract_base import Count, OpenAPIModel, PublishedRecord

Tres = Annotated[dict[str, Count], Field(examples=[{"cpu": 4, "mem": 2000, "node": 1, "gres/gpu": 1}])]
"""Counts by TRES name; memory in MiB, energy in joules."""

Time = Annotated[
    str | Count | None,
    Field(examples=["Mon Nov 23 20:17:47 2026", "2026-11-23T20:17:47+01:00", 1795461467]),
]
"""A point in time in the form that the parameter `times` asks for."""

_IN_PARENT = "what the association itself leaves open it has from its account"


class AssociationRecord(PublishedRecord):
    """One association: a user, an account, and perhaps one partition. Limits are null where there is none."""

    id_assoc: Count = Field(description="Id of the association.")
    user: str = Field(description="Login name.")
    acct: str = Field(description="Account.")
    partition: str | None = Field(description="The only partition that it is for; null: for all.")
    default_account: str | None = Field(description="Default account of this user.")
    is_default: bool = Field(description="Whether it belongs to the user's default account.")
    parent_account: str | None = Field(description="Parent of the account; null for root.")
    shares: Count | Literal["parent"] = Field(description='Raw fair-share; "parent": the account\'s is used.')
    qos: list[str] = Field(description=f"Names of the QOS that may be used; {_IN_PARENT}.")
    default_qos: str | None = Field(description=f"Name of the default QOS; {_IN_PARENT}.")
    max_jobs: Count | None = Field(description=f"Running jobs at a time; {_IN_PARENT}.")
    max_jobs_accrue: Count | None = Field(
        description=f"Pending jobs that gain age priority; {_IN_PARENT}; null before Slurm 18.08."
    )
    max_submit_jobs: Count | None = Field(description=f"Pending and running jobs at a time; {_IN_PARENT}.")
    max_wall: Count | None = Field(description=f"Wall clock minutes of a job; {_IN_PARENT}.")
    priority: Count | None = Field(description=f"Priority added to jobs; {_IN_PARENT}; null before Slurm 19.05.")
    min_prio_thresh: Count | None = Field(
        description=f"Priority below which resources are not reserved; {_IN_PARENT}; null before Slurm 18.08."
    )
    max_tres_per_job: Tres = Field(description=f"TRES of a job; {_IN_PARENT}.")
    max_tres_per_node: Tres = Field(description=f"TRES of a job on each node; {_IN_PARENT}.")
    max_tres_mins_per_job: Tres = Field(description=f"TRES minutes of a job; {_IN_PARENT}.")
    max_tres_run_mins: Tres = Field(description=f"TRES minutes that running jobs may still use; {_IN_PARENT}.")
    grp_jobs: Count | None = Field(description="Running jobs at a time, of this association and all below it.")
    grp_jobs_accrue: Count | None = Field(description="Pending jobs that gain age priority; null before Slurm 18.08.")
    grp_submit_jobs: Count | None = Field(description="Pending and running jobs at a time, of it and all below it.")
    grp_wall: Count | None = Field(description="Wall clock minutes of all jobs together.")
    grp_tres: Tres = Field(description="TRES of all running jobs together.")
    grp_tres_mins: Tres = Field(description="TRES minutes of all jobs together.")
    grp_tres_run_mins: Tres = Field(description="TRES minutes that all running jobs together may still use.")
    comment: str | None = Field(description="Free text; null before Slurm 23.02.")
    deleted: bool = Field(description="Whether it was removed; such a one is shown with `deleted=true` alone.")


class HistoryRecord(PublishedRecord):
    """One record of the accounting database: a job, or one attempt at it.

    A job that is requeued or resized has several records with the same `id_job`.
    """

    id_record: str = Field(description="Primary key (job_db_inx), as text because it may exceed 2^53.")
    id_job: Count = Field(description="Job id. Every array task that was started has its own.")
    job_id_str: str = Field(description="Job id as sacct prints it: `12`, `12_3`, `12_[4-9]`, `12+1`.")
    id_user: Count = Field(description="Numeric id of the user.")
    user_name: str = Field(
        description="User of the association; without one, the login name for id_user on the service's host, or the"
        " number as text."
    )
    id_group: Count = Field(description="Numeric id of the group.")
    id_assoc: Count = Field(description="Id of the association; 0 when there was none.")
    account: str | None = Field(description="Account of the association; without one, that of the record.")
    cluster: str = Field(description="Name of the cluster.")
    job_name: str = Field(description="Name of the job.")
    array_job_id: Count | None = Field(description="Id of the array that it is a task of, or the waiting rest of.")
    array_task_id: Count | None = Field(description="Index of the task; null for the waiting rest.")
    array_task_str: str | None = Field(description="Tasks that still wait: `4-9`, with `%2` when 2 may run at once.")
    het_job_id: Count | None = Field(description="Id of the leader of the heterogeneous job.")
    het_job_offset: Count | None = Field(description="Which component of the heterogeneous job it is.")
    wckey: str | None = Field(description="Workload characterization key; a * in front: the default was used.")
    work_dir: str | None = Field(description="Working directory; null before Slurm 17.11.")
    comment: str | None = Field(description="Comment of the user.")
    admin_comment: str | None = Field(description="Comment of an administrator; null before Slurm 17.02.")
    system_comment: str | None = Field(description="Comment of the system; null before Slurm 18.08.")
    cpus_req: Count = Field(description="CPUs requested.")
    mem_req: Count | None = Field(description="Memory requested, MiB; 0: all of the node. See mem_req_per.")
    mem_req_per: Literal["cpu", "node"] | None = Field(description="What mem_req is for each of.")
    timelimit: str | Count | None = Field(
        description="Time limit: classic `0d:5h:0m`, iso `05:00:00` or `2-12:30:00`, epoch in minutes; or UNLIMITED,"
        " or Partition_Limit."
    )
    priority: Count | None = Field(description="Priority when the record was made; 0: held.")
    qos: str | None = Field(description="Name of the QOS.")
    tres_req: Tres = Field(description="TRES requested.")
    constraints: str | None = Field(description="Features requested; null before Slurm 19.05.")
    licenses: str | None = Field(description="Licenses; null before Slurm 23.02.")
    container: str | None = Field(description="OCI container bundle; null before Slurm 21.08.")
    partition: str | None = Field(description="Partition; while pending perhaps several with commas between.")
    nodelist: str | None = Field(description="Hostlist of the allocation; null until there is one.")
    nodes_alloc: Count = Field(
        description="Nodes allocated; 0 until there is an allocation. `tres_req` has those asked for."
    )
    tres_alloc: Tres = Field(description="TRES allocated.")
    time_submit: Time = Field(description="Submission; of a requeued or resized job, when that happened.")
    time_eligible: Time = Field(description="When it could have started; null while it is held.")
    time_start: Time = Field(
        description="Start; null when it never started; while pending perhaps the scheduler's estimate."
    )
    time_end: Time = Field(description="End; null until then.")
    elapsed: Count = Field(description="Seconds from the start to the end, or to now, without suspension.")
    suspended: Count = Field(description="Seconds for which it was suspended.")
    cpu_time: float | None = Field(
        description="Seconds of CPU time, user and system, that its steps used by their ends; null where none are"
        " recorded, and unless `database.table_step` is set."
    )
    state: str = Field(description="State as slurm.h names it: `JOB_COMPLETE`, `JOB_FAILED`, `JOB_OOM` …")
    state_name: str = Field(description="State as sacct prints it: `COMPLETED`, `FAILED`, `OUT_OF_MEMORY` …")
    reason: str | None = Field(description="Why it was last pending; null before Slurm 19.05.")
    exit_code: Count = Field(description="Exit code of the job; 0 when a signal ended it.")
    exit_signal: Count = Field(description="Signal that ended the job; 0 when none did.")
    derived_exit_code: Count = Field(description="Highest exit code of its steps.")
    derived_exit_signal: Count = Field(description="Signal that goes with derived_exit_code.")
    kill_requid: Count | None = Field(description="Numeric id of the user who cancelled it.")
    restart_cnt: Count | None = Field(description="How often it was requeued; null before Slurm 24.11.")
    failed_node: str | None = Field(description="Node that caused the failure; null before Slurm 23.02.")


ASSOCIATION_FIELDS = tuple(AssociationRecord.model_fields)
JOB_FIELDS = tuple(HistoryRecord.model_fields)


class PageMeta(BaseModel):
    """About the page."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(description="Where the data comes from: `slurmdbd`.")
    cluster: str = Field(description="Name of the cluster.")
    count: int = Field(description="Number of records in `data`.")
    next: str | None = Field(description="Link to the next page; null when there is none.")
    truncated: bool = Field(
        description="True when a bound of the service, and not `limit`, ended the answer: `next` goes on from there."
    )


class _Answer(OpenAPIModel):
    model_config = ConfigDict(extra="forbid")

    meta: PageMeta


class UsersAnswer(_Answer):
    """Associations, sorted by user, account and partition."""

    data: list[AssociationRecord]


class HistoryAnswer(_Answer):
    """Job records, the newest first."""

    data: list[HistoryRecord]

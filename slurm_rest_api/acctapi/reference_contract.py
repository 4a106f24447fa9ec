"""Published fields of /qos, /accounts and /events, as OpenAPI describes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from slurm_rest_api.acctapi.contract import AssociationRecord, PageMeta, Time, Tres
from slurm_rest_api.contract_base import Count, LargeCount, PublishedModel, PublishedRecord

Factor = Annotated[float, Field(ge=0)]

_NEWER_16_05 = "Null before Slurm 16.05."
_NEWER_18_08 = "Null before Slurm 18.08."


class QosRecord(PublishedRecord):
    """One quality of service. A limit is null if there is none.

    With the flag Relative (Slurm 23.11 and later) limits of TRES are percentages of the cluster or the partition.
    """

    name: str = Field(description="Name.")
    id: Count = Field(description="Id in slurmdbd's tables.")
    description: str | None = Field(description="Description.")
    priority: Count = Field(description="Priority: the factor QOS of a job's priority is relative to the highest one.")
    flags: list[str] = Field(
        description="Flags as sacctmgr prints them, such as DenyOnLimit, NoDecay, OverPartQOS.",
        examples=[["DenyOnLimit", "OverPartQOS"]],
    )
    preempt: list[str] = Field(description="Names of the QOS whose jobs it may preempt.")
    preempt_mode: str | None = Field(
        description="How jobs of this QOS are preempted: SUSPEND, REQUEUE, CANCEL, with GANG, WITHIN or PRIORITY before"
        " it and a comma. Null: as PreemptMode of the cluster says (sacctmgr prints `cluster`)."
    )
    grace_time: Count = Field(description="Seconds that a job has left when it is preempted.")
    preempt_exempt_time: Count | None = Field(
        description="Seconds that a job runs before it may be preempted. Null: as the cluster says, and before Slurm"
        " 19.05."
    )
    usage_factor: Factor = Field(description="Factor by which the usage of jobs counts.")
    usage_threshold: Factor | None = Field(
        description="Lowest fair-share factor with which jobs may be submitted or start."
    )
    limit_factor: Factor | None = Field(
        description="Factor by which GrpTRES and MaxTRES of associations count for jobs of this QOS. Null before Slurm"
        " 21.08."
    )
    min_prio_thresh: Count | None = Field(
        description=f"Priority below which resources are not reserved. {_NEWER_18_08}"
    )
    grp_jobs: Count | None = Field(description="Running jobs at a time, of all jobs of the QOS.")
    grp_jobs_accrue: Count | None = Field(description=f"Pending jobs that gain age priority. {_NEWER_18_08}")
    grp_submit_jobs: Count | None = Field(description="Pending and running jobs at a time.")
    grp_wall: Count | None = Field(description="Wall clock minutes of all jobs, added up.")
    grp_tres: Tres = Field(description="TRES of all running jobs, added up.")
    grp_tres_mins: Tres = Field(description="TRES minutes of all jobs, added up.")
    grp_tres_run_mins: Tres = Field(description="TRES minutes that all running jobs may still use, added up.")
    max_wall: Count | None = Field(description="Wall clock minutes of a job.")
    max_jobs_per_user: Count | None = Field(description="Running jobs of a user at a time.")
    max_jobs_per_account: Count | None = Field(description=f"Running jobs of an account at a time. {_NEWER_16_05}")
    max_jobs_accrue_per_user: Count | None = Field(
        description=f"Pending jobs of a user that gain age priority. {_NEWER_18_08}"
    )
    max_jobs_accrue_per_account: Count | None = Field(
        description=f"Pending jobs of an account that gain age priority. {_NEWER_18_08}"
    )
    max_submit_jobs_per_user: Count | None = Field(description="Pending and running jobs of a user at a time.")
    max_submit_jobs_per_account: Count | None = Field(
        description=f"Pending and running jobs of an account at a time. {_NEWER_16_05}"
    )
    max_tres_per_job: Tres = Field(description="TRES of a job.")
    max_tres_per_node: Tres = Field(description="TRES of a job on each node.")
    max_tres_per_user: Tres = Field(description="TRES of a user's running jobs, added up.")
    max_tres_per_account: Tres = Field(description="TRES of an account's running jobs, added up.")
    max_tres_mins_per_job: Tres = Field(description="TRES minutes of a job.")
    max_tres_run_mins_per_user: Tres = Field(description="TRES minutes that a user's running jobs may still use.")
    max_tres_run_mins_per_account: Tres = Field(
        description="TRES minutes that an account's running jobs may still use."
    )
    min_tres_per_job: Tres = Field(description="Least TRES of a job.")
    deleted: bool = Field(description="True if it was removed. Removed QOS are shown with `deleted=true` only.")


_INHERITED = "Inherited from the account above unless the account has its own."


class EffectiveLimit(PublishedRecord):
    """One limit that holds for jobs of an account, and the account that sets it."""

    limit: str = Field(description="Name of sacctmgr: GrpTRES, GrpJobs, MaxWall and so on.")
    tres: str | None = Field(description="The TRES that it limits. Null for a limit on jobs or time.")
    value: LargeCount = Field(description="Jobs, minutes, TRES or TRES minutes. Memory is in MiB. Text above 2^53 - 1.")
    account: str | None = Field(
        description="The account that sets it. Null: one that the user may not see (`auth.private_data`)."
    )


class AccountRecord(PublishedRecord):
    """One account. A limit is null if there is none."""

    name: str = Field(description="Name.")
    parent_account: str | None = Field(description="The account above. Null for root.")
    level: Count = Field(description="Number of accounts above it.")
    id_assoc: Count = Field(description="Id of the association of the account itself.")
    description: str | None = Field(description="Description.")
    organization: str | None = Field(description="Organization.")
    flags: list[str] = Field(description="UsersAreCoords, if its users coordinate it (Slurm 24.05 and later).")
    coordinators: list[str] | None = Field(
        description="Users who coordinate it, also as coordinators of an account above. Null unless"
        " `database.table_coord` is set."
    )
    children: list[str] = Field(description="Names of the accounts directly below.")
    users: list[str] = Field(description="Names of the users who may run under it.")
    user_count: Count = Field(description="Number of these users.")
    shares: Count | Literal["parent"] = Field(description='Raw fair-share. "parent": that of the account above.')
    qos: list[str] = Field(description=f"Names of the QOS that may be used. {_INHERITED}")
    default_qos: str | None = Field(description=f"Name of the default QOS. {_INHERITED}")
    max_jobs: Count | None = Field(description=f"Running jobs of a user at a time. {_INHERITED}")
    max_jobs_accrue: Count | None = Field(
        description=f"Pending jobs of a user that gain age priority. {_INHERITED} {_NEWER_18_08}"
    )
    max_submit_jobs: Count | None = Field(description=f"Pending and running jobs of a user at a time. {_INHERITED}")
    max_wall: Count | None = Field(description=f"Wall clock minutes of a job. {_INHERITED}")
    priority: Count | None = Field(description=f"Priority added to jobs. {_INHERITED} Null before Slurm 19.05.")
    min_prio_thresh: Count | None = Field(
        description=f"Priority below which resources are not reserved. {_INHERITED} {_NEWER_18_08}"
    )
    max_tres_per_job: Tres = Field(description=f"TRES of a job. {_INHERITED}")
    max_tres_per_node: Tres = Field(description=f"TRES of a job on each node. {_INHERITED}")
    max_tres_mins_per_job: Tres = Field(description=f"TRES minutes of a job. {_INHERITED}")
    max_tres_run_mins: Tres = Field(description=f"TRES minutes that running jobs may still use. {_INHERITED}")
    grp_jobs: Count | None = Field(description="The account's own GrpJobs: running jobs, with all accounts below it.")
    grp_jobs_accrue: Count | None = Field(
        description=f"Its own GrpJobsAccrue: pending jobs that gain age priority. {_NEWER_18_08}"
    )
    grp_submit_jobs: Count | None = Field(description="Its own GrpSubmitJobs: pending and running jobs.")
    grp_wall: Count | None = Field(description="Its own GrpWall: wall clock minutes of all jobs, added up.")
    grp_tres: Tres = Field(description="Its own GrpTRES: TRES of all running jobs, added up.")
    grp_tres_mins: Tres = Field(description="Its own GrpTRESMins: TRES minutes of all jobs, added up.")
    grp_tres_run_mins: Tres = Field(
        description="Its own GrpTRESRunMins: TRES minutes that all running jobs may still use, added up."
    )
    comment: str | None = Field(description="Free text. Null before Slurm 23.02.")
    deleted: bool = Field(description="True if it was removed. Removed accounts are shown with `deleted=true` only.")
    effective_limits: list[EffectiveLimit] = Field(
        description="Every limit that holds for jobs of the account, before those of QOS: the group limits of the"
        " account and of each account above it, and of the other limits the nearest."
    )


class AccountDetailRecord(AccountRecord):
    """One account with its users and the accounts below it."""

    child_accounts: list[AccountRecord] = Field(description="The accounts directly below, by name.")
    associations: list[AssociationRecord] = Field(description="The associations of its users, as in /users.")


class EventRecord(PublishedRecord):
    """One event of a node or of the cluster."""

    event: Literal["Node", "Cluster"] = Field(description="Cluster: the cluster registered, with its nodes and TRES.")
    node: str | None = Field(description="Node. Null for the cluster.")
    state: str | None = Field(
        description="State as sacctmgr prints it: DOWN*, DRAIN, DRNG, MAINT. Null for the cluster."
    )
    state_words: list[str] = Field(
        description="Base state and flags in the words of /nodes.", examples=[["IDLE", "DRAIN"]]
    )
    state_raw: Count = Field(description="State as a number of slurm.h.")
    reason: str | None = Field(description="Reason.")
    reason_uid: Count | None = Field(description="Numeric id of the user who caused it.")
    user: str | None = Field(description="Login name of that user on the service's host, or the number as text.")
    start: Time = Field(description="Start, in the format of `times`.")
    end: Time = Field(description="End, in the format of `times`. Null if it goes on.")
    duration: Count = Field(description="Seconds from the start to the end, or until now.")
    tres: Tres = Field(description="TRES of the node or cluster.")
    cluster_nodes: str | None = Field(description="Nodes of the cluster. Null for a node.")


class EventSumRecord(PublishedRecord):
    """Events of nodes of one group, with `group_by`."""

    group: str | None = Field(description="Node, reason, state or user. Null: events without one.")
    events: Count = Field(description="Number of events.")
    going_on: Count = Field(description="Number of events that go on.")
    seconds: Count = Field(description="Seconds of the events, added up.")


EVENT_FIELDS = tuple(EventRecord.model_fields)
EVENT_SUM_FIELDS = tuple(EventSumRecord.model_fields)
ACCOUNT_FIELDS = tuple(AccountRecord.model_fields)
ACCOUNT_DETAIL_FIELDS = tuple(AccountDetailRecord.model_fields)
QOS_FIELDS = tuple(QosRecord.model_fields)


class RecordMeta(PublishedModel):
    """Metadata of a single record."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(description="Source of the data: `slurmdbd`.")
    cluster: str = Field(description="Name of the cluster.")


class AccountMeta(RecordMeta):
    """Metadata of a single account."""

    truncated: bool = Field(
        description="True if users or accounts are missing, because there are more than `database.history_max_limit`."
    )


class _ListAnswer(PublishedModel):
    model_config = ConfigDict(extra="forbid")

    meta: PageMeta


class _SingleAnswer(PublishedModel):
    model_config = ConfigDict(extra="forbid")

    meta: RecordMeta


class QosListAnswer(_ListAnswer):
    """QOS, sorted by name."""

    data: list[QosRecord]


class QosAnswer(_SingleAnswer):
    """One QOS."""

    data: QosRecord


class AccountsAnswer(_ListAnswer):
    """Accounts. Each precedes those below it."""

    data: list[AccountRecord]


class AccountAnswer(PublishedModel):
    """One account with its users and the accounts below it."""

    model_config = ConfigDict(extra="forbid")

    data: AccountDetailRecord
    meta: AccountMeta


class EventsAnswer(_ListAnswer):
    """Events, newest first, or their sums."""

    data: list[EventRecord] | list[EventSumRecord]

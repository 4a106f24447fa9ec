"""Published fields of /jobs, as OpenAPI describes them."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from slurm_rest_api.contract_base import Count, PublishedChoice, PublishedModel, PublishedRecord, Unlimited
from slurm_rest_api.slurm.states import Phase
from slurm_rest_api.web.text_formats import MIMETYPES


class PolledJob(PublishedRecord):
    """A job by its id: the fields that are sent without `fields`."""

    id: str = Field(
        description="The id that was asked for. For the parts of an array or a heterogeneous job: the id that squeue"
        " prints, `12_3`, `12_[4-9]` or `12+1`."
    )
    job_id: Count = Field(
        description="Job id. That of the array for pending tasks. Each started task and each component has its own."
    )
    state: str = Field(description="State as squeue and sacct print it in long form: PENDING, RUNNING, COMPLETED …")
    phase: Phase = Field(
        description="`pending`: waits, or waits again. `active`: has nodes, or its nodes are cleaned up (COMPLETING)."
        " `ended`: will not change any more."
    )
    reason: str | None = Field(
        description="Why it waits, or why it failed. Null without a reason, and with the source `history` for a job"
        " that has started: slurmdbd keeps only why it last waited, which `/history` has."
    )
    exit_code: Count | None = Field(description="Exit code. 0 if a signal ended it. Null until the job has ended.")
    exit_signal: Count | None = Field(
        description="Signal that ended the job. 0 if none did. Null until the job has ended."
    )
    derived_exit_code: Count | None = Field(description="Highest exit code of its steps. Null until the job has ended.")
    submit_time: Count | None = Field(description="Submission, or the last requeue or resize, epoch seconds.")
    start_time: Count | None = Field(
        description="Start, epoch seconds. Null while it is pending, and for a job that ended without a start."
    )
    end_time: Count | None = Field(description="End, epoch seconds. Null until the job has ended.")
    nodes: str | None = Field(description="Allocated nodes as a hostlist. Null without an allocation.")
    restarts: Count = Field(
        description="Number of requeues and restarts. From the database of a Slurm before 24.11: that of the records"
        " that ended in a requeue."
    )
    source: Literal["queue", "history"] = Field(
        description="`queue`: slurmctld has the job. `history`: the newest record of the accounting database."
    )
    runaway: bool = Field(
        description="True if the accounting database has a job that slurmctld does not have, and that did not end"
        " there. slurmdbd may be late, or the end was lost (`sacctmgr show runawayjobs`)."
    )


class MoreOfAJob(PublishedRecord):
    """Fields of a job that are sent only if `fields` names them."""

    name: str | None = Field(description="Name of the job.")
    user_id: Count | None = Field(description="Numeric id of the user.")
    user_name: str | None = Field(description="Login name of the user.")
    group_id: Count | None = Field(description="Numeric id of the group.")
    account: str | None = Field(description="Account that is charged.")
    partition: str | None = Field(description="Partition. A pending job may have a comma-separated list.")
    qos: str | None = Field(description="Name of the QOS.")
    wckey: str | None = Field(description="Workload characterization key.")
    cluster: str | None = Field(description="Name of the cluster.")
    array_job_id: Count | None = Field(description="Id of the array that the job is a task of.")
    array_task_id: Count | None = Field(description="Index of the task. Null for the pending tasks of an array.")
    array_task_str: str | None = Field(description="Pending tasks of the array: `4-9`, `4-9%2`.")
    het_job_id: Count | None = Field(description="Id of the leader of the heterogeneous job.")
    het_job_offset: Count | None = Field(description="Number of the component in the heterogeneous job.")
    eligible_time: Count | None = Field(description="Time from which the job may start, epoch seconds.")
    time_limit: Count | Unlimited | Literal["Partition_Limit"] | None = Field(
        description="Time limit in minutes, `UNLIMITED`, or `Partition_Limit` if the job has none of its own."
    )
    derived_exit_signal: Count | None = Field(
        description="Signal that belongs to `derived_exit_code`. Null until the job has ended."
    )
    failed_node: str | None = Field(description="Node whose failure ended the job.")
    work_dir: str | None = Field(description="Working directory.")
    container: str | None = Field(description="Path of the OCI container bundle.")
    comment: str | None = Field(description="Comment of the user.")
    admin_comment: str | None = Field(description="Comment of an administrator.")
    system_comment: str | None = Field(description="Comment of the system.")


DEFAULT_FIELDS: Final = tuple(PolledJob.model_fields)
FIELDS: Final = (*DEFAULT_FIELDS, *MoreOfAJob.model_fields)


class JobsError(PublishedModel):
    """A fault that leaves ids without an answer, or makes answers old."""

    model_config = ConfigDict(extra="forbid")

    detail: str = Field(description="What failed, and what to do.")
    retry_after: int | None = Field(
        description="Seconds after which a retry makes sense. Null if only the data is old."
    )


class JobsMeta(PublishedModel):
    """Metadata of /jobs. The header `Age` has the age of the snapshot in seconds."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(description="Source of the snapshot: `slurm`, or `demo` for the demonstration cluster.")
    source_detail: str = Field(description="How the source is read.")
    accounting: Literal["on", "off", "unavailable"] = Field(
        description="`off`: `system.use_acct_db` is false, so only jobs that slurmctld has are known."
        " `unavailable`: the accounting database was asked and did not answer."
    )
    total: int = Field(description="Number of jobs in `data`.")
    stale: bool = Field(description="True if the last load from slurmctld is older than three cycles.")
    unknown: list[str] = Field(description="Ids that neither slurmctld nor the accounting database knows.")
    unanswered: list[str] = Field(
        description="Ids that only the accounting database can answer, or answer wholly, which is away. See `error`."
    )
    error: JobsError | None = Field(description="Null unless `stale`, or ids are unanswered.")


_OTHER_FORMATS: Final[Any] = {
    "openapi_extra": {
        "content": {mimetype: {"schema": {"type": "string"}} for name, mimetype in MIMETYPES.items() if name != "json"}
    }
}
"""The media types of `format`, as flask-openapi3 expects them."""


class _Answer(PublishedModel):
    model_config = ConfigDict(extra="forbid")

    meta: JobsMeta


class JobsAnswer(_Answer):
    """Jobs by their ids."""

    data: dict[str, PolledJob] = Field(description="Jobs by `id`.")


class SomeFields(PublishedChoice[dict[str, Any]]):
    """The requested fields of a job."""


class SelectedJobsAnswer(_Answer):
    """The response to a query with `fields`."""

    data: dict[str, SomeFields] = Field(description="Jobs by `id`.")


class JobsResponse(PublishedChoice[JobsAnswer | SelectedJobsAnswer]):
    """Jobs."""

    model_config = _OTHER_FORMATS


class PolledJobAnswer(_Answer):
    """One job."""

    data: PolledJob | SomeFields

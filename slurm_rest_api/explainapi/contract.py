"""The published explanation of a job."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from slurm_rest_api.contract_base import Count, PublishedChoice, PublishedModel, PublishedRecord
from slurm_rest_api.explainapi.limit_record import LimitUse
from slurm_rest_api.slurmapi.availability.contract import Availability
from slurm_rest_api.slurmapi.contract.fair_share import FairShareRecord
from slurm_rest_api.slurmapi.contract.priority_factors import PriorityFactors

EndsBy = Literal["own_jobs", "other_jobs", "time", "user", "administrator", "slurm", "never"]


class Rank(PublishedRecord):
    """The place of a pending job among those that the scheduler considers for one partition.

    The order is that of slurmctld: priority, time of submission, job id. A job in a reservation has its place among
    the jobs of that reservation. A record of pending array tasks counts each of its tasks, with their CPUs and GPUs.
    """

    partition: str = Field(description="The partition.")
    place: Count = Field(description="Place by priority, from 1. Of the pending tasks of an array that of the first.")
    jobs_ahead: Count = Field(description="Jobs and array tasks before it.")
    cpus_ahead: Count = Field(description="CPUs that these request.")
    gpus_ahead: Count = Field(description="GPUs that these request.")
    jobs_ahead_at_limit: Count = Field(
        description="Those of `jobs_ahead` that a limit of an association or a QOS keeps from starting at present."
    )


class DependencyOn(PublishedRecord):
    """A dependency that is not fulfilled yet, and the job that it names."""

    type: str = Field(description="`after`, `afterany`, `afterok`, `afternotok`, `aftercorr`, `singleton` and so on.")
    job_id: str | None = Field(
        description="The job: `12`, `12_3` (array task), `12_*` (all tasks of an array). Null for `singleton`."
    )
    minutes: Count | None = Field(description="Minutes after that (`after:12+5`), null without a delay.")
    condition: str | None = Field(description="`unfulfilled` or `failed`. Null before Slurm 20.02.")
    state: str | None = Field(
        description="State of the job now. Null if it is not known, or if the tasks of an array have different states."
    )
    states: dict[str, Count] = Field(description="Number of jobs or tasks by their states. Empty if they are unknown.")
    source: Literal["queue", "history"] | None = Field(
        description="`queue`: slurmctld has the job. `history`: only the accounting database has it. Null if neither."
    )
    href: str | None = Field(description="Path of the job. Null for `singleton`.")


class Reservation(PublishedRecord):
    """A reservation that the job is in, or one whose nodes it needs."""

    name: str = Field(description="Name of the reservation.")
    relation: Literal["in", "behind"] = Field(
        description="`in`: the job uses it. `behind`: it holds nodes that the job could use, before the job could end."
    )
    state: str | None = Field(description="State now: `ACTIVE`, `UPCOMING` or `PAST`. Null if it is not known.")
    start_time: Count | None = Field(description="Start, epoch seconds.")
    end_time: Count | None = Field(description="End, epoch seconds.")


class UnavailableNode(PublishedRecord):
    """A node that the job needs and cannot use."""

    name: str = Field(description="Name of the node.")
    state: str = Field(description="State of the node, as in `/nodes`.")
    reason: str | None = Field(description="Reason that an administrator or Slurm gave.")


class FactorWeights(PublishedRecord):
    """Weights of the priority factors (PriorityWeight* of slurm.conf). Null: this release lacks the factor."""

    age: Count | None = Field(description="PriorityWeightAge.")
    fairshare: Count | None = Field(description="PriorityWeightFairshare.")
    job_size: Count | None = Field(description="PriorityWeightJobSize.")
    partition: Count | None = Field(description="PriorityWeightPartition.")
    qos: Count | None = Field(description="PriorityWeightQOS.")
    assoc: Count | None = Field(description="PriorityWeightAssoc.")
    tres: dict[str, float | None] | None = Field(description="PriorityWeightTRES, null if it is not set.")


class PartitionPriority(PublishedRecord):
    """The priority of a job in one of its partitions."""

    partition: str | None = Field(description="The partition. Null before Slurm 17.11.")
    priority: Count | None = Field(description="Priority there: the sum of the factors, less `nice`.")
    factors: PriorityFactors = Field(description="The weighted factors, as `sprio` prints them.")


class Priority(PublishedRecord):
    """The priority factors of a job, as they were when `sprio` was run last."""

    read_at: Count = Field(description="Time of this reading, epoch seconds.")
    weights: FactorWeights | None = Field(description="The weights. Null if they were not read.")
    partitions: list[PartitionPriority] = Field(
        description="The factors in each of its partitions, those with the highest priority first."
    )


class Explanation(PublishedRecord):
    """Explains what a job waits for. Most fields are null or empty for jobs that are not pending."""

    job_id: Count = Field(description="Job id of the record. Pending array tasks share one.")
    state: str = Field(description="State of the job, as in `/queue`.")
    reason: str | None = Field(
        description="Slurm's name of the reason without details, null without a reason. A text of slurmctld that stands"
        " in its place is named by its reason, such as `Resources`."
    )
    text: str = Field(description="What the reason means for this job. For a job that is not pending: what it is.")
    ends_by: list[EndsBy] = Field(
        description="Whose action ends the reason, the likeliest first. `own_jobs`: jobs of the same user progress or"
        " end. `other_jobs`: jobs of others do. `time`: a time is reached, or recorded usage decays. `user`: the job's"
        " user acts. `administrator`: an administrator acts. `slurm`: Slurm does, as a rule soon. `never`: nothing as"
        " the job is, so it has to be changed. Empty for a job that is not pending, and for an unknown reason."
    )
    details: str | None = Field(description="The whole reason as slurmctld gives it, null if `reason` is all of it.")
    rank: list[Rank] | None = Field(
        description="Place in each of its partitions, null if the scheduler does not consider the job."
    )
    no_rank: str | None = Field(description="Why `rank` is null, for a pending job.")
    estimated_start: Count | None = Field(
        description="Start that slurmctld's backfill scheduler expects, epoch seconds. Null: there is no estimate yet."
    )
    eligible_time: Count | None = Field(description="Time from which it may start, epoch seconds, null if not set.")
    dependencies: list[DependencyOn] = Field(description="Its dependencies that are not fulfilled, at most 100.")
    dependencies_needed: Literal["all", "any"] | None = Field(
        description="`all` or `any` of its dependencies have to be fulfilled. Null without dependencies."
    )
    reservations: list[Reservation] | None = Field(
        description="Reservations that it is in or behind. Null if they are private or not read."
    )
    unavailable_nodes: list[UnavailableNode] | None = Field(
        description="Nodes that it requires, or that slurmctld names in its reason, and that are down, drained or not"
        " responding, at most 100. Null if nodes are private."
    )
    limits: list[LimitUse] = Field(
        description="Limits of associations, QOS and partitions that keep it from starting now: first those that its"
        " reason names, in slurmctld's order, then others that are reached. Without the accounting database only those"
        " of partitions."
    )
    priority: Priority | None = Field(
        description="Its priority factors. Null if they are not read (`system.priority_factors_seconds`), or if `sprio`"
        " does not print the job: held jobs, those that are not eligible yet, and new ones."
    )
    fairshare: FairShareRecord | None = Field(
        description="The fair share of its association, as in `/fairshare`. Null if it is not read"
        " (`system.fair_share_seconds`), or private."
    )
    availability: list[Availability] | None = Field(
        description="Where it could start now if it were the first in the queue: a record of `/availability` for each"
        " of its partitions, for the CPUs, memory, GPUs, nodes and time that it requests. Its reason, dependencies and"
        " limits of associations and QOS do not matter here. Null if nodes or partitions are private."
    )


FIELDS: Final = tuple(Explanation.model_fields)


class ExplainError(PublishedModel):
    """A fault that makes an explanation old or incomplete."""

    model_config = ConfigDict(extra="forbid")

    detail: str = Field(description="What failed, and what to do.")


class ExplainMeta(PublishedModel):
    """Metadata of an explanation. The header `Age` has the age of the snapshot in seconds."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(description="Source of the snapshot: `slurm`, or `demo` for the demonstration cluster.")
    source_detail: str = Field(description="How the source is read.")
    stale: bool = Field(description="True if the last load from slurmctld is older than three cycles.")
    error: ExplainError | None = Field(
        description="Null unless `stale`, or the accounting database was needed and did not answer."
    )


class SomeFields(PublishedChoice[dict[str, Any]]):
    """The requested fields of an explanation."""


class ExplainAnswer(PublishedModel):
    """The explanation of one job."""

    model_config = ConfigDict(extra="forbid")

    meta: ExplainMeta
    data: Explanation | SomeFields

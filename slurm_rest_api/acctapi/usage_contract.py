"""Published fields of /utilization, as OpenAPI describes them."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from slurm_rest_api.acctapi.contract import PageMeta, Time
from slurm_rest_api.contract_base import Count, LargeCount, PublishedModel, PublishedRecord

_UNIT = "in TRES seconds: CPU seconds for cpu, MiB seconds for mem. Text above 2^53 - 1."


class _UsageRecord(PublishedRecord):
    start: Time = Field(description="Start of the step, in the format of `times`.")
    end: Time = Field(description="End of the step, in the format of `times`.")
    tres: str = Field(description="Trackable resource.", examples=["cpu", "gres/gpu"])


class ClusterUsageRecord(_UsageRecord):
    """Usage of one TRES of the cluster in one step."""

    count: Count | None = Field(description="Amount of the TRES, the largest within the step.")
    allocated: LargeCount = Field(description=f"Allocated to jobs and reservations, {_UNIT}")
    idle: LargeCount = Field(description="Idle.")
    down: LargeCount = Field(description="Down.")
    planned_down: LargeCount = Field(description="Down as planned: reservations with the flag MAINT.")
    planned: LargeCount = Field(
        description="Idle, but planned for pending jobs. sreport calls it reserved before Slurm 21.08."
    )
    overcommitted: LargeCount = Field(description="What pending jobs were planned for beyond the idle time.")
    reported: LargeCount = Field(description="allocated, idle, down, planned_down and planned, added up.")


class GroupUsageRecord(_UsageRecord):
    """Usage of one TRES by one group in one step, with `group_by`. Names that it does not group by are null."""

    account: str | None = Field(
        description="Account. Without user or with QOS: its usage and that of the accounts below it."
    )
    user: str | None = Field(description="User.")
    qos: str | None = Field(description="QOS.")
    wckey: str | None = Field(description="Workload key. Empty: jobs without one.")
    allocated: LargeCount = Field(description=f"Usage {_UNIT}")


CLUSTER_USAGE_FIELDS = tuple(ClusterUsageRecord.model_fields)
GROUP_USAGE_FIELDS = tuple(GroupUsageRecord.model_fields)


class UtilizationMeta(PageMeta):
    """Metadata of the page, with the window in the format of `times`."""

    step: str = Field(description="Length of the steps: hour, day, month or total.")
    since: Time = Field(description="Start of the window.")
    until: Time = Field(description="End of the window.")
    rolled_up_until: Time = Field(
        description="slurmdbd has summed usage up until this time. Null if it has none of this kind."
    )


class UtilizationAnswer(PublishedModel):
    """Usage over time, oldest step first."""

    model_config = ConfigDict(extra="forbid")

    data: list[ClusterUsageRecord] | list[GroupUsageRecord]
    meta: UtilizationMeta

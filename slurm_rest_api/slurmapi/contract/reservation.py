"""The published record of a reservation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slurm_rest_api.contract_base import Count, PublishedRecord

ReservationState = Literal["ACTIVE", "UPCOMING", "PAST"]


class ReservationUsers(PublishedRecord):
    """Users of a reservation. A name with `-` before it is excluded. Null is no such rule."""

    users: list[str] | None = Field(description="Users that may use it, `-` before excluded ones, null for no rule.")
    groups: list[str] | None = Field(description="Groups whose users may use it, null for no rule and before 21.08.")
    accounts: list[str] | None = Field(
        description="Accounts that may use it, with `-` before excluded ones, null for no rule."
    )
    qos: list[str] | None = Field(description="QOS that may use it, null for no rule and before 25.11.")
    allowed_partitions: list[str] | None = Field(
        description="Partitions whose jobs may use it, null for no rule and before 25.11."
    )


class ReservationResources(PublishedRecord):
    """Reserved resources."""

    nodes: str | None = Field(description="Reserved nodes as a hostlist, null without nodes.")
    node_cnt: Count = Field(description="Number of reserved nodes.")
    core_cnt: Count | None = Field(
        description="Number of reserved cores, null if a part of the nodes is hidden and their cores are unknown."
    )
    core_ids: dict[str, str] = Field(
        description="By node the reserved cores, such as `0-3`. {} if the nodes are reserved as a whole."
    )
    partition: str | None = Field(description="Partition that the nodes were taken from, null if they were named.")
    features: str | None = Field(description="Features that the nodes must have, with `&` and `|`, null for none.")
    licenses: dict[str, Count] = Field(description="Reserved licenses by name.")
    tres_str: str | None = Field(
        description="Reserved TRES, such as `cpu=12`, null if there are none or a part of the nodes is hidden."
    )
    burst_buffer: str | None = Field(description="Reserved burst buffers, null for none.")
    watts: int | None = Field(description="Reserved watts, null if unset and since 24.05.")


class ReservationRecord(ReservationUsers, ReservationResources):
    """One reservation of /reservations."""

    name: str = Field(description="Name.")
    state: ReservationState = Field(description="ACTIVE, UPCOMING or PAST at the time of the load.")
    start_time: int | None = Field(description="Start, epoch seconds. The next one if it recurs.")
    end_time: int | None = Field(description="End, epoch seconds.")
    duration: Count | None = Field(description="Seconds from start to end.")
    flags: list[str] = Field(description="Flags such as `MAINT`, `FLEX`, `ANY_NODES`, `PURGE_COMP`.")
    purge_comp_time: Count | None = Field(
        description="Seconds without a job after which Slurm deletes it (PURGE_COMP), null if it does not."
    )
    max_start_delay: Count | None = Field(
        description="Seconds by which jobs outside of it may delay its own jobs: those that leave its nodes at a "
        "signal (`sbatch --signal=R:`). Null if unset and before 20.02."
    )
    comment: str | None = Field(description="Comment of the administrator, null for none and before 23.02.")

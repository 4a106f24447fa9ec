"""The published availability of partitions for a job."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from slurm_rest_api.contract_base import Count, PublishedChoice, PublishedModel, PublishedRecord, Unlimited
from slurm_rest_api.slurmapi.contract.responses import SomeFields, StaleError
from slurm_rest_api.web.text_formats import MIMETYPES


class ShortNodes(PublishedRecord):
    """Nodes that are large enough and where the job cannot start now, by what they lack. A node may be in several."""

    cpus: Count = Field(description="Too few CPUs are idle.")
    memory: Count = Field(description="Too little memory is free.")
    gpus: Count = Field(description="Too few GPUs are free.")
    reserved: Count = Field(
        description="A reservation holds the node, or cores of it, now or before the job would end. Or the reservation"
        " of the job has not begun."
    )
    planned: Count = Field(description="The backfill scheduler plans the node for another job (PLANNED).")
    completing: Count = Field(description="A job ends there (COMPLETING).")
    exclusive: Count = Field(description="Other jobs are there, or those of a user with exclusive use.")
    unavailable: Count = Field(description="The node is down, drained, failing, rebooting or not responding.")


class ExceededLimit(PublishedRecord):
    """A limit that keeps the job from ever starting in the partition."""

    limit: str = Field(
        description="Name in slurm.conf(5): State, MaxTime, MaxNodes, MinNodes, AllowAccounts, DenyAccounts, AllowQos,"
        " DenyQos, MaxMemPerNode, MaxCPUsPerNode, RootOnly, ReqResv. Or Reservation, or a figure of the nodes:"
        " TotalNodes (nodes of the partition, in an explanation those that the job may use), NodeCPUs, NodeMemory,"
        " NodeGPUs (of the largest node, or the smallest of as many as the job needs), FittingNodes (nodes that have"
        " all of it)."
    )
    value: Count | str | list[str] | None = Field(description="The limit. Memory is in MiB, time in seconds.")
    requested: Count | str | None = Field(description="What the job requests.")


class Availability(PublishedRecord):
    """The availability of one partition for the job."""

    partition: str = Field(description="The partition.")
    answer: Literal["now", "later", "never"] = Field(
        description="`now`: enough nodes are free. `later`: the job fits, and has to wait. `never`: `limits` keep it"
        " from starting as it is."
    )
    free_nodes: Count = Field(description="Nodes on each of which a piece of the job could start now.")
    nodes: str | None = Field(description="These nodes as a hostlist, null for none.")
    missing_nodes: Count = Field(description="Nodes that the job needs in addition to `free_nodes`.")
    fitting_nodes: Count = Field(
        description="Nodes that are large enough, whatever is on them and whatever their state."
    )
    short: ShortNodes = Field(description="Numbers of the nodes that are large enough and not free, by what they lack.")
    partition_down: bool = Field(description="True if the partition is DOWN: it takes jobs and starts none.")
    limits: list[ExceededLimit] = Field(description="Limits that the job exceeds. [] unless `answer` is `never`.")
    unchecked: list[str] = Field(
        description="Rules of the partition that could not be checked: AllowGroups, AllocNodes, MaxCPUsPerSocket,"
        " OverSubscribe (FORCED), Reservations (not read), and those that need a missing parameter: AllowAccounts,"
        " DenyAccounts, AllowQos, DenyQos, Reservation. In an explanation also conditions of the job that are not"
        " considered: Licenses, BurstBuffer, Gres (other than GPUs), Features with counts or with both & and |,"
        " ReqNodeList for more nodes than it names, and lists of more than 10,000 nodes."
    )
    cpus: Count = Field(description="CPUs on each node: the requested ones, or the partition's default.")
    memory: Count | None = Field(
        description="Memory on each node, MiB. Null: none is requested and there is no default."
    )
    time_limit: Count | Unlimited = Field(description="Time limit of the job in seconds, or `UNLIMITED`.")
    exclusive: bool = Field(description="True if the job gets nodes without other jobs.")


FIELDS: Final = tuple(Availability.model_fields)


class AvailabilityMeta(PublishedModel):
    """Metadata of /availability. The header `Age` has the age of the snapshot in seconds."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(description="Source of the snapshot: `slurm`, or `demo` for the demonstration cluster.")
    source_detail: str = Field(description="How the source is read.")
    total: int = Field(description="Number of partitions.")
    stale: bool = Field(description="True if the last load is older than three cycles.")
    error: StaleError | None = Field(description="Null unless `stale`.")


class AvailabilityAnswer(PublishedModel):
    """The availability for a job."""

    model_config = ConfigDict(extra="forbid")

    meta: AvailabilityMeta
    data: dict[str, Availability | SomeFields] = Field(description="Partitions by name.")


_OTHER_FORMATS: Final[Any] = {
    "openapi_extra": {
        "content": {mimetype: {"schema": {"type": "string"}} for name, mimetype in MIMETYPES.items() if name != "json"}
    }
}


class AvailabilityResponse(PublishedChoice[AvailabilityAnswer]):
    """The availability for a job."""

    model_config = _OTHER_FORMATS

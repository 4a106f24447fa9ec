"""OpenAPI models of the live routes' responses: envelope, meta and records."""

from __future__ import annotations

from typing import Any, Final

from pydantic import ConfigDict, Field

from slurm_rest_api.contract_base import PublishedChoice, PublishedModel
from slurm_rest_api.slurmapi.contract.fair_share import FairShareRecord
from slurm_rest_api.slurmapi.contract.job import JobRecord
from slurm_rest_api.slurmapi.contract.license import LicenseRecord
from slurm_rest_api.slurmapi.contract.node import NodeRecord
from slurm_rest_api.slurmapi.contract.partition import PartitionRecord
from slurm_rest_api.slurmapi.contract.reservation import ReservationRecord
from slurm_rest_api.slurmapi.contract.statistics import StatisticsRecord
from slurm_rest_api.slurmapi.contract.usage import UsageRecord
from slurm_rest_api.web.text_formats import MIMETYPES


class StaleError(PublishedModel):
    """The reason why the data is stale."""

    model_config = ConfigDict(extra="forbid")

    detail: str = Field(description="The error.")
    since: int = Field(description="Epoch second of the first of the consecutive failures.")
    loaded_at: int = Field(description="Epoch second of the last successful load.")


class LiveMeta(PublishedModel):
    """Metadata of a live route. The header `Age` has the age of the data in seconds."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(description="Source of the data: `slurm`, or `demo` for the demonstration cluster.")
    source_detail: str = Field(
        description="How the source is read: `pyslurm 25.11.2 for Slurm 26.05.5`, or with Slurm's commands. After `;`"
        " the parts of the state that come from the commands while pyslurm gives the others."
    )
    version: str = Field(description="Opaque version of the route's data. It changes exactly when the data changes.")
    changed_at: int = Field(description="Epoch second of the cycle in which `data` last changed.")
    total: int = Field(description="Number of matching records on all pages. For `/usage` the number of partitions.")
    stale: bool = Field(description="True if the last load is older than three cycles.")
    error: StaleError | None = Field(description="Null unless `stale`.")
    next: str | None = Field(
        None,
        description="Path and query of the next page, null on the last page. Only with parameters that select records.",
    )
    full: bool | None = Field(
        None, description="Only with `since`. True: `data` has all records. False: only the changed ones."
    )
    gone: list[str] | None = Field(
        None,
        description="Only with `since`: keys of records that no longer match the query. Some may never have matched.",
    )


class _LiveAnswer(PublishedModel):
    model_config = ConfigDict(extra="forbid")

    meta: LiveMeta


class QueueAnswer(_LiveAnswer):
    """All jobs of slurmctld."""

    data: dict[str, JobRecord] = Field(description="Jobs by job id.")


class NodesAnswer(_LiveAnswer):
    """All nodes."""

    data: dict[str, NodeRecord] = Field(description="Nodes by name.")


class PartitionsAnswer(_LiveAnswer):
    """All partitions."""

    data: dict[str, PartitionRecord] = Field(description="Partitions by name.")


class FairShareAnswer(_LiveAnswer):
    """The fair share of all associations."""

    data: dict[str, FairShareRecord] = Field(description="Associations by `account` or `account/user`.")


class ReservationsAnswer(_LiveAnswer):
    """All reservations."""

    data: dict[str, ReservationRecord] = Field(description="Reservations by name.")


class LicensesAnswer(_LiveAnswer):
    """All licenses."""

    data: dict[str, LicenseRecord] = Field(description="Licenses by name.")


class StatsAnswer(_LiveAnswer):
    """The statistics of `sdiag`."""

    data: StatisticsRecord


class UsageAnswer(_LiveAnswer):
    """Partition × node matrix of CPU and memory use, with loads."""

    data: UsageRecord


_OTHER_FORMATS: Final[Any] = {
    "openapi_extra": {
        "content": {mimetype: {"schema": {"type": "string"}} for name, mimetype in MIMETYPES.items() if name != "json"}
    }
}
"""The media types of `format`, as flask-openapi3 expects them."""


class SomeFields(PublishedChoice[dict[str, Any]]):
    """A selection of the fields of a record."""


class Numbers(PublishedChoice[dict[str, int]]):
    """The number of records (`count`), and sums."""


class SelectedAnswer(_LiveAnswer):
    """The response to a query with parameters."""

    data: dict[str, SomeFields] | list[SomeFields] | Numbers | dict[str, Numbers] = Field(
        description="Records by key. With `shape=list` a list of them, with `count` and `group_by` numbers."
    )


class SomeFieldsAnswer(_LiveAnswer):
    """The response to a query with `fields`."""

    data: SomeFields


class QueueResponse(PublishedChoice[QueueAnswer | SelectedAnswer]):
    """Jobs."""

    model_config = _OTHER_FORMATS


class NodesResponse(PublishedChoice[NodesAnswer | SelectedAnswer]):
    """Nodes."""

    model_config = _OTHER_FORMATS


class PartitionsResponse(PublishedChoice[PartitionsAnswer | SelectedAnswer]):
    """Partitions."""

    model_config = _OTHER_FORMATS


class FairShareResponse(PublishedChoice[FairShareAnswer | SelectedAnswer]):
    """The fair share."""

    model_config = _OTHER_FORMATS


class ReservationsResponse(PublishedChoice[ReservationsAnswer | SelectedAnswer]):
    """Reservations."""

    model_config = _OTHER_FORMATS


class LicensesResponse(PublishedChoice[LicensesAnswer | SelectedAnswer]):
    """Licenses."""

    model_config = _OTHER_FORMATS


class StatsResponse(PublishedChoice[StatsAnswer | SomeFieldsAnswer]):
    """The statistics."""

    model_config = _OTHER_FORMATS


class UsageResponse(PublishedChoice[UsageAnswer | SomeFieldsAnswer]):
    """The usage."""

    model_config = _OTHER_FORMATS


class JobAnswer(_LiveAnswer):
    """One job."""

    data: JobRecord | SomeFields


class NodeAnswer(_LiveAnswer):
    """One node."""

    data: NodeRecord | SomeFields


class PartitionAnswer(_LiveAnswer):
    """One partition."""

    data: PartitionRecord | SomeFields


class ReservationAnswer(_LiveAnswer):
    """One reservation."""

    data: ReservationRecord | SomeFields


class LicenseAnswer(_LiveAnswer):
    """One license."""

    data: LicenseRecord | SomeFields

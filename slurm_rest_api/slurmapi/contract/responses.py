"""The answers of the live routes as OpenAPI describes them: envelope, meta and the records inside."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, RootModel

from slurm_rest_api.contract_base import OpenAPIModel
from slurm_rest_api.slurmapi.contract.job import JobRecord
from slurm_rest_api.slurmapi.contract.node import NodeRecord
from slurm_rest_api.slurmapi.contract.partition import PartitionRecord
from slurm_rest_api.slurmapi.contract.statistics import StatisticsRecord
from slurm_rest_api.slurmapi.contract.usage import UsageRecord
from slurm_rest_api.web.text_formats import MIMETYPES


class StaleError(BaseModel):
    """Why the data is old."""

    model_config = ConfigDict(extra="forbid")

    detail: str = Field(description="What went wrong, in words.")
    since: int = Field(description="Epoch second of the first failure in this row of failures.")
    loaded_at: int = Field(description="Epoch second at which the data was loaded.")


class LiveMeta(BaseModel):
    """About the data of a live route. How old it is stands in the `Age` header (seconds)."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(description="Where the data comes from: `slurm`.")
    version: str = Field(description="Changes exactly when the whole of the route's data changes; opaque.")
    changed_at: int = Field(description="Epoch second of the cycle in which `data` last changed.")
    total: int = Field(
        description="Number of records that the query asks for, on all pages; for `/usage` of its partitions."
    )
    stale: bool = Field(description="True when the last load is older than three cycles.")
    error: StaleError | None = Field(description="Null unless `stale`.")
    next: str | None = Field(
        None, description="Path and query of the next page; null on the last. Only with parameters that choose records."
    )
    full: bool | None = Field(
        None, description="Only with `since`. True: `data` is everything. False: it is what changed."
    )
    gone: list[str] | None = Field(
        None,
        description="Only with `since`: the keys that are not in the answer to this query any more; some of them may"
        " never have been.",
    )


class _LiveAnswer(OpenAPIModel):
    model_config = ConfigDict(extra="forbid")

    meta: LiveMeta


class QueueAnswer(_LiveAnswer):
    """Every job that slurmctld knows."""

    data: dict[str, JobRecord] = Field(description="Jobs by job id.")


class NodesAnswer(_LiveAnswer):
    """Every node."""

    data: dict[str, NodeRecord] = Field(description="Nodes by name.")


class PartitionsAnswer(_LiveAnswer):
    """Every partition."""

    data: dict[str, PartitionRecord] = Field(description="Partitions by name.")


class StatsAnswer(_LiveAnswer):
    """What `sdiag` knows."""

    data: StatisticsRecord


class UsageAnswer(_LiveAnswer):
    """Partition × node matrix of CPU and memory use, with loads."""

    data: UsageRecord


_OTHER_FORMATS: Final[Any] = {
    "openapi_extra": {
        "content": {mimetype: {"schema": {"type": "string"}} for name, mimetype in MIMETYPES.items() if name != "json"}
    }
}
"""What `format` may ask for, in flask-openapi3's own words."""


class SomeFields(RootModel[dict[str, Any]]):
    """Some fields of a record, of the same types."""


class Numbers(RootModel[dict[str, int]]):
    """`count` (of records) and sums over them."""


class SelectedAnswer(_LiveAnswer):
    """The answer to a query with parameters."""

    data: dict[str, SomeFields] | list[SomeFields] | Numbers | dict[str, Numbers] = Field(
        description="Records by key; with `shape=list` a list of them; with `count` and `group_by` numbers."
    )


class SomeFieldsAnswer(_LiveAnswer):
    """The answer with `fields`."""

    data: SomeFields


class QueueResponse(RootModel[QueueAnswer | SelectedAnswer]):
    """Jobs."""

    model_config = _OTHER_FORMATS


class NodesResponse(RootModel[NodesAnswer | SelectedAnswer]):
    """Nodes."""

    model_config = _OTHER_FORMATS


class PartitionsResponse(RootModel[PartitionsAnswer | SelectedAnswer]):
    """Partitions."""

    model_config = _OTHER_FORMATS


class StatsResponse(RootModel[StatsAnswer | SomeFieldsAnswer]):
    """The statistics."""

    model_config = _OTHER_FORMATS


class UsageResponse(RootModel[UsageAnswer | SomeFieldsAnswer]):
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

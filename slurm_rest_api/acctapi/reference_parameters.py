"""The query parameters of /qos."""

from __future__ import annotations

from pydantic import Field

from slurm_rest_api.acctapi.parameters import Ids, PageParameters
from slurm_rest_api.contract_base import OpenAPIModel
from slurm_rest_api.web.name_lists import CommaList, FewNames
from slurm_rest_api.web.parameters import Parameters


class QosPath(OpenAPIModel):
    """The path of a QOS."""

    name: str = Field(description="Name of the QOS.")


class SingleParameters(Parameters):
    """Parameters of a single record."""

    fields: CommaList | None = Field(None, description="Only these fields, in this order.")


class QosParameters(PageParameters):
    """Parameters of /qos."""

    name: FewNames | None = Field(None, description="QOS with these names.")
    id: Ids | None = Field(None, description="QOS with these ids.")
    deleted: bool = Field(False, description="true: include removed QOS.")
    limit: int | None = Field(None, ge=1, description="QOS per page. Default: all.")

"""The query parameters of /qos and /accounts."""

from __future__ import annotations

from pydantic import Field

from slurm_rest_api.acctapi.parameters import Ids, PageParameters
from slurm_rest_api.contract_base import OpenAPIModel
from slurm_rest_api.web.name_lists import CommaList, FewNames
from slurm_rest_api.web.parameters import Parameters


class QosPath(OpenAPIModel):
    """The path of a QOS."""

    name: str = Field(description="Name of the QOS.")


class AccountPath(OpenAPIModel):
    """The path of an account."""

    name: str = Field(description="Name of the account.")


class SingleParameters(Parameters):
    """Parameters of a single record."""

    fields: CommaList | None = Field(None, description="Only these fields, in this order.")


class QosParameters(PageParameters):
    """Parameters of /qos."""

    name: FewNames | None = Field(None, description="QOS with these names.")
    id: Ids | None = Field(None, description="QOS with these ids.")
    deleted: bool = Field(False, description="true: include removed QOS.")
    limit: int | None = Field(None, ge=1, description="QOS per page. Default: all.")


class AccountsParameters(PageParameters):
    """Parameters of /accounts."""

    name: FewNames | None = Field(None, description="Accounts with these names.")
    parent: FewNames | None = Field(None, description="Accounts directly below these.")
    under: FewNames | None = Field(None, description="These accounts and all below them.")
    user: FewNames | None = Field(None, description="Accounts that these users run under.")
    coordinator: FewNames | None = Field(None, description="Accounts that these users coordinate.")
    organization: FewNames | None = Field(None, description="Accounts of these organizations.")
    deleted: bool = Field(False, description="true: include removed accounts.")
    limit: int | None = Field(None, ge=1, description="Accounts per page. Default: all.")

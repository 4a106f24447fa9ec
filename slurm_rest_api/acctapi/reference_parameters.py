"""The query parameters of /qos, /accounts and /events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import Field

from slurm_rest_api.acctapi.encodings import Times
from slurm_rest_api.acctapi.parameters import Ids, PageParameters, StoredNames
from slurm_rest_api.contract_base import OpenAPIModel
from slurm_rest_api.slurm.node_state_numbers import BASE_STATES, FLAGS
from slurm_rest_api.slurm.states import NODE_STATES, full_name
from slurm_rest_api.web.name_lists import CommaList, FewNames, list_schema, parse_few_names, parsed_with
from slurm_rest_api.web.param_types import NODES_SCHEMA, Text, parse_nodes
from slurm_rest_api.web.parameters import Parameters
from slurm_rest_api.web.timespec import TimeParam

_MAX_NODES: Final = 10_000
_NUMBERS: Final = {**{name: number for number, name in BASE_STATES.items() if number}, **FLAGS}


def _states(texts: Sequence[str]) -> tuple[int, ...]:
    known = {name: NODE_STATES[name] for name in _NUMBERS if name in NODE_STATES}
    return tuple(_NUMBERS[full_name(name, known)] for name in parse_few_names(texts))


def _nodes(texts: Sequence[str]) -> frozenset[str]:
    return frozenset(parse_nodes(texts, _MAX_NODES))


EventStates = Annotated[
    tuple[int, ...], parsed_with(_states), list_schema("One or more, separated by commas.", "DOWN", "drain", "maint")
]
EventNodes = Annotated[frozenset[str], parsed_with(_nodes), NODES_SCHEMA]


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

    name: StoredNames | None = Field(None, description="QOS with these names.")
    id: Ids | None = Field(None, description="QOS with these ids.")
    deleted: bool = Field(False, description="true: include removed QOS.")
    limit: int | None = Field(None, ge=1, description="QOS per page. Default: all.")


class AccountsParameters(PageParameters):
    """Parameters of /accounts."""

    name: StoredNames | None = Field(None, description="Accounts with these names.")
    parent: StoredNames | None = Field(None, description="Accounts directly below these.")
    under: StoredNames | None = Field(None, description="These accounts and all below them.")
    user: FewNames | None = Field(None, description="Accounts that these users run under.")
    coordinator: FewNames | None = Field(None, description="Accounts that these users coordinate.")
    organization: FewNames | None = Field(None, description="Accounts of these organizations.")
    deleted: bool = Field(False, description="true: include removed accounts.")
    limit: int | None = Field(None, ge=1, description="Accounts per page. Default: all.")


class EventsParameters(PageParameters):
    """Parameters of /events."""

    node: EventNodes | None = Field(None, description="Events of this node, or of the nodes of this hostlist.")
    state: EventStates | None = Field(
        None, description="Events with one of these base states or flags: DOWN, DRAIN, MAINTENANCE (maint), FAIL, …"
    )
    reason: Text | None = Field(None, description="Events whose reason has this text.")
    user: FewNames | None = Field(None, description="Events that these users caused, by name or numeric id.")
    event: Literal["node", "cluster"] | None = Field(None, description="Events of nodes, or of the cluster itself.")
    open: bool | None = Field(None, description="true: events that go on. false: those that have ended.")
    since: TimeParam | None = Field(None, description="Events that ended at this time or later, or go on.")
    until: TimeParam | None = Field(None, description="Events that began before this time.")
    group_by: Literal["node", "reason", "state", "user"] | None = Field(
        None,
        description="Events and seconds of nodes for each group, most seconds first. Only seconds between `since` and"
        " `until` count.",
    )
    limit: int = Field(100, ge=1, description="Events or groups per page.")
    times: Times = Field("epoch", description="Format of times: epoch seconds, ISO 8601, or as in /history.")

"""The query parameters of /users and /history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from slurm_rest_api.acctapi.encodings import Times
from slurm_rest_api.acctapi.states import parse_states
from slurm_rest_api.web.name_lists import CommaList, split_names
from slurm_rest_api.web.operator_params import Comparisons
from slurm_rest_api.web.param_types import NODES_SCHEMA, Text, parse_nodes
from slurm_rest_api.web.parameters import Parameters
from slurm_rest_api.web.text_formats import Format
from slurm_rest_api.web.timespec import TimeParam

Id = Annotated[int, Field(ge=0, le=2**32 - 1)]

_MAX_NODES: Final = 100_000


def _from_text(read: Callable[[str], Any]) -> BeforeValidator:
    return BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)


def _nodes(text: str) -> frozenset[str]:
    return frozenset(parse_nodes(text, _MAX_NODES))


_STATES_SCHEMA: Final = WithJsonSchema({"type": "string", "examples": ["FAILED,to,0"]})
States = Annotated[frozenset[int], _from_text(lambda text: parse_states(split_names(text))), _STATES_SCHEMA]
Nodes = Annotated[frozenset[str], _from_text(_nodes), NODES_SCHEMA]


class PageParameters(Parameters):
    """Parameters of both routes."""

    fields: CommaList | None = Field(None, description="Only these fields, in this order.")
    format: Format = Field("json", description="csv, tsv, ndjson and table are sent without the envelope.")
    cursor: Text | None = Field(None, description="Start of the page: the cursor in `meta.next` of the previous page.")


class UsersParameters(PageParameters):
    """Parameters of /users."""

    name: Text | None = Field(None, description="Associations of this user. Same as `user`.")
    user: Text | None = Field(None, description="Associations of this user.")
    acct: Text | None = Field(None, description="Associations with this account.")
    deleted: bool = Field(False, description="true: include removed associations.")
    limit: int | None = Field(None, ge=1, description="Associations per page. Default: all.")


class HistoryParameters(PageParameters):
    """Parameters of /history. `…after` is inclusive, `…before` exclusive."""

    limit: int = Field(10, ge=1, description="Records per page.")
    offset: int = Field(
        0, ge=0, le=2**63 - 1, description="Number of records to skip. A large offset is slow, a `cursor` is not."
    )
    user: Text | None = Field(None, description="Jobs of this user, by name or numeric id.")
    account: Text | None = Field(None, description="Jobs under this account.")
    partition: Text | None = Field(None, description="Jobs in this partition.")
    jobname: Text | None = Field(None, description="Jobs with exactly this name.")
    qos: CommaList | None = Field(None, description="Jobs with one of these QOS.")
    associd: Id | None = Field(None, description="Jobs under the association with this id.")
    node: Nodes | None = Field(None, description="Jobs that ran on this node, or on a node of this hostlist.")
    state: States | None = Field(
        None,
        description="Jobs in one of these states, by number (0 is PENDING) or name: JOB_COMPLETE, COMPLETED, cd.",
    )
    jobid: Comparisons = Field(
        (), description="Job id. Comparisons are written with another operator: `jobid<=987654`, `jobid>5&jobid<10`."
    )
    submitafter: TimeParam | None = Field(None, description="Submitted at this time or later.")
    submitbefore: TimeParam | None = Field(None, description="Submitted before this time.")
    startafter: TimeParam | None = Field(None, description="Started at this time or later.")
    startbefore: TimeParam | None = Field(None, description="Started before this time.")
    endafter: TimeParam | None = Field(None, description="Ended at this time or later.")
    endbefore: TimeParam | None = Field(None, description="Ended before this time.")
    duplicates: bool = Field(
        True,
        description="false: only the latest matching attempt at each job, like sacct without --duplicates.",
    )
    times: Times = Field(
        "classic", description="Format of times: `Mon Nov 23 20:17:47 2026`, ISO 8601, or epoch seconds."
    )

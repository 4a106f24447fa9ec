"""The query parameters of /users and /history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from slurm_rest_api.acctapi.encodings import Times
from slurm_rest_api.acctapi.states import parse_states
from slurm_rest_api.slurm.hostlist import expand_at_most
from slurm_rest_api.web.name_lists import CommaList, split_names
from slurm_rest_api.web.operator_params import Comparisons
from slurm_rest_api.web.parameters import Parameters
from slurm_rest_api.web.text_formats import Format
from slurm_rest_api.web.timespec import Moment

Text = Annotated[str, Field(min_length=1, max_length=1024)]
Id = Annotated[int, Field(ge=0, le=2**32 - 1)]


_MOST_NODES: Final = 100_000


def _from_text(read: Callable[[str], Any]) -> BeforeValidator:
    return BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)


def _nodes(text: str) -> frozenset[str]:
    names = frozenset(expand_at_most(text, _MOST_NODES))
    if not names:
        raise ValueError("expected a node name or a hostlist such as rack[001-003]")
    return names


def _as_text(example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "examples": [example]})


States = Annotated[frozenset[int], _from_text(lambda text: parse_states(split_names(text))), _as_text("FAILED,to,0")]
Nodes = Annotated[frozenset[str], _from_text(_nodes), _as_text("rack[001-003]")]


class PageParameters(Parameters):
    """What both routes have in common."""

    fields: CommaList | None = Field(None, description="Only these fields, in this order.")
    format: Format = Field("json", description="csv, tsv, ndjson and table come without the envelope.")
    cursor: Text | None = Field(None, description="Where the page begins: out of `meta.next` of the page before.")


class UsersParameters(PageParameters):
    """Parameters of /users."""

    name: Text | None = Field(None, description="Associations of this user; the same as `user`.")
    user: Text | None = Field(None, description="Associations of this user.")
    acct: Text | None = Field(None, description="Associations with this account.")
    deleted: bool = Field(False, description="Removed associations as well.")
    limit: int | None = Field(None, ge=1, description="Associations a page; all of them without it.")


class HistoryParameters(PageParameters):
    """Parameters of /history. `…after` is inclusive, `…before` exclusive."""

    limit: int = Field(10, ge=1, description="Records a page.")
    offset: int = Field(
        0, ge=0, le=2**63 - 1, description="Skip so many records; costs more the more it skips, `cursor` does not."
    )
    user: Text | None = Field(None, description="Jobs of this user, by name or numeric id.")
    account: Text | None = Field(None, description="Jobs under this account.")
    partition: Text | None = Field(None, description="Jobs in this partition.")
    jobname: Text | None = Field(None, description="Jobs of this name, to the letter.")
    qos: CommaList | None = Field(None, description="Jobs with one of these QOS.")
    associd: Id | None = Field(None, description="Jobs under the association with this id.")
    node: Nodes | None = Field(None, description="Jobs that ran on this node, or on one of this hostlist.")
    state: States | None = Field(
        None,
        description="Jobs in one of these states, by number (0 is PENDING) or name: JOB_COMPLETE, COMPLETED, cd.",
    )
    jobid: Comparisons = Field(
        (), description="Job id, with an operator in place of the equals sign: `jobid<=987654`, `jobid>5&jobid<10`."
    )
    submitafter: Moment | None = Field(None, description="Submitted at this time or later.")
    submitbefore: Moment | None = Field(None, description="Submitted before this time.")
    startafter: Moment | None = Field(None, description="Started at this time or later.")
    startbefore: Moment | None = Field(None, description="Started before this time.")
    endafter: Moment | None = Field(None, description="Ended at this time or later.")
    endbefore: Moment | None = Field(None, description="Ended before this time.")
    duplicates: bool = Field(
        True,
        description="false: of the attempts at a job only the latest that matches, like sacct without --duplicates.",
    )
    times: Times = Field(
        "classic", description="How times are written: `Mon Nov 23 20:17:47 2026`, ISO 8601, or epoch seconds."
    )

"""The query parameters of /users, /history, /history/{id} and its steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from slurm_rest_api.acctapi.encodings import Times
from slurm_rest_api.acctapi.states import parse_states
from slurm_rest_api.acctapi.sums_contract import Groups
from slurm_rest_api.contract_base import OpenAPIModel
from slurm_rest_api.slurm.stored_names import spellings
from slurm_rest_api.web.job_ids import JobIdFilterParam
from slurm_rest_api.web.name_lists import (
    CommaList,
    FewNames,
    list_schema,
    parse_few_names,
    parsed_with,
)
from slurm_rest_api.web.param_types import NODES_SCHEMA, Text, parse_nodes
from slurm_rest_api.web.parameters import Parameters
from slurm_rest_api.web.text_formats import Format
from slurm_rest_api.web.timespec import TimeParam

_MAX_NODES: Final = 100_000
_LARGEST_ID: Final = 2**32 - 1


def _nodes(texts: Sequence[str]) -> frozenset[str]:
    return frozenset(parse_nodes(texts, _MAX_NODES))


def _states(texts: Sequence[str]) -> frozenset[int]:
    return parse_states(parse_few_names(texts))


def _users(texts: Sequence[str]) -> tuple[str, ...]:
    users = parse_few_names(texts)
    if len({is_number(user) for user in users}) > 1:
        raise ValueError("expected either names or numeric ids of users")
    return users


def _ids(texts: Sequence[str]) -> frozenset[int]:
    names = parse_few_names(texts)
    if not all(is_number(name) and int(name) <= _LARGEST_ID for name in names):
        raise ValueError(f"expected whole numbers up to {_LARGEST_ID}")
    return frozenset(map(int, names))


def is_number(text: str) -> bool:
    """Returns True if `text` is a whole number of at most ten digits, such as the id of a user."""
    return text.isascii() and text.isdigit() and len(text) <= 10


def _stored_names(texts: Sequence[str]) -> tuple[str, ...]:
    return spellings(parse_few_names(texts))


_SEVERAL: Final = "One or more, separated by commas."
States = Annotated[frozenset[int], parsed_with(_states), list_schema(_SEVERAL, "FAILED", "to", "0")]
Nodes = Annotated[frozenset[str], parsed_with(_nodes), NODES_SCHEMA]
Users = Annotated[tuple[str, ...], parsed_with(_users), list_schema(_SEVERAL)]
StoredNames = Annotated[tuple[str, ...], parsed_with(_stored_names), list_schema(_SEVERAL)]
Ids = Annotated[frozenset[int], parsed_with(_ids), list_schema(_SEVERAL, "7")]


class PageParameters(Parameters):
    """Parameters of both routes."""

    fields: CommaList | None = Field(None, description="Only these fields, in this order.")
    format: Format = Field("json", description="csv, tsv, ndjson and table are sent without the envelope.")
    cursor: Text | None = Field(None, description="Start of the page: the cursor in `meta.next` of the previous page.")


class UsersParameters(PageParameters):
    """Parameters of /users."""

    name: FewNames | None = Field(None, description="Associations of these users. Same as `user`.")
    user: FewNames | None = Field(None, description="Associations of these users.")
    acct: StoredNames | None = Field(None, description="Associations with these accounts.")
    deleted: bool = Field(False, description="true: include removed associations.")
    limit: int | None = Field(None, ge=1, description="Associations per page. Default: all.")


class HistoryParameters(PageParameters):
    """Parameters of /history. `…after` is inclusive, `…before` exclusive."""

    limit: int = Field(
        10, ge=1, description="Records per page. With `group_by`: groups, by default `database.history_max_limit`."
    )
    offset: int = Field(
        0, ge=0, le=2**63 - 1, description="Number of records to skip. A large offset is slow, a `cursor` is not."
    )
    user: Users | None = Field(None, description="Jobs of these users, by name or numeric id.")
    account: StoredNames | None = Field(None, description="Jobs under these accounts.")
    partition: FewNames | None = Field(None, description="Jobs in one of these partitions.")
    jobname: FewNames | None = Field(
        None, description="Jobs with exactly these names. A backslash takes the next character literally."
    )
    qos: StoredNames | None = Field(None, description="Jobs with one of these QOS.")
    associd: Ids | None = Field(None, description="Jobs under the associations with these ids.")
    node: Nodes | None = Field(None, description="Jobs that ran on this node, or on a node of this hostlist.")
    state: States | None = Field(
        None,
        description="Jobs in one of these states, by number (0 is PENDING) or name: JOB_COMPLETE, COMPLETED, cd.",
    )
    jobid: JobIdFilterParam | None = Field(
        None,
        description="Any of these jobs, at most 1,000: 123, 12_3 (array task), 12+1 (component of a heterogeneous job)."
        " Comparisons have their operator in place of the equals sign, and all have to hold: `jobid<=987654`,"
        " `jobid>5&jobid<10`.",
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
    group_by: Groups | None = Field(
        None,
        description="Sums for each group instead of records: jobs by state, CPU, GPU and memory hours, waits,"
        " efficiency. It needs a time window or another filter that an index serves.",
    )
    sort: CommaList | None = Field(
        None,
        description="With `group_by`: sort by these fields, `-` before one for descending. Default: `day`, then"
        " `-cpu_hours`.",
    )
    times: Times = Field(
        "classic", description="Format of times: `Mon Nov 23 20:17:47 2026`, ISO 8601, or epoch seconds."
    )


class HistoryPath(OpenAPIModel):
    """The path of a job."""

    id: str = Field(description="Job id: 123, 123_7 (array task) or 123+1 (component of a heterogeneous job).")


class AttemptsParameters(PageParameters):
    """Parameters of /history/{id}."""

    limit: int = Field(100, ge=1, description="Records per page.")
    duplicates: bool = Field(
        True, description="false: only the latest attempt at each job, like sacct without --duplicates."
    )
    times: Times = Field(
        "classic", description="Format of times: `Mon Nov 23 20:17:47 2026`, ISO 8601, or epoch seconds."
    )


class StepsParameters(AttemptsParameters):
    """Parameters of /history/{id}/steps."""

    limit: int = Field(100, ge=1, description="Steps per page.")
    duplicates: bool = Field(
        True, description="false: only steps of the latest attempt at each job, like sacct without --duplicates."
    )

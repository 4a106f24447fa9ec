"""The query parameters of the live routes. `…after` is inclusive, `…before` exclusive."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from slurm_rest_api.contract_base import OpenAPIModel
from slurm_rest_api.slurm.states import JOB_STATES, NODE_STATES, PARTITION_STATES, full_names
from slurm_rest_api.web.name_lists import (
    MAX_NAMES,
    NAME_FILTER_SCHEMA,
    CommaList,
    NameFilter,
    NameFilterParam,
    parse_name_filter,
    split_names,
)
from slurm_rest_api.web.operator_params import Comparisons
from slurm_rest_api.web.param_types import NODES_SCHEMA, Text, parse_nodes
from slurm_rest_api.web.parameters import Parameters
from slurm_rest_api.web.text_formats import Format
from slurm_rest_api.web.timespec import TimeParam

MOST_NODES: Final = 10_000
_ARRAY: Final = re.compile(r"(\d{1,10})(?:_(\d{1,10}))?", re.ASCII)


def _states(states: Mapping[str, Any]) -> BeforeValidator:
    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        choice = parse_name_filter(value, lambda text: full_names(text, states))
        if sum(len(names.split("+")) for names in (*choice.include, *choice.exclude)) > MAX_NAMES:
            raise ValueError(f"expected at most {MAX_NAMES} states")
        return choice

    return BeforeValidator(read)


def _nodes(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return parse_nodes(value, MOST_NODES)


def _arrays(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    matches = [_ARRAY.fullmatch(name) for name in split_names(value)]
    if None in matches or len(matches) > 200:
        raise ValueError("expected array job ids such as 123 or 123_7, at most 200 of them")
    return tuple((int(found[1]), None if found[2] is None else int(found[2])) for found in matches if found)


JobStates = Annotated[NameFilter, _states(JOB_STATES), NAME_FILTER_SCHEMA]
NodeStates = Annotated[NameFilter, _states(NODE_STATES), NAME_FILTER_SCHEMA]
PartitionStates = Annotated[NameFilter, _states(PARTITION_STATES), NAME_FILTER_SCHEMA]
Nodes = Annotated[tuple[str, ...], BeforeValidator(_nodes), NODES_SCHEMA]
Arrays = Annotated[
    tuple[tuple[int, int | None], ...],
    BeforeValidator(_arrays),
    WithJsonSchema({"type": "string", "examples": ["123", "123_7"]}),
]


TIMES: Final = frozenset(("submitafter", "submitbefore", "startafter", "startbefore"))
"""Parameters that are points in time. They may be relative to now."""


class JobPath(OpenAPIModel):
    """The path of a job."""

    jobid: str = Field(description="Job id: 123, 123_7 (a task of an array), 123+1 (a part of a heterogeneous job).")


class NamePath(OpenAPIModel):
    """The path of a node or a partition."""

    name: str = Field(description="Its name.")


class RecordParameters(Parameters):
    """Parameters of a single record."""

    fields: CommaList | None = Field(None, description="Only these fields, in this order.")


class ListParameters(RecordParameters):
    """Parameters that all routes of records share."""

    sort: CommaList | None = Field(
        None, description="Order by these fields, `-` before one for descending; ties by id or name."
    )
    limit: int | None = Field(None, ge=1, le=1_000_000, description="Records a page; all of them without it.")
    cursor: Text | None = Field(None, description="Where the page begins: out of `meta.next` of the page before.")
    shape: Literal["object", "list"] = Field("object", description="`list`: `data` is a list in the order of `sort`.")
    format: Format = Field("json", description="ndjson, csv, tsv and table come without the envelope.")
    count: bool = Field(False, description="Only numbers: how many records, and what they add up to.")
    since: Text | None = Field(
        None,
        description="`meta.version` of an earlier answer to the same query: only what changed after it, and in"
        " `meta.gone` the keys that are gone.",
    )


class QueueParameters(ListParameters):
    """Parameters of /queue."""

    user: NameFilterParam | None = Field(None, description="Jobs of these users.")
    account: NameFilterParam | None = Field(None, description="Jobs under these accounts.")
    partition: NameFilterParam | None = Field(None, description="Jobs in these partitions, or waiting for one of them.")
    state: JobStates | None = Field(
        None, description="Jobs in these states: RUNNING, r, !CD; in all of those that `+` joins."
    )
    name: NameFilterParam | None = Field(None, description="Jobs of these names; `*` stands for anything.")
    qos: NameFilterParam | None = Field(None, description="Jobs with these QOS.")
    reason: NameFilterParam | None = Field(None, description="Jobs with these reasons: Priority, Resources.")
    jobid: Comparisons = Field(
        (),
        max_length=20,
        description="Job id, with an operator in place of the equals sign: `jobid<=987654`, `jobid>5&jobid<10`.",
    )
    array: Arrays | None = Field(
        None,
        description="Jobs of these arrays (123), or these tasks (123_7), whose record may be that of all that wait.",
    )
    node: Nodes | None = Field(None, description="Jobs on one of these nodes.")
    submitafter: TimeParam | None = Field(None, description="Submitted at this time or later.")
    submitbefore: TimeParam | None = Field(None, description="Submitted before this time.")
    startafter: TimeParam | None = Field(None, description="Started, or expected to start, at this time or later.")
    startbefore: TimeParam | None = Field(None, description="Started, or expected to start, before this time.")
    group_by: Literal["user", "account", "partition", "state", "qos", "reason", "name"] | None = Field(
        None, description="Numbers as of `count` for each of these. A job that waits for several partitions is in each."
    )
    clock: bool = Field(
        False,
        description="With `since`: also run_time, run_time_str, run_time_remaining and elapsed_cpu_time of jobs to"
        " which nothing else has happened.",
    )


class NodesParameters(ListParameters):
    """Parameters of /nodes."""

    state: NodeStates | None = Field(
        None,
        description="Nodes with one of these states or flags: IDLE, mix, !DRAIN; with all of those that `+` joins:"
        " MIXED+DRAIN.",
    )
    partition: NameFilterParam | None = Field(None, description="Nodes of these partitions.")
    name: Nodes | None = Field(None, description="These nodes, as a hostlist.")
    feature: NameFilterParam | None = Field(None, description="Nodes with these features.")
    gres: NameFilterParam | None = Field(
        None, description="Nodes with these generic resources: gpu, gpu:a100, gpu:a100:4."
    )
    group_by: Literal["state", "partition", "feature"] | None = Field(
        None, description="Numbers as of `count` for each of these. A node is in each of its partitions and features."
    )


class PartitionsParameters(ListParameters):
    """Parameters of /partitions."""

    name: NameFilterParam | None = Field(None, description="These partitions.")
    state: PartitionStates | None = Field(None, description="Partitions in these states.")
    group_by: Literal["state"] | None = Field(None, description="Numbers as of `count` for each of these.")


class StatsParameters(RecordParameters):
    """Parameters of /stats."""

    format: Format = Field(
        "json", description="csv, tsv, ndjson and table have a row for each figure: its name and its value."
    )


class UsageParameters(Parameters):
    """Parameters of /usage."""

    compact: bool = Field(False, description="Leave nodes out of a partition that do not belong to it.")
    partition: NameFilterParam | None = Field(None, description="Only these partitions.")
    node: Nodes | None = Field(None, description="Under each partition only these nodes, as a hostlist.")
    fields: CommaList | None = Field(
        None,
        description="Only these fields; `partitions.partition_load` for one of each partition,"
        " `partitions.nodes.running_jobs` for one of each of its nodes.",
    )
    format: Format = Field(
        "json", description="csv, tsv and table have a row for each partition, without its nodes; ndjson has them, too."
    )

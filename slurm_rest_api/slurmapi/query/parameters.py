"""The query parameters of the live routes. `…after` is inclusive, `…before` exclusive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from slurm_rest_api.contract_base import OpenAPIModel
from slurm_rest_api.slurm.node_words import NODE_FILTERS
from slurm_rest_api.slurm.states import JOB_STATES, PARTITION_STATES, full_names
from slurm_rest_api.web.job_ids import JobId, JobIdFilterParam, parse_job_id
from slurm_rest_api.web.name_lists import (
    MAX_NAMES,
    NAME_FILTER_SCHEMA,
    CommaList,
    NameFilter,
    NameFilterParam,
    PatternFilterParam,
    list_schema,
    parse_name_filter,
    parsed_with,
    split_names,
    unescape,
)
from slurm_rest_api.web.number_filter import NumberFilterParam, TimeLimitParam
from slurm_rest_api.web.param_types import NODES_SCHEMA, Text, parse_nodes
from slurm_rest_api.web.parameters import Parameters
from slurm_rest_api.web.text_formats import Format
from slurm_rest_api.web.timespec import TimeParam

MOST_NODES: Final = 10_000


def _states(states: Mapping[str, Any]) -> BeforeValidator:
    def parse(texts: Sequence[str]) -> NameFilter:
        choice = parse_name_filter(texts, lambda name: full_names(unescape(name), states))
        if sum(len(names.split("+")) for names in (*choice.include, *choice.exclude)) > MAX_NAMES:
            raise ValueError(f"expected at most {MAX_NAMES} states")
        return choice

    return parsed_with(parse)


def _nodes(texts: Sequence[str]) -> tuple[str, ...]:
    return parse_nodes(texts, MOST_NODES)


def _arrays(texts: Sequence[str]) -> tuple[JobId, ...]:
    expected = f"expected array job ids such as 123 or 123_7, at most {MAX_NAMES} of them"
    try:
        found = tuple(map(parse_job_id, split_names(texts)))
    except ValueError:
        raise ValueError(expected) from None
    if len(found) > MAX_NAMES or any(job.component is not None for job in found):
        raise ValueError(expected)
    return found


JobStates = Annotated[NameFilter, _states(JOB_STATES), NAME_FILTER_SCHEMA]
NodeStates = Annotated[NameFilter, _states(NODE_FILTERS), NAME_FILTER_SCHEMA]
PartitionStates = Annotated[NameFilter, _states(PARTITION_STATES), NAME_FILTER_SCHEMA]
Nodes = Annotated[tuple[str, ...], parsed_with(_nodes), NODES_SCHEMA]
Arrays = Annotated[
    tuple[JobId, ...], parsed_with(_arrays), list_schema("One or more, separated by commas.", "123", "123_7")
]


def _numbers(field: str) -> str:
    """Returns the description of a filter of numbers."""
    return f"{field}: one or more numbers, or comparisons, which all have to hold (<, <=, >, >= in place of =)."


_UNKNOWN_TIME: Final = " An unknown time (0) meets no comparison."

TIMES: Final = frozenset(("submitafter", "submitbefore", "startafter", "startbefore", "endafter", "endbefore"))
"""Parameters that are points in time. They may be relative to now."""


_JobGroup = Literal[
    "user", "account", "partition", "state", "qos", "reason", "name", "user,state", "account,state", "qos,state"
]


class JobPath(OpenAPIModel):
    """The path of a job."""

    jobid: str = Field(description="Job id: 123, 123_7 (array task) or 123+1 (component of a heterogeneous job).")


class NamePath(OpenAPIModel):
    """The path of a record with a name."""

    name: str = Field(description="Name of the node, partition, reservation or license.")


class RecordParameters(Parameters):
    """Parameters of a single record."""

    fields: CommaList | None = Field(None, description="Only these fields, in this order.")


class ListParameters(RecordParameters):
    """Parameters that all routes of records share."""

    sort: CommaList | None = Field(
        None, description="Sort by these fields, `-` before one for descending. Equal records are sorted by id or name."
    )
    limit: int | None = Field(
        None, ge=1, le=1_000_000, description="Largest number of records in a page. Default: all records."
    )
    cursor: Text | None = Field(None, description="Start of the page, from `meta.next` of the previous page.")
    shape: Literal["object", "list"] = Field("object", description="`list`: `data` is a list in the order of `sort`.")
    format: Format = Field("json", description="Format of the body. ndjson, csv, tsv and table have no envelope.")
    count: bool = Field(False, description="Only the number of matching records and the sums of their fields.")
    since: Text | None = Field(
        None,
        description="`meta.version` of an earlier response to the same query. Returns only the records that changed"
        " after it, and in `meta.gone` the keys of removed records. Clients poll with it.",
    )


class QueueParameters(ListParameters):
    """Parameters of /queue."""

    user: NameFilterParam | None = Field(None, description="Jobs of these users.")
    account: NameFilterParam | None = Field(None, description="Jobs under these accounts.")
    partition: NameFilterParam | None = Field(None, description="Jobs in these partitions, or pending for one of them.")
    state: JobStates | None = Field(
        None, description="Jobs in these states: RUNNING, r, !CD. `+` joins states that a job has at once."
    )
    name: PatternFilterParam | None = Field(
        None, description="Jobs with these names. `*` matches any text. A backslash takes the next character literally."
    )
    qos: NameFilterParam | None = Field(None, description="Jobs with these QOS.")
    reason: NameFilterParam | None = Field(None, description="Jobs with these reasons: Priority, Resources.")
    jobid: JobIdFilterParam | None = Field(
        None,
        description="Any of these jobs, at most 1,000: 123, 12_3 (array task), 12+1 (component of a heterogeneous job)."
        " Comparisons have their operator in place of the equals sign, and all have to hold: `jobid<=987654`,"
        " `jobid>5&jobid<10`.",
    )
    array: Arrays | None = Field(
        None,
        description="Jobs of these arrays (123) or array tasks (123_7). Pending tasks of an array share one record.",
    )
    node: Nodes | None = Field(None, description="Jobs on one of these nodes.")
    submitafter: TimeParam | None = Field(None, description="Submitted at this time or later.")
    submitbefore: TimeParam | None = Field(None, description="Submitted before this time.")
    startafter: TimeParam | None = Field(None, description="Started, or expected to start, at this time or later.")
    startbefore: TimeParam | None = Field(None, description="Started, or expected to start, before this time.")
    num_cpus: NumberFilterParam | None = Field(None, description=_numbers("CPUs, allocated or requested"))
    num_nodes: NumberFilterParam | None = Field(None, description=_numbers("Nodes, allocated or requested"))
    memory: NumberFilterParam | None = Field(None, description=_numbers("Memory of the whole job in MiB"))
    gpus: NumberFilterParam | None = Field(
        None,
        description=_numbers("GPUs that the job holds, or requests if it holds nothing: the sum `gpus` of `count`"),
    )
    tasks: NumberFilterParam | None = Field(
        None,
        description=_numbers("Array tasks in the record: the sum `tasks` of `count`, 1 for a job without an array"),
    )
    priority: NumberFilterParam | None = Field(None, description=_numbers("Scheduling priority"))
    time_limit: TimeLimitParam | None = Field(
        None,
        description=_numbers("Time limit in minutes")
        + " `UNLIMITED` is greater than every number. `Partition_Limit` meets no comparison.",
    )
    run_time: NumberFilterParam | None = Field(
        None, description=_numbers("Seconds that the job had run") + " Cannot be combined with `since`."
    )
    submit_time: NumberFilterParam | None = Field(None, description=_numbers("Time of the submission, epoch seconds"))
    start_time: NumberFilterParam | None = Field(
        None, description=_numbers("Time of the start, epoch seconds") + _UNKNOWN_TIME
    )
    end_time: NumberFilterParam | None = Field(
        None, description=_numbers("Time of the end, epoch seconds") + _UNKNOWN_TIME
    )
    group_by: _JobGroup | None = Field(
        None,
        description="The numbers of `count` for each group. A job that is pending for two partitions is in both."
        " `user,state` has the numbers of each state in each group.",
    )
    clock: bool = Field(
        False,
        description="With `since`: also run_time, run_time_str, run_time_remaining and elapsed_cpu_time of jobs that"
        " did not change otherwise.",
    )


class NodesParameters(ListParameters):
    """Parameters of /nodes."""

    state: NodeStates | None = Field(
        None,
        description="Nodes with one of these states or flags: IDLE, mix, !DRAIN. `available`: nodes that can take jobs"
        " now. `+` joins states that a node has at once: MIXED+DRAIN.",
    )
    partition: NameFilterParam | None = Field(None, description="Nodes of these partitions.")
    name: Nodes | None = Field(None, description="These nodes, as a hostlist.")
    feature: NameFilterParam | None = Field(None, description="Nodes with these features.")
    gres: NameFilterParam | None = Field(
        None, description="Nodes with these generic resources: gpu, gpu:a100, gpu:a100:4."
    )
    gpu_type: NameFilterParam | None = Field(
        None, description="Nodes with GPUs of these models: a100. The models are the types of their GRES."
    )
    cpus: NumberFilterParam | None = Field(None, description=_numbers("CPUs"))
    alloc_cpus: NumberFilterParam | None = Field(None, description=_numbers("CPUs allocated to jobs"))
    idle_cpus: NumberFilterParam | None = Field(
        None, description=_numbers("CPUs that no job holds, whatever the state of the node")
    )
    cpu_load: NumberFilterParam | None = Field(None, description=_numbers("Load average times 100"))
    real_memory: NumberFilterParam | None = Field(None, description=_numbers("Memory in MiB"))
    alloc_mem: NumberFilterParam | None = Field(None, description=_numbers("Memory allocated to jobs in MiB"))
    idle_mem: NumberFilterParam | None = Field(None, description=_numbers("Memory that no job holds in MiB"))
    free_mem: NumberFilterParam | None = Field(
        None, description=_numbers("Free memory in MiB, as the operating system has it")
    )
    weight: NumberFilterParam | None = Field(None, description=_numbers("Scheduling weight"))
    gpus: NumberFilterParam | None = Field(None, description=_numbers("GPUs, of all models"))
    free_gpus: NumberFilterParam | None = Field(
        None, description=_numbers("GPUs that no job holds, of all models, whatever the state of the node")
    )
    group_by: Literal["state", "partition", "feature"] | None = Field(
        None, description="The numbers of `count` for each group. A node is in each of its partitions and features."
    )


class PartitionsParameters(ListParameters):
    """Parameters of /partitions."""

    name: NameFilterParam | None = Field(None, description="These partitions.")
    state: PartitionStates | None = Field(None, description="Partitions in these states.")
    total_nodes: NumberFilterParam | None = Field(None, description=_numbers("Number of nodes"))
    total_cpus: NumberFilterParam | None = Field(None, description=_numbers("Number of CPUs"))
    priority_tier: NumberFilterParam | None = Field(None, description=_numbers("Priority tier"))
    group_by: Literal["state"] | None = Field(None, description="The numbers of `count` for each group.")


class ReservationsParameters(ListParameters):
    """Parameters of /reservations."""

    name: NameFilterParam | None = Field(None, description="These reservations.")
    user: NameFilterParam | None = Field(None, description="Reservations that name these users.")
    account: NameFilterParam | None = Field(None, description="Reservations that name these accounts.")
    partition: NameFilterParam | None = Field(
        None, description="Reservations in these partitions, or of nodes in these partitions."
    )
    node: Nodes | None = Field(None, description="Reservations of one of these nodes.")
    flag: NameFilterParam | None = Field(None, description="Reservations with these flags: MAINT, FLEX.")
    active: bool | None = Field(None, description="true: reservations that are active. false: those that are not.")
    startafter: TimeParam | None = Field(None, description="Start at this time or later.")
    startbefore: TimeParam | None = Field(None, description="Start before this time.")
    endafter: TimeParam | None = Field(None, description="End at this time or later.")
    endbefore: TimeParam | None = Field(None, description="End before this time.")
    group_by: Literal["state", "partition", "user", "account", "flag"] | None = Field(
        None, description="The numbers of `count` for each group. A reservation is in each of its users and accounts."
    )


class LicensesParameters(ListParameters):
    """Parameters of /licenses."""

    name: NameFilterParam | None = Field(None, description="These licenses.")


class StatsParameters(RecordParameters):
    """Parameters of /stats."""

    format: Format = Field(
        "json", description="Format of the body. csv, tsv, ndjson and table have a row for each figure: name and value."
    )


class UsageParameters(Parameters):
    """Parameters of /usage."""

    compact: bool = Field(False, description="Leave out the nodes of other partitions under each partition.")
    partition: NameFilterParam | None = Field(None, description="Only these partitions.")
    node: Nodes | None = Field(None, description="Under each partition only these nodes, as a hostlist.")
    fields: CommaList | None = Field(
        None,
        description="Only these fields. `partitions.partition_load` is a field of each partition,"
        " `partitions.nodes.running_jobs` one of each of its nodes.",
    )
    format: Format = Field(
        "json",
        description="Format of the body. csv, tsv and table have a row for each partition, without its nodes. ndjson"
        " has the nodes too.",
    )

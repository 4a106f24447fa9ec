"""Translates the filters of a query to conditions on the store's columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from slurm_rest_api.slurmapi.query.parameters import (
    LicensesParameters,
    ListParameters,
    NodesParameters,
    PartitionsParameters,
    QueueParameters,
    ReservationsParameters,
)
from slurm_rest_api.slurmapi.store.conditions import (
    FEW_WORDS,
    Condition,
    Operator,
    all_of,
    any_of,
    compares,
    has_any_word,
    has_key,
    has_selective_word,
    has_waiting_task,
    is_job,
    is_like,
    is_number,
    none_of,
    once_per_value,
    one_of,
)
from slurm_rest_api.slurmapi.store.index_columns import Kind, Value
from slurm_rest_api.web.job_ids import JobId, JobIdFilter
from slurm_rest_api.web.name_lists import NameFilter, split_pattern
from slurm_rest_api.web.number_filter import NumberFilter


def of_queue(query: QueueParameters) -> Condition:
    """Returns the condition for the requested jobs."""
    return all_of(list(_of_queue(query)))


def of_nodes(query: NodesParameters) -> Condition:
    """Returns the condition for the requested nodes."""
    return all_of(
        [
            *chosen(query.state, lambda names: _in_states("nodes", names)),
            *chosen(query.partition, lambda names: has_any_word("nodes", "partition_words", names)),
            *chosen(query.feature, lambda names: has_any_word("nodes", "feature_words", names)),
            *chosen(query.gres, lambda names: has_any_word("nodes", "gres_words", names)),
            *chosen(
                query.gpu_type, lambda names: has_any_word("nodes", "gres_words", [f"gpu:{name}" for name in names])
            ),
            *_numbers("nodes", query),
            *([] if query.name is None else [has_key(query.name)]),
        ]
    )


def of_partitions(query: PartitionsParameters) -> Condition:
    """Returns the condition for the requested partitions."""
    return all_of(
        [
            *chosen(query.name, lambda names: one_of("key", names)),
            *chosen(query.state, lambda names: one_of("state", names)),
            *_numbers("partitions", query),
        ]
    )


def of_reservations(query: ReservationsParameters) -> Condition:
    """Returns the condition for the requested reservations."""
    return all_of(list(_of_reservations(query)))


def of_licenses(query: LicensesParameters) -> Condition:
    """Returns the condition for the requested licenses."""
    return all_of(list(chosen(query.name, lambda names: one_of("key", names))))


def _of_reservations(query: ReservationsParameters) -> Iterator[Condition]:
    yield from chosen(query.name, lambda names: one_of("key", names))
    yield from chosen(query.user, lambda names: has_any_word("reservations", "user_words", names))
    yield from chosen(query.account, lambda names: has_any_word("reservations", "account_words", names))
    yield from chosen(query.partition, lambda names: has_any_word("reservations", "partition_words", names))
    yield from chosen(query.flag, lambda names: has_any_word("reservations", "flag_words", _upper(names)))
    if query.node is not None:
        yield has_selective_word("reservations", "node_words", query.node)
    if query.active is not None:
        is_active = compares("state", "=", "ACTIVE")
        yield is_active if query.active else none_of([is_active])
    yield from _time("start_time", ">=", query.startafter)
    yield from _time("start_time", "<", query.startbefore)
    yield from _time("end_time", ">=", query.endafter)
    yield from _time("end_time", "<", query.endbefore)


def _upper(names: Sequence[str]) -> list[str]:
    return [name.upper() for name in names]


def _of_queue(query: QueueParameters) -> Iterator[Condition]:
    yield from chosen(query.user, lambda names: one_of("user_name", names))
    yield from chosen(query.account, lambda names: one_of("account", names))
    yield from chosen(query.partition, lambda names: has_any_word("queue", "partition_words", names))
    yield from chosen(query.state, lambda names: _in_states("queue", names))
    yield from chosen(query.name, _named)
    yield from chosen(query.qos, lambda names: one_of("qos", names))
    yield from chosen(query.reason, lambda names: one_of("reason COLLATE NOCASE", names))
    if query.jobid is not None:
        yield from _jobs(query.jobid)
    if query.array is not None:
        yield any_of(map(_array, query.array))
    if query.node is not None:
        yield has_selective_word("queue", "node_words", query.node)
    yield from _time("submit_time", ">=", query.submitafter)
    yield from _time("submit_time", "<", query.submitbefore)
    yield from _time("start_time", ">=", query.startafter)
    yield from _time("start_time", "<", query.startbefore)
    yield from _numbers("queue", query)


def chosen(choice: NameFilter | None, build: Callable[[Sequence[str]], Condition]) -> Iterator[Condition]:
    """Yields the conditions for the included and for the excluded names of `choice`, as `build` makes them."""
    if choice is not None and choice.include:
        yield build(choice.include)
    if choice is not None and choice.exclude:
        yield none_of([build(choice.exclude)])


def _named(names: Sequence[str]) -> Condition:
    """Returns the condition for names, of which some are patterns."""
    pieces = [split_pattern(name) for name in names]
    exact = [found[0] for found in pieces if len(found) == 1]
    return any_of(
        [*([one_of("name", exact)] if exact else []), *(is_like("name", found) for found in pieces if len(found) > 1)]
    )


def _in_states(kind: Kind, choices: Sequence[str]) -> Condition:
    """Returns the condition for state expressions: `MIXED+DRAIN` is both, `IDLE+!DRAIN` is one without the other."""
    single = [names for names in choices if "+" not in names]
    combined = [names.split("+") for names in choices if "+" in names]
    all_states = [all_of([_in_state(kind, name) for name in names]) for names in combined]
    condition = any_of([*([has_any_word(kind, "state_words", single)] if single else []), *all_states])
    compared = len(single) + sum(map(len, combined))
    return condition if compared <= FEW_WORDS else once_per_value(kind, "state_words", condition)


def _in_state(kind: Kind, name: str) -> Condition:
    condition = has_any_word(kind, "state_words", [name.removeprefix("!")])
    return none_of([condition]) if name.startswith("!") else condition


def _jobs(jobs: JobIdFilter) -> Iterator[Condition]:
    if jobs.ids:
        yield is_job(jobs.jobs(), jobs.tasks(), jobs.components())
    yield from (compares("key", comparison.operator, comparison.number) for comparison in jobs.comparisons)


def _array(array: JobId) -> Condition:
    """Returns the condition for an array or one of its tasks. Pending tasks share one record."""
    whole = compares("array_job_id", "=", array.job)
    if array.task is None:
        return whole
    started, pending = compares("array_task_id", "=", array.task), has_waiting_task("array_task_str", array.task)
    return all_of([whole, any_of([started, pending])])


_NUMBERS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "queue": (
        "num_cpus", "num_nodes", "memory", "gpus", "tasks", "priority", "time_limit", "run_time", "submit_time",
        "start_time", "end_time",
    ),
    "nodes": (
        "cpus", "alloc_cpus", "idle_cpus", "cpu_load", "real_memory", "alloc_mem", "idle_mem", "free_mem", "weight",
        "gpus", "free_gpus",
    ),
    "partitions": ("total_nodes", "total_cpus", "priority_tier"),
}  # fmt: skip
"""The parameters that are numbers by kind."""

_COLUMNS: Final[Mapping[tuple[Kind, str], str]] = {("nodes", "gpus"): "total_gpus"}
"""The columns of the parameters that have another name."""

_UNKNOWN_TIME: Final = (0,)
_WITHOUT_ORDER: Final[Mapping[str, tuple[Value, ...]]] = {
    "time_limit": ("Partition_Limit",),
    "submit_time": _UNKNOWN_TIME,
    "start_time": _UNKNOWN_TIME,
    "end_time": _UNKNOWN_TIME,
}
"""Values that meet no comparison."""


def _numbers(kind: Kind, query: ListParameters) -> Iterator[Condition]:
    """Yields the conditions of the parameters that are numbers."""
    for name in _NUMBERS[kind]:
        numbers: NumberFilter | None = getattr(query, name)
        if numbers is not None:
            yield is_number(
                _COLUMNS.get((kind, name), name),
                numbers.values,
                numbers.at_least,
                numbers.at_most,
                without_order=_WITHOUT_ORDER.get(name, ()),
            )


def _time(column: str, operator: Operator, epoch: int | None) -> Iterator[Condition]:
    """Yields the conditions for a time. Slurm's 0 is an unknown time, which is neither before nor after any other."""
    if epoch is not None:
        yield compares(column, operator, epoch)
        yield compares(column, ">", 0)

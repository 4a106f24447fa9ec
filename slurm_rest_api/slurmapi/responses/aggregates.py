"""Counts and sums records for `count` and `group_by`."""

from __future__ import annotations

from typing import Any, Final

from slurm_rest_api.slurmapi.query.list_query import ListQuery
from slurm_rest_api.slurmapi.query.record_kinds import RECORD_KINDS, Group
from slurm_rest_api.slurmapi.store.index_columns import Value
from slurm_rest_api.slurmapi.store.reader import StoreView

NO_VALUE: Final = "(null)"
"""The group of the records without a value, as Slurm's commands print it."""

Aggregates = dict[str, int]
"""`count`, and the sum of each field that the kind of record sums."""


Groups = dict[str, Aggregates] | dict[str, dict[str, Aggregates]]
"""The aggregates of each group, or of each value of `Group.then` in each group."""


def aggregates_of(view: StoreView, query: ListQuery) -> tuple[Aggregates | Groups, int]:
    """Returns the count and sums of all matching records, or of each group by name, and the number of the records."""
    group = query.group
    by = () if group is None else tuple(column for column in (group.column, group.then) if column is not None)
    rows = view.groups(query.kind, query.selection.where, RECORD_KINDS[query.kind].sums, by)
    total = sum(found["count"] for _, found in rows)
    if group is None:
        return rows[0][1], total
    if group.then is None:
        return _by_group([(value, aggregates) for (value,), aggregates in rows], group), total
    return _by_group_and_then(rows, group), total


def columns(query: ListQuery) -> list[str]:
    """Returns the heading of a table of aggregates."""
    return [*_group_fields(query), "count", *RECORD_KINDS[query.kind].sums]


def as_rows(query: ListQuery, aggregates: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the aggregates as rows of a table."""
    fields = _group_fields(query)
    if not fields:
        return [aggregates]
    if len(fields) == 1:
        return [{fields[0]: name, **entry} for name, entry in aggregates.items()]
    first, then = fields
    return [{first: name, then: value, **entry} for name, parts in aggregates.items() for value, entry in parts.items()]


def _group_fields(query: ListQuery) -> list[str]:
    return [] if query.group_name is None else query.group_name.split(",")


def _by_group(rows: list[tuple[Value, Aggregates]], group: Group) -> dict[str, Aggregates]:
    groups: dict[str, Aggregates] = {}
    for value, aggregates in rows:
        for name in _group_names(value, group):
            known = groups.setdefault(name, dict.fromkeys(aggregates, 0))
            for key, number in aggregates.items():
                known[key] += number
    return dict(sorted(groups.items()))


def _by_group_and_then(
    rows: list[tuple[tuple[Value, ...], Aggregates]], group: Group
) -> dict[str, dict[str, Aggregates]]:
    parts: dict[str, list[tuple[Value, Aggregates]]] = {}
    for (value, then), aggregates in rows:
        for name in _group_names(value, group):
            parts.setdefault(name, []).append((then, aggregates))
    by_then = Group(column=str(group.then))
    return {name: _by_group(own, by_then) for name, own in sorted(parts.items())}


def _group_names(value: Value, group: Group) -> list[str]:
    if value is None:
        return [NO_VALUE]
    # A partition that is named twice counts once.
    return list(dict.fromkeys(str(value).strip(",").split(","))) if group.words else [str(value)]

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


def aggregates_of(view: StoreView, query: ListQuery) -> Aggregates | dict[str, Aggregates]:
    """Returns the count and sums of all matching records, or of each group in the order of the groups' names."""
    group = query.group
    rows = view.groups(
        query.kind, query.selection.where, RECORD_KINDS[query.kind].sums, None if group is None else group.column
    )
    return rows[0][1] if group is None else _by_group(rows, group)


def columns(query: ListQuery) -> list[str]:
    """Returns the heading of a table of aggregates."""
    group = [] if query.group_name is None else [query.group_name]
    return [*group, "count", *RECORD_KINDS[query.kind].sums]


def as_rows(query: ListQuery, aggregates: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the aggregates as rows of a table."""
    if query.group_name is None:
        return [aggregates]
    return [{query.group_name: name, **entry} for name, entry in aggregates.items()]


def _by_group(rows: list[tuple[Value, Aggregates]], group: Group) -> dict[str, Aggregates]:
    groups: dict[str, Aggregates] = {}
    for value, aggregates in rows:
        for name in _group_names(value, group):
            known = groups.setdefault(name, dict.fromkeys(aggregates, 0))
            for key, number in aggregates.items():
                known[key] += number
    return dict(sorted(groups.items()))


def _group_names(value: Value, group: Group) -> list[str]:
    if value is None:
        return [NO_VALUE]
    # A partition that is named twice counts once.
    return list(dict.fromkeys(str(value).strip(",").split(","))) if group.words else [str(value)]

"""Counts and sums in place of records: what `count` and `group_by` answer."""

from __future__ import annotations

from typing import Any, Final

from slurm_rest_api.slurmapi.query.list_query import ListQuery
from slurm_rest_api.slurmapi.query.record_kinds import RECORD_KINDS, Group
from slurm_rest_api.slurmapi.store.index_columns import Value
from slurm_rest_api.slurmapi.store.reader import StoreView

NOTHING: Final = "(null)"
"""The group of records that have no value, as Slurm's own commands write it."""

Numbers = dict[str, int]


def numbers_of(view: StoreView, question: ListQuery) -> Numbers | dict[str, Numbers]:
    """Number of records and sums: altogether, or by group in the order of the groups' names."""
    kind, where, group = question.kind, question.selection.where, question.group
    column = None if group is None else group.column
    rows = view.groups(kind, where, RECORD_KINDS[kind].sums, column)
    if group is None:
        return rows[0][1]
    return _by_group(rows, group)


def columns(question: ListQuery) -> list[str]:
    """The heading of a table of the same, which also one without any line has."""
    group = [] if question.group_name is None else [question.group_name]
    return [*group, "count", *RECORD_KINDS[question.kind].sums]


def as_records(question: ListQuery, numbers: dict[str, Any]) -> list[dict[str, Any]]:
    """The same as lines of a table."""
    if question.group_name is None:
        return [numbers]
    return [{question.group_name: name, **entry} for name, entry in numbers.items()]


def _by_group(rows: list[tuple[Value, Numbers]], group: Group) -> dict[str, Numbers]:
    found: dict[str, Numbers] = {}
    for value, numbers in rows:
        for name in _names(value, group):
            known = found.setdefault(name, dict.fromkeys(numbers, 0))
            for key, number in numbers.items():
                known[key] += number
    return dict(sorted(found.items()))


def _names(value: Value, group: Group) -> list[str]:
    if value is None:
        return [NOTHING]
    # A partition that is named twice counts once.
    return list(dict.fromkeys(str(value).strip(",").split(","))) if group.words else [str(value)]

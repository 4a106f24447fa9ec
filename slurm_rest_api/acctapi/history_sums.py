"""Sums of job records for each group of `group_by`: jobs by state, hours, waits, efficiency. Independent of HTTP.

The database adds up the records (`acctapi.sums_sql`). This module adds up its rows by the names of the groups, sorts
them, and computes means, percentiles and shares. The filters are those of /history, so nothing counts that a user may
not see.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection

from slurm_rest_api.acctapi import states
from slurm_rest_api.acctapi.association_numbers import AssociationNumbers
from slurm_rest_api.acctapi.column_probe import Schema, require_set
from slurm_rest_api.acctapi.database import Database
from slurm_rest_api.acctapi.day_sums import DaySums
from slurm_rest_api.acctapi.filters import Filters
from slurm_rest_api.acctapi.history import History
from slurm_rest_api.acctapi.list_page import ListPage
from slurm_rest_api.acctapi.parameters import HistoryParameters
from slurm_rest_api.acctapi.sql import KeyRange
from slurm_rest_api.acctapi.sum_groups import Group, Grouping
from slurm_rest_api.acctapi.sum_totals import Total, rows_of
from slurm_rest_api.acctapi.sums_contract import EFFICIENCY_FIELDS, sum_fields
from slurm_rest_api.acctapi.sums_sql import SUMS, SumQuery, efficiency_statements
from slurm_rest_api.acctapi.wait_histogram import NOT_WAITED, percentiles
from slurm_rest_api.auth.data_scope import DataScope
from slurm_rest_api.errors import BadParameter
from slurm_rest_api.web.error_texts import nearest, shown

Record = dict[str, Any]
SumKey = tuple[int]
"""The number of groups before a page."""

_HOUR: Final = 3600
_GPU: Final = "gres/gpu"
_SUM_OF: Final = {
    "elapsed": "elapsed",
    "cpu_hours": "cpu",
    "gpu_hours": "gpu",
    "mem_hours": "mem",
    "wait_mean": "wait",
}
_NEWEST_SECONDS: Final = 2 * 86400
"""Reading the records of this time costs less than finding array tasks that began in it."""

_KEPT_BYTES: Final = 32 * 2**20
"""Most memory of a worker for the sums of past days."""

_MOST_LACKING: Final = 100
"""Most missing associations that a statement names before a record of them is seen."""

_PERCENTILES: Final = frozenset(("wait_median", "wait_p90"))
_INDEXED: Final = ("submitafter", "startafter", "endafter", "user", "account", "associd", "qos", "jobid")


@dataclass
class _Sum:
    total: Total = field(default_factory=Total)
    used: list[float] = field(default_factory=lambda: [0.0] * 4)
    """CPU seconds used and held, MiB seconds used and held."""


class HistorySums:
    """Sums over the records of `history`. A page has at most `most` groups."""

    def __init__(self, database: Database, history: History, most: int) -> None:
        self._database = database
        self._history = history
        self._most = most
        self._numbers = AssociationNumbers()
        self._days = DaySums(_KEPT_BYTES)
        self._without_association: frozenset[int] = frozenset()

    def page(
        self, query: HistoryParameters, fields: Sequence[str], skipped: int, scope: DataScope
    ) -> ListPage[Record, SumKey]:
        """Returns the sums of a page of groups, after the first `skipped` ones. Only `fields` are sure to be right.

        Raises:
            BadParameter: no index can find the records, `sort` is wrong, or there are too many groups.
            ApiError: the database cannot be used, or a statement took too long.
        """
        groups = query.group_by or ()
        _check(query)
        order = _order(query, groups)
        needed = frozenset((*fields, *(name for name, _ in order)))
        found = self._database.run(lambda connection, schema: self._read(connection, schema, query, needed, scope))
        records = [_record(groups, group, total) for group, total in sorted(found.items(), key=_by_name)]
        for name, descending in reversed(order):
            records.sort(key=functools.partial(_sort_key, name), reverse=descending)
        limit = query.limit if "limit" in query.model_fields_set else None
        size = self._most if limit is None else min(limit, self._most)
        shown_to = skipped + size
        more = len(records) > shown_to
        return ListPage(records[skipped:shown_to], (shown_to,) if more else None, truncated=more and size != limit)

    def _read(
        self, connection: Connection, schema: Schema, query: HistoryParameters, needed: frozenset[str], scope: DataScope
    ) -> Mapping[Group, _Sum]:
        if not needed.isdisjoint(EFFICIENCY_FIELDS):
            require_set(schema, "/history", "table_step")
        filters = self._history.filters(connection, schema, query, scope)
        if not (filters.duplicates or filters.is_exact):
            raise BadParameter(
                "`duplicates=false` cannot be combined with `node` in sums. Leave one of them out.",
                parameter="duplicates",
            )
        context = self._history.record_context(connection, schema, "epoch")
        groups = query.group_by or ()
        if "account" in groups:
            # Their records have an account of their own, which the statement has to read.
            lacking = self._history.orphan_association_ids(connection, schema)
            self._without_association |= lacking if len(lacking) <= _MOST_LACKING else frozenset()

        def find_keys(filters: Filters) -> KeyRange:
            return self._key_range(connection, schema, filters)

        while True:
            grouping = Grouping(schema.job, groups, filters, context, self._numbers, self._without_association)
            sums = SumQuery(
                job=schema.job,
                filters=filters,
                range=find_keys(filters),
                keys=grouping.columns,
                sums=frozenset(_SUM_OF[name] for name in needed & _SUM_OF.keys()),
                gpus=_gpus(context.tres),
                is_server=connection.dialect.name != "sqlite",
            )
            question = (groups, *grouping.numbering, self._without_association)
            waits = not needed.isdisjoint(_PERCENTILES)
            totals = self._days.totals(connection, sums, question, find_keys, waits=waits)
            missing = grouping.missing(totals)
            if not missing:
                break
            # Later statements know that.
            self._without_association |= missing
        found: defaultdict[Group, _Sum] = defaultdict(_Sum)
        for keys, total in totals.items():
            for group in grouping.groups(keys):
                found[group].total.add(total)
        if schema.step is not None and not needed.isdisjoint(EFFICIENCY_FIELDS):
            width = len(grouping.columns)
            for statement in efficiency_statements(sums, schema.step):
                for row in rows_of(connection, statement):
                    for group in grouping.groups(row):
                        used = found[group].used
                        used[:] = [known + float(more or 0) for known, more in zip(used, row[width:], strict=True)]
        return found

    def _key_range(self, connection: Connection, schema: Schema, filters: Filters) -> KeyRange:
        """Returns the range of keys. If it ends shortly before the newest key, it is open: that has no late tasks."""
        found = self._history.key_range(connection, schema, filters)
        before = filters.submit_before
        if before is None or before < filters.now - _NEWEST_SECONDS or filters.submit_after is None:
            return found
        return dataclasses.replace(found, submitted_below=None)


def _gpus(tres: Mapping[int, str]) -> frozenset[int]:
    """Returns the numbers of the TRES that count GPUs: the one of all types, else those of the types."""
    return frozenset(number for number, name in tres.items() if name == _GPU) or frozenset(
        number for number, name in tres.items() if name.startswith(f"{_GPU}:")
    )


def _record(groups: Sequence[str], group: Group, found: _Sum) -> Record:
    seconds = dict(zip(SUMS, found.total.sums, strict=True))
    cpu_used, cpu_held, memory_used, memory_held = found.used
    by_state = {states.long_name(state): count for state, count in found.total.states.items()}
    waits = {bucket: count for bucket, count in found.total.waits.items() if bucket != NOT_WAITED}
    waited = sum(waits.values())
    median, ninetieth = percentiles(waits, (0.5, 0.9))
    return {
        **dict(zip(groups, group, strict=True)),
        "jobs": sum(by_state.values()),
        "states": dict(sorted(by_state.items())),
        "elapsed": seconds["elapsed"],
        "cpu_hours": round(seconds["cpu"] / _HOUR, 4),
        "gpu_hours": round(seconds["gpu"] / _HOUR, 4),
        "mem_hours": round(seconds["mem"] / _HOUR, 4),
        "wait_jobs": waited,
        "wait_mean": round(seconds["wait"] / waited, 1) if waited else None,
        "wait_median": median,
        "wait_p90": ninetieth,
        "cpu_efficiency": round(cpu_used / cpu_held, 4) if cpu_held else None,
        "mem_efficiency": round(memory_used / memory_held, 4) if memory_held else None,
    }


def _check(query: HistoryParameters) -> None:
    """Refuses a query whose records no index finds.

    Raises:
        BadParameter: names what to add.
    """
    active = query.state is not None and query.state <= states.ACTIVE
    if not active and all(getattr(query, name) is None for name in _INDEXED):
        names = ", ".join(f"`{name}`" for name in _INDEXED)
        raise BadParameter(
            "`group_by` needs a time window or another filter that an index serves: all records would be read. Add one"
            f" of {names}, or states of jobs that have not ended: `state=PENDING,RUNNING`.",
            parameter="group_by",
        )


def _order(query: HistoryParameters, groups: Sequence[str]) -> list[tuple[str, bool]]:
    """Returns the fields to sort by, and True for a descending one."""
    if query.sort is None:
        return [("day", False), ("cpu_hours", True)] if "day" in groups else [("cpu_hours", True)]
    sortable = [name for name in sum_fields(groups) if name != "states"]
    found: dict[str, bool] = {}
    for name in query.sort:
        plain = name.removeprefix("-")
        if plain not in sortable:
            raise BadParameter(
                f"Invalid `sort`: {shown(name)}.{nearest(plain, sortable)} Sortable fields: {', '.join(sortable)}.",
                parameter="sort",
            )
        found.setdefault(plain, name.startswith("-"))
    return list(found.items())


def _by_name(item: tuple[Group, _Sum]) -> list[tuple[bool, Any]]:
    return [_null_first(name) for name in item[0]]


def _sort_key(name: str, record: Record) -> tuple[bool, Any]:
    return _null_first(record[name])


def _null_first(value: Any) -> tuple[bool, Any]:
    return (value is not None, "" if value is None else value)

"""Sums of job records for each group of `group_by`: jobs by state, hours, waits, efficiency. Independent of HTTP.

The database adds up the records (`acctapi.sums_sql`). This module adds up its rows by the names of the groups, sorts
them, and computes means, percentiles and shares. The filters are those of /history, so nothing counts that a user may
not see.
"""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection

from slurm_rest_api.acctapi import states
from slurm_rest_api.acctapi.association_numbers import AssociationNumbers
from slurm_rest_api.acctapi.column_probe import Schema
from slurm_rest_api.acctapi.database import Database
from slurm_rest_api.acctapi.history import History
from slurm_rest_api.acctapi.list_page import ListPage
from slurm_rest_api.acctapi.parameters import HistoryParameters
from slurm_rest_api.acctapi.sum_groups import Group, Grouping
from slurm_rest_api.acctapi.sums_contract import EFFICIENCY_FIELDS, sum_fields
from slurm_rest_api.acctapi.sums_sql import (
    MOST_GROUPS,
    SUMS,
    SumQuery,
    efficiency_statements,
    sum_statements,
    wait_statements,
)
from slurm_rest_api.acctapi.wait_histogram import NOT_WAITED, percentile
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
_PERCENTILES: Final = frozenset(("wait_median", "wait_p90"))
_INDEXED: Final = ("submitafter", "startafter", "endafter", "user", "account", "associd", "qos", "jobid")


@dataclass
class _Sum:
    states: Counter[int] = field(default_factory=Counter)
    waited: int = 0
    waits: Counter[int] = field(default_factory=Counter)
    """Numbers of waits by bucket, if a percentile is needed."""
    seconds: Counter[str] = field(default_factory=Counter)
    """Sums by the names of `SUMS`."""
    used: list[float] = field(default_factory=lambda: [0.0] * 4)
    """CPU seconds used and held, MiB seconds used and held."""


class HistorySums:
    """Sums over the records of `history`. A page has at most `most` groups."""

    def __init__(self, database: Database, history: History, most: int) -> None:
        self._database = database
        self._history = history
        self._most = most
        self._numbers = AssociationNumbers()
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
        filters = self._history.filters(connection, schema, query, scope)
        if not (filters.duplicates or filters.is_exact):
            raise BadParameter(
                "`duplicates=false` cannot be combined with `node` in sums. Leave one of them out.",
                parameter="duplicates",
            )
        context = self._history.record_context(connection, schema, "epoch")
        tres = context.tres
        gpus = {number for number, name in tres.items() if name == _GPU} or {
            number for number, name in tres.items() if name.startswith(f"{_GPU}:")
        }
        while True:
            grouping = Grouping(
                schema.job, query.group_by or (), filters, context, self._numbers, self._without_association
            )
            sums = SumQuery(
                job=schema.job,
                filters=filters,
                range=self._history.key_range(connection, schema, filters),
                keys=grouping.columns,
                sums=frozenset(_SUM_OF[name] for name in needed & _SUM_OF.keys()),
                gpus=frozenset(gpus),
                is_server=connection.dialect.name != "sqlite",
            )
            rows = [row for statement in sum_statements(sums) for row in _rows(connection, statement)]
            missing = grouping.missing(rows)
            if not missing:
                break
            # Their records have an account of their own, which the statement has to read. Later ones know that.
            self._without_association |= missing
        found: defaultdict[Group, _Sum] = defaultdict(_Sum)
        width = len(grouping.columns)
        for row in rows:
            for group in grouping.groups(row):
                _add(found[group], row[width:])
        if not needed.isdisjoint(_PERCENTILES):
            for statement in wait_statements(sums):
                for *keys, counts in _rows(connection, statement):
                    for group in grouping.groups(keys):
                        found[group].waits.update(_waits(counts))
        if schema.step is not None and not needed.isdisjoint(EFFICIENCY_FIELDS):
            for statement in efficiency_statements(sums, schema.step):
                for row in _rows(connection, statement):
                    for group in grouping.groups(row):
                        used = found[group].used
                        used[:] = [known + float(more or 0) for known, more in zip(used, row[width:], strict=True)]
        return found


def _rows(connection: Connection, statement: Any) -> Sequence[Any]:
    rows = connection.execute(statement).all()
    if len(rows) > MOST_GROUPS:
        raise BadParameter(
            f"`group_by` makes more than {MOST_GROUPS:,} groups here. Add a filter, a shorter time window, or leave a"
            " group out.",
            parameter="group_by",
        )
    return rows


def _add(total: _Sum, figures: Sequence[Any]) -> None:
    *sums, counts = figures
    for name, value in zip(SUMS, sums, strict=True):
        total.seconds[name] += int(value)
    for part in counts.split(","):
        state, waited, count = map(int, part.split(":"))
        total.states[state] += count
        if waited != NOT_WAITED:
            total.waited += count


def _waits(counts: str) -> Counter[int]:
    """Returns the numbers of waits by bucket, of a text that a database made."""
    found: Counter[int] = Counter()
    for part in counts.split(","):
        bucket, count = map(int, part.split(":"))
        if bucket != NOT_WAITED:
            found[bucket] += count
    return found


def _record(groups: Sequence[str], group: Group, total: _Sum) -> Record:
    seconds, waited = total.seconds, total.waited
    cpu_used, cpu_held, memory_used, memory_held = total.used
    by_state: Counter[str] = Counter()
    for number, count in total.states.items():
        by_state[states.long_name(number)] += count
    return {
        **dict(zip(groups, group, strict=True)),
        "jobs": total.states.total(),
        "states": dict(sorted(by_state.items())),
        "elapsed": seconds["elapsed"],
        "cpu_hours": round(seconds["cpu"] / _HOUR, 4),
        "gpu_hours": round(seconds["gpu"] / _HOUR, 4),
        "mem_hours": round(seconds["mem"] / _HOUR, 4),
        "wait_jobs": waited,
        "wait_mean": round(seconds["wait"] / waited, 1) if waited else None,
        "wait_median": percentile(total.waits, 0.5),
        "wait_p90": percentile(total.waits, 0.9),
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

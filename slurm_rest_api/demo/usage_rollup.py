"""Sums the demo's job records up by hour, day and month, as slurmdbd does (as_mysql_rollup.c)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import Connection, Table, func, insert, or_, select

from slurm_rest_api.acctapi.tables import event_table, job_table
from slurm_rest_api.acctapi.usage_tables import KINDS, STEPS, Step, usage_table, wckey_table
from slurm_rest_api.acctapi.usage_window import floor, following
from slurm_rest_api.demo.hardware import CLUSTER, Hardware

_CPU, _MEM, _NODE, _BILLING, _GPU = 1, 2, 4, 5, 1001
_HOUR: Final = 3600
_BASE, _DOWN = 15, 1
_SUMS: Final = ("alloc_secs", "idle_secs", "down_secs", "pdown_secs", "over_secs", "plan_secs")

_Part = tuple[int, int, Mapping[int, int]]
"""Start of an hour, seconds within it, and amounts by the id of the TRES."""


def usage_tables() -> list[Table]:
    """Returns all tables of usage. Those of workload keys stay empty."""
    return [*(usage_table(CLUSTER, kind, step) for kind in KINDS for step in STEPS), wckey_table(CLUSTER)]


def amounts(hardware: Hardware) -> dict[int, int]:
    """Returns the amount of each TRES of the cluster by its id."""
    kinds = [node.kind for block in hardware.blocks for node in block.nodes]
    cpus = sum(kind.cpus for kind in kinds)
    return {
        _CPU: cpus,
        _MEM: sum(kind.memory for kind in kinds),
        _NODE: len(kinds),
        _BILLING: cpus,
        _GPU: sum(kind.gpus for kind in kinds),
    }


def roll_up(connection: Connection, jobs: str, events: str, total: Mapping[int, int], since: int, until: int) -> None:
    """Writes the hours from `since` to `until`, and the days and months that ended meanwhile.

    `jobs` and `events` name the tables, `total` has the amount of each TRES. `since` and `until` begin hours.
    """
    start = since
    while start < until:
        end = min(until, following(floor(start, "day"), "day"))
        _hours(connection, jobs, events, total, start, end)
        start = end
    for fine, coarse in pairwise(STEPS):
        start = floor(since, coarse)
        while (end := following(start, coarse)) <= until:
            _coarser(connection, fine, coarse, start, end)
            start = end


def _hours(connection: Connection, jobs: str, events: str, total: Mapping[int, int], since: int, until: int) -> None:
    used: defaultdict[tuple[int, int, int, int], int] = defaultdict(int)
    allocated: defaultdict[tuple[int, int], int] = defaultdict(int)
    down: defaultdict[tuple[int, int], int] = defaultdict(int)
    job, event = job_table(jobs).c, event_table(events).c
    columns = (job.time_start, job.time_end, job.tres_alloc, job.id_assoc, job.id_qos)
    ran = select(*columns).where(
        job.time_start > 0, job.time_start < until, or_(job.time_end == 0, job.time_end > since)
    )
    for start, end, tres, assoc, qos in connection.execute(ran):
        for hour, seconds, counts in _parts(start, end, tres, since, until):
            for key, count in counts.items():
                used[hour, assoc, qos, key] += seconds * count
                allocated[hour, key] += seconds * count
    ended = or_(event.time_end == 0, event.time_end > since)
    lost = select(event.time_start, event.time_end, event.tres, event.state).where(event.time_start < until, ended)
    for start, end, tres, state in connection.execute(lost):
        if state & _BASE == _DOWN:
            for hour, seconds, counts in _parts(start, end, f"{tres},4=1", since, until):
                for key, count in counts.items():
                    down[hour, key] += seconds * count
    by_association: defaultdict[tuple[int, int, int], int] = defaultdict(int)
    for (hour, assoc, _, key), seconds in used.items():
        by_association[hour, assoc, key] += seconds
    _write(
        connection,
        usage_table(CLUSTER, "assoc", "hour"),
        [
            {"id": assoc, "id_tres": key, "time_start": hour, "alloc_secs": seconds}
            for (hour, assoc, key), seconds in by_association.items()
        ],
    )
    _write(
        connection,
        usage_table(CLUSTER, "qos", "hour"),
        [
            {"id": assoc, "id_alt": qos, "id_tres": key, "time_start": hour, "alloc_secs": seconds}
            for (hour, assoc, qos, key), seconds in used.items()
        ],
    )
    rows = []
    for hour in range(since, until, _HOUR):
        for key, count in total.items():
            most = count * _HOUR
            taken = min(most, allocated[hour, key])
            lost_seconds = min(most - taken, down[hour, key])
            figures = {"alloc_secs": taken, "down_secs": lost_seconds, "idle_secs": most - taken - lost_seconds}
            rows.append(
                {"id_tres": key, "time_start": hour, "count": count, **dict.fromkeys(_SUMS, 0), **figures},
            )
    _write(connection, usage_table(CLUSTER, "cluster", "hour"), rows)


def _parts(start: int, end: int, tres: str, since: int, until: int) -> Iterator[_Part]:
    """Yields the hours from `since` to `until` that a job or an event has a part of. `end` 0: it goes on."""
    counts = {int(key): int(count) for key, count in (part.split("=") for part in tres.split(",") if part)}
    begin, last = max(start, since), min(end or until, until)
    while begin < last:
        hour = since + (begin - since) // _HOUR * _HOUR
        stop = min(last, hour + _HOUR)
        yield hour, stop - begin, counts
        begin = stop


def _coarser(connection: Connection, fine: Step, coarse: Step, start: int, end: int) -> None:
    for kind in KINDS:
        source, target = usage_table(CLUSTER, kind, fine), usage_table(CLUSTER, kind, coarse)
        columns = source.c
        keys = [columns[name] for name in ("id", "id_alt", "id_tres") if name in columns]
        sums = [func.sum(columns[name]).label(name) for name in _SUMS if name in columns]
        most = [func.max(columns["count"]).label("count")] if kind == "cluster" else []
        statement = select(*keys, *sums, *most).where(columns.time_start >= start, columns.time_start < end)
        found = connection.execute(statement.group_by(*keys)).mappings()
        _write(connection, target, [{**row, "time_start": start} for row in found])


def _write(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table).prefix_with("OR REPLACE"), rows)

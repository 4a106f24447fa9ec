"""Formats the results of `benchmarks.history` as Markdown tables, with a verdict on each goal."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

from benchmarks.figures import Figure
from benchmarks.history_measure import OLD_LIMIT_SECONDS, Timing
from benchmarks.history_peers import CLIENTS, Crowd, Peer
from benchmarks.history_requests import PAGE_GOAL, Request
from benchmarks.history_rows import BUFFER_POOL_BYTES, Filled


@dataclass
class Line:
    """One measured request: first page, page after record 100,000, and query of 2018 (milliseconds)."""

    request: Request
    first: Timing
    deep: Timing | None = None
    old: float | None = None

    @property
    def median(self) -> float:
        """Median milliseconds of the first page in the database."""
        return statistics.median(self.first.statements)

    @property
    def deep_median(self) -> float:
        """Median milliseconds of the deep page in the database, infinite if it timed out."""
        if self.deep is None or self.deep.status != 200:
            return math.inf
        return statistics.median(self.deep.statements)

    @property
    def is_missed(self) -> bool:
        """True if the first page misses its goal."""
        if self.request.refused:
            return self.first.status not in (200, 504)
        return self.request.goal is not None and (self.first.status != 200 or self.median > self.request.goal)


def render(machine: str, filled: Filled, size: int, lines: list[Line], others: list[Peer], many: Crowd) -> str:
    """Returns the whole report."""
    return "\n\n".join([_setting(machine, filled, size), _table(lines), _goals(lines), _peers(others), _crowd(many)])


def figures(lines: list[Line], least: float) -> list[Figure]:
    """Returns the newest page, those that were compared with the query of 2018, and those that miss their goal.

    `least` is the milliseconds of one index look-up.
    """
    return [
        Figure(
            f"`/history?{line.request.query}`".replace("?`", "`").replace("|", "\\|"),
            line.median,
            "" if line.old is None else "query of 2018",
            None if line.old is None else min(line.old, 1000.0 * OLD_LIMIT_SECONDS),
            "one index look-up",
            least,
            line.request.goal,
        )
        for line in lines
        if line.first.status == 200 and (line.is_missed or line.old is not None or not line.request.query)
    ]


def _setting(machine: str, filled: Filled, size: int) -> str:
    return (
        f"{machine}. {filled.rows:,} records of three years in slurmdbd's own job table ({size / 2**30:.1f} GiB with"
        f" its indexes), a buffer pool of {BUFFER_POOL_BYTES / 2**30:.0f} GiB, one partition hidden. A load average"
        " above the number of cores means that other work ran meanwhile, and that times are that much longer."
    )


def _table(lines: list[Line]) -> str:
    head = [
        "Times in milliseconds. *Database*: all statements of a request together, as the client sees them. *Page*: ten"
        " records, whole answer. *Processor*: mean processor time of a request in the service and the database server,"
        " which other work on the machine hardly changes.",
        "",
        "| request | database p50 | p99 | page p50 | p99 | processor: service | database"
        " | database at record 100,000 p50 | p99 | query of 2018 | × |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    return "\n".join([*head, *map(_row, lines)])


def _row(line: Line) -> str:
    name = f"{line.request.name}: `{line.request.query or 'no filter'}`".replace("|", "\\|")
    deep = ["", ""]
    if line.deep is not None and line.deep.status == 200:
        deep = [_ms(line.deep_median), _ms(_p99(line.deep.statements))]
    used = [_ms(line.first.service_cpu), _ms(line.first.database_cpu)]
    if line.first.status != 200:
        cells = [f"{line.first.status} after {_ms(line.median)}", "", "", "", *used, *deep]
    else:
        cells = [_ms(line.median), _ms(_p99(line.first.statements)), _ms(statistics.median(line.first.answers)),
                 _ms(_p99(line.first.answers)), *used, *deep]  # fmt: skip
    old = "" if line.old is None else f"> {OLD_LIMIT_SECONDS:,} s" if math.isinf(line.old) else _ms(line.old)
    ratio = (
        ""
        if line.old is None or line.first.status != 200
        else f"{min(line.old, 1000 * OLD_LIMIT_SECONDS) / line.median:,.0f}"
    )
    return f"| {name} | {' | '.join(cells)} | {old} | {ratio} |"


def _goals(lines: list[Line]) -> str:
    missed = [
        f"{line.request.name} ({_ms(line.median)} ms, goal {line.request.goal or 0:g})"
        for line in lines
        if line.is_missed
    ]
    deep = [line for line in lines if line.request.deep]
    missed += [
        f"{line.request.name}, page at 100,000 ({_ms(line.deep_median)} ms, goal {PAGE_GOAL:g})"
        for line in deep
        if line.deep is not None and line.deep_median > PAGE_GOAL
    ]
    lost = [line.request.name for line in deep if line.deep is None]
    refused = sum(line.request.refused and line.first.status == 504 for line in lines)
    kept = f"{sum(line.request.goal is not None for line in lines)} requests have a goal for their first page"
    summary = f"{kept}, {sum(line.deep is not None for line in deep)} pages at record 100,000 one of {PAGE_GOAL:g} ms;"
    verdict = f" missed: {'; '.join(missed)}." if missed else " none is missed."
    gone = f" Record 100,000 itself was not reached by `offset` within the limit: {', '.join(lost)}." if lost else ""
    return f"{summary}{verdict} {refused} requests without an index and a window ended at the limit with a 504.{gone}"


def _peers(others: list[Peer]) -> str:
    lines = [
        "All records of one day a year ago. `/history` asks for those that ended on it, the others for those that were"
        " eligible before its end and ended after its begin, which is what they know.",
        "",
        "| | p50 | records | bytes | records a second |",
        "|---|---:|---:|---:|---:|",
    ]
    for rival in others:
        rate = f"{rival.records / rival.median:,.0f}" if rival.records else ""
        lines.append(f"| {rival.name} | {rival.median:.2f} s | {rival.records:,} | {rival.size:,} | {rate} |")
    return "\n".join(lines)


def _crowd(many: Crowd) -> str:
    return (
        f"{CLIENTS} clients at once asked for the newest records of many users: {many.answers:,} answers, p50"
        f" {1000 * many.p50:.0f} ms, p99 {1000 * many.p99:.0f} ms; the service held at most {many.connections}"
        f" connections to the database (pool: {many.pool})."
    )


def _p99(values: list[float]) -> float:
    return sorted(values)[max(0, math.ceil(0.99 * len(values)) - 1)]


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:,.0f}" if milliseconds >= 100 else f"{milliseconds:.1f}"

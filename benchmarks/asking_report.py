"""Formats the results of `benchmarks.asking` as Markdown tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from benchmarks.machine import machine

Row = Mapping[str, Any]
WHOLE: Final = "`/queue`, gzip"
"""The request for the whole queue, as tables have it."""

_PARTS: Final = ("unchanged", "pages", "jobs", "changes", "paused", "whole")


def text(results: Mapping[str, Sequence[Row]], jobs: int, nodes: int) -> str:
    """Returns the text between the marks of the document."""
    rows = [row for part in _PARTS for row in results.get(part, ())]
    busy = max((row.get("load_average", 0.0) for row in rows), default=0.0)
    message = f"{machine()} {jobs:,} jobs, {nodes:,} nodes. Load average before a part began: {busy:.1f} at most."
    sections = [message, _requests(rows), _memory(rows), _collector(results)]
    return "\n\n".join([*sections, _goals(results)])


def _requests(rows: Sequence[Row]) -> str:
    lines = [
        "| request | clients | pause | requests/s | p50 | p99 | p99.9 | on the wire | workers' CPU | clients' CPU"
        " | failed |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        if "rate" not in row:
            continue
        pause = f"{row['pause_ms'] / 1000:.0f} s" if row["pause_ms"] else "none"
        times = " | ".join(f"{row[key]:.1f} ms" for key in ("p50", "p99", "p999"))
        lines.append(
            f"| {row['request']} | {row['clients']} | {pause} | {row['rate']:,.0f} | {times}"
            f" | {row['bytes_a_request'] / 1000:,.1f} kB | {row['cpu_ms_a_request']:.2f} ms"
            f" | {1000 * row['cpu_seconds'] / max(row['requests'], 1):.2f} ms | {row['failed']} |"
        )
    return "\n".join(lines)


def _memory(rows: Sequence[Row]) -> str:
    kinds = list(dict.fromkeys(kind for row in rows for kind in row["peak_pss_mib"]))
    lines = [f"| largest memory (PSS) while | clients | {' | '.join(kinds)} |", "|---|---:|" + "---:|" * len(kinds)]
    most = max((row["clients"] for row in rows), default=0)
    for row in rows:
        if row["clients"] == most or "rate" not in row or "gzip" in row["request"]:
            sizes = " | ".join(f"{row['peak_pss_mib'].get(kind, 0):.0f} MiB" for kind in kinds)
            lines.append(f"| {row['request']} | {row['clients']} | {sizes} |")
    return "\n".join(lines)


def _collector(results: Mapping[str, Sequence[Row]]) -> str:
    lines = [
        "| part | clients at most | loads | longest time from load to load | longest cycle |",
        "|---|---:|---:|---:|---:|",
    ]
    for part in _PARTS:
        rows = results.get(part, ())
        loads = sorted({load for row in rows for load in row.get("loads", ())})
        gap = max((later - earlier for earlier, later in pairwise(loads)), default=0.0)
        cycle = max((row["cycle_seconds"] for row in rows), default=0.0)
        most = max((row["clients"] for row in rows), default=0)
        lines.append(f"| {part} | {most} | {len(loads)} | {gap:.1f} s | {cycle:.1f} s |")
    return "\n".join(lines)


def _goals(results: Mapping[str, Sequence[Row]]) -> str:
    lines = ["| goal | measured | |", "|---|---|---|"]
    for goal, wanted, key, most, fits in _wanted():
        for row in results.get(wanted, ()):
            if fits(row):
                value = row[key]
                is_met = value >= most if key == "rate" else value <= most
                shown = f"{value:,.0f}/s" if key == "rate" else f"{value:.1f} ms"
                pause = "no pause" if not row["pause_ms"] else "about one request a second each"
                lines.append(
                    f"| {goal} | {shown} ({row['request']}, {row['clients']} clients, {pause})"
                    f" | {'met' if is_met else '**missed**'} |"
                )
    return "\n".join(lines)


def _wanted() -> Iterator[tuple[str, str, str, float, Callable[[Row], bool]]]:
    def is_about(words: str) -> Callable[[Row], bool]:
        return lambda row: words in row["request"] and row["clients"] == 50

    yield "304s ≥ 5,000/s", "unchanged", "rate", 5000, is_about("304")
    for part in ("pages", "paused"):
        yield "page of a user p99 ≤ 15 ms", part, "p99", 15, is_about("page")
    for part in ("jobs", "paused"):
        yield "one job p99 ≤ 5 ms", part, "p99", 5, is_about("job")
    for part in ("changes", "paused"):
        yield "changes p99 ≤ 50 ms", part, "p99", 50, is_about("changes")
    yield "whole queue p99 ≤ 150 ms", "whole", "p99", 150, lambda row: row["request"] == WHOLE and row["clients"] == 50

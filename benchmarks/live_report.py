"""Formats the results of `benchmarks.live` as Markdown tables."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import NamedTuple

from benchmarks.live_measurements import Others, Ours
from benchmarks.measure import Latency

_SAME = (("/queue again plain", "jobs"), ("/nodes again gzip", "nodes"), ("/partitions again gzip", "partitions"),
         ("/stats again gzip", "diag"))  # fmt: skip


def render(jobs: int, ours: Mapping[str, Ours], others: Others) -> str:
    """Returns all tables for one number of jobs. `ours` has the results of the service by source."""
    sections = [f"## {jobs:,} pending jobs"]
    for source, mine in ours.items():
        sections += [f"### Source `{source}`", _latency_table(mine, others), _cycle_text(jobs, mine)]
        sections += [_memory_table(mine, others), _rpc_text(mine, others)]
    return "\n\n".join(sections)


def render_goals(jobs: int, ours: Mapping[str, Ours]) -> str:
    """Returns the goals at `jobs` jobs with a verdict on each, by source."""
    lines = [f"## Goals at {jobs:,} jobs", "", "| source | | goal | measured | |", "|---|---|---|---|---|"]
    for source, mine in ours.items():
        lines += [
            f"| `{source}` | {what} | {goal} | {seen} | {'met' if met else '**missed**'} |"
            for what, goal, seen, met in _goals(mine, _LIMITS[source])
        ]
    return "\n".join(lines)


class Limits(NamedTuple):
    """Goals of one source: seconds of a cycle, MiB and processor seconds of the loader in a cycle."""

    cycle: float
    loader_memory: float
    loader_seconds: float


_LIMITS = {"slurm:pyslurm": Limits(5, 1024, 5), "slurm:commands": Limits(3, 200, 1)}


def _goals(ours: Ours, limits: Limits) -> list[tuple[str, str, str, bool]]:
    cycle, loader = statistics.median(ours.cycles), ours.memories["loader"].peak
    warm, unchanged = ours.latencies["/queue again gzip"].p50, ours.latencies["/queue 304"].p50
    web, used = ours.memories["web server"].peak, ours.loader_seconds
    extra = ours.rpcs_counted - ours.rpcs_published
    return [
        ("cycle, median", f"≤ {limits.cycle:g} s", f"{cycle:.2f} s", cycle <= limits.cycle),
        (
            "loader, processor time of a cycle",
            f"≤ {limits.loader_seconds:g} s",
            f"{used:.2f} s",
            used <= limits.loader_seconds,
        ),
        (
            "loader, peak memory",
            f"≤ {limits.loader_memory:,.0f} MiB",
            f"{loader:.0f} MiB",
            loader <= limits.loader_memory,
        ),
        ("`/queue` again, gzip, p50", "≤ 0.3 s", _time(warm), warm <= 0.3),
        ("`/queue` 304, p50", "≤ 3 ms", _time(unchanged), unchanged <= 0.003),
        ("web server, peak memory", "≤ 120 MiB", f"{web:.0f} MiB", web <= 120),
        ("RPCs beyond the collector's own", "0", f"{extra}", extra == 0),
    ]


def _latency_table(ours: Ours, others: Others) -> str:
    lines = ["| request | n | p50 | p99 | body |", "|---|---:|---:|---:|---:|"]
    lines += [
        _row(f"`{name.split()[0]}` {name.partition(' ')[2]}", latency) for name, latency in ours.latencies.items()
    ]
    lines += [_row(f"slurmrestd {others.api} `/{name}/`", latency) for name, latency in others.latencies.items()]
    lines += [f"| `{command}` | 1 | {_time(seconds)} | | |" for command, seconds in others.commands.items()]
    ratios = []
    for mine, theirs in _SAME:
        ratio = others.latencies[theirs].p50 / ours.latencies[mine].p50
        ratios.append(f"`{mine.split()[0]}` {ratio:,.0f}")
    ratios.append(f"`/queue` gzip {others.latencies['jobs'].p50 / ours.latencies['/queue again gzip'].p50:,.0f}")
    return "\n".join(lines) + f"\n\nTimes faster than slurmrestd (p50, again): {', '.join(ratios)}."


def _row(name: str, latency: Latency) -> str:
    size = _size(latency.size) if latency.size else "none"
    return f"| {name} | {latency.count} | {_time(latency.p50)} | {_time(latency.p99)} | {size} |"


def _cycle_text(jobs: int, ours: Ours) -> str:
    median = statistics.median(ours.cycles)
    split = ", ".join(f"{name} {_time(seconds)}" for name, seconds in ours.split.items() if name != "jobs")
    changed = ", ".join(f"{count:,}" for count in ours.changed_rows)
    return (
        f"Collector cycle: median {median:.2f} s of {len(ours.cycles)} (largest {max(ours.cycles):.2f} s), which is"
        f" {median / jobs * 1e6:.0f} µs a job, first one {ours.first_cycle:.2f} s, processor time of the loader"
        f" {ours.loader_seconds:.2f} s a cycle; job rows that had changed in them: {changed}."
        f" Its parts, run separately: {split}."
    )


def _memory_table(ours: Ours, others: Others) -> str:
    lines = ["| process | memory (RSS) | peak |", "|---|---:|---:|"]
    for name, used in {**ours.memories, **others.memories}.items():
        lines.append(f"| {name} | {used.now:,.0f} MiB | {used.peak:,.0f} MiB |")
    return "\n".join(lines)


def _rpc_text(ours: Ours, others: Others) -> str:
    each = ours.rpcs_published / ours.cycles_meanwhile
    extra = ours.rpcs_counted - ours.rpcs_published
    return (
        f"RPCs: during {ours.requests:,} client requests the collector ran {ours.cycles_meanwhile} cycles and published"
        f" {ours.rpcs_published} RPCs ({each:g} a cycle); slurmctld counted {ours.rpcs_counted} from the service's"
        f" user: {extra} more. slurmrestd: {others.rpcs_per_request:.1f} RPCs a request,"
        f" {others.rpcs_per_request * 1000:,.0f} per 1,000."
    )


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _size(size: int) -> str:
    return f"{size / 1e6:.2f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"

"""Formats the results of `benchmarks.peers` as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.figures import Figure
from benchmarks.peer_questions import QUESTIONS

Row = Mapping[str, Any]
_MOST_CLIENTS: Final = 50
_QUESTIONS: Final = (
    *("one job", "a user's jobs", "partitions", "what has changed", "all jobs' states", "all jobs"),
    *(question.name for question in QUESTIONS),
)
_ANSWERING: Final = {
    "ours": ("web workers", "nginx"),
    "slurmrestd": ("slurmrestd",),
    "command": ("command",),
}
"""The processes that answer, by program. slurmctld is counted separately."""


def text(results: Mapping[str, Any], jobs: int, running: int) -> str:
    """Returns the text between the marks of the document."""
    ours, peers = results.get("ours", ()), results.get("peers", ())
    message = f"{results['machine']}. {jobs:,} pending jobs, {running} running."
    return "\n\n".join([message, _idle(peers), _requests([*ours, *peers]), _memory([*ours, *peers])])


def figures(results: Mapping[str, Any]) -> list[Figure]:
    """Returns the figures of this service, each with the fastest peer and with a file of the same size."""
    found = []
    for row in results.get("ours", ()):
        if row["clients"] > _MOST_CLIENTS:
            continue
        same = [peer for peer in results.get("peers", ()) if _same(peer, row)]
        best = min(same, key=lambda peer: float(peer["p50"]), default=None)
        least = [
            limit for limit in results.get("limits", ()) if _same(limit, row) and limit["request"] == row["request"]
        ]
        found.append(
            Figure(
                f"{row['question']}: {row['request']}, {_clients(row['clients'])}",
                row["p50"],
                "" if best is None else best["request"],
                None if best is None else best["p50"],
                "a file of that size" if least else "",
                least[0]["p50"] if least else None,
            )
        )
    return found


def _same(row: Row, other: Row) -> bool:
    return (row["question"], row["clients"]) == (other["question"], other["clients"])


def _clients(count: int) -> str:
    return "1 client" if count == 1 else f"{count} clients"


def _idle(rows: Sequence[Row]) -> str:
    for row in rows:
        if row["question"] == "idle":
            share = 100 * row["cpu"]["slurmctld"] / row["seconds"]
            return f"Without requests and without the service, slurmctld uses {share:.0f} % of a core."
    return "slurmctld alone was not measured."


def _requests(rows: Sequence[Row]) -> str:
    lines = [
        "| question | asked as | clients | answers/s | p50 | p99 | p99.9 | bytes | CPU each | slurmctld | failed |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for question in _QUESTIONS:
        lines += [_line(question, row) for row in rows if row["question"] == question]
    return "\n".join(lines)


def _line(question: str, row: Row) -> str:
    times = " | ".join(_time(row[key]) for key in ("p50", "p99", "p999"))
    cpu = sum(row["cpu"].get(name, 0.0) for name in _ANSWERING[_program(row)]) / max(row["requests"], 1)
    busy = 100 * row["cpu"]["slurmctld"] / row["seconds"]
    return (
        f"| {question} | {row['request']} | {row['clients']} | {_rate(row['rate'])} | {times}"
        f" | {_size(row['bytes_a_request'])} | {_time(1000 * cpu)} | {busy:.0f} % | {row['failed']} |"
    )


def _memory(rows: Sequence[Row]) -> str:
    kinds = list(dict.fromkeys(kind for row in rows for kind in row.get("peak_pss_mib", ())))
    lines = [f"| largest memory (PSS) while | clients | {' | '.join(kinds)} |", "|---|---:|" + "---:|" * len(kinds)]
    for row in rows:
        if row.get("peak_pss_mib") and (row["clients"] > 1 or row["question"].startswith("all")):
            sizes = [f"{row['peak_pss_mib'][kind]:,.0f} MiB" if kind in row["peak_pss_mib"] else "" for kind in kinds]
            lines.append(f"| {row['request']} | {row['clients']} | {' | '.join(sizes)} |")
    return "\n".join(lines)


def _program(row: Row) -> str:
    if "command" in row["cpu"]:
        return "command"
    return "slurmrestd" if row["request"].startswith("slurmrestd") else "ours"


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def _time(milliseconds: float) -> str:
    if milliseconds < 100:
        return f"{milliseconds:.1f} ms" if milliseconds >= 1 else f"{milliseconds:.2f} ms"
    return f"{milliseconds:,.0f} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:.1f} s"


def _size(size: float) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"

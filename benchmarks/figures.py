"""Keeps the figures of all benchmarks, and writes them as the table of docs/performance.md.

A figure is a ratio: to the best peer, and to the least that this machine needs for such a response.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.document import write_between_marks

_HEAD: Final = (
    "| question | this service | best peer | times faster | least | times the least | goal |\n"
    "|---|---:|---|---:|---|---:|---|"
)


@dataclass(frozen=True)
class Figure:
    """The median milliseconds of one question: of this service, of the best peer, and of `limit`, the least possible.

    `goal` is in milliseconds. `reason` says why it is missed.
    """

    question: str
    ours: float
    peer: str = ""
    theirs: float | None = None
    limit: str = ""
    least: float | None = None
    goal: float | None = None
    reason: str = ""


def keep(path: Path | None, program: str, figures: Iterable[Figure]) -> None:
    """Writes the figures of one program into a file with those of the others. Without a path it does nothing."""
    if path is None:
        return
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    known[program] = {"measured": time.strftime("%Y-%m-%d"), "figures": [asdict(figure) for figure in figures]}
    # A whole file at once: an interrupted run must not lose the figures of the others.
    new = path.with_name(f"{path.name}.new")
    new.write_text(f"{json.dumps(known, indent=1)}\n")
    new.replace(path)


def write_table(path: Path, page: Path) -> None:
    """Writes the figures of the file `path` between the marks of a Markdown page."""
    kept: dict[str, dict[str, Any]] = json.loads(path.read_text())
    lines = table([Figure(**entry) for program in kept.values() for entry in program["figures"]])
    dates = ", ".join(f"`{name}` {program['measured']}" for name, program in kept.items())
    write_between_marks(page, f"{lines}\n\nMeasured by {dates}.")


def table(figures: Iterable[Figure]) -> str:
    """Returns a Markdown table with a line for each figure. Goals that are missed are in bold type."""
    return "\n".join([_HEAD, *map(_line, figures)])


def _line(figure: Figure) -> str:
    cells = [figure.question, _time(figure.ours)]
    for name, value, ratio in (
        (figure.peer, figure.theirs, (figure.theirs or 0) / figure.ours),
        (figure.limit, figure.least, figure.ours / (figure.least or 1)),
    ):
        cells += ["", ""] if value is None else [f"{name}, {_time(value)}", _number(ratio)]
    goal = ""
    if figure.goal is not None:
        missed = f"**missed**, {figure.reason}" if figure.reason else "**missed**"
        goal = f"{_time(figure.goal)}: {'met' if figure.ours <= figure.goal else missed}"
    return f"| {' | '.join([*cells, goal])} |"


def _time(milliseconds: float) -> str:
    if milliseconds >= 10_000:
        return f"{milliseconds / 1000:,.0f} s"
    return f"{_number(milliseconds)} ms"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"

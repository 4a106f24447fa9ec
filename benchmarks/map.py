"""Measures how long the Nodes page is busy with its map, compared with the same cells as elements.

Usage: python -m benchmarks.map [--nodes=10000] [--jobs=100000] [--rounds=40] [--output=FILE]

It starts a demo of that size and Debian's Chromium, and takes under two minutes. The demo has ended before anything is
timed; nothing else should run meanwhile.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Route

from benchmarks.document import write_between_marks
from benchmarks.figures import Figure, keep
from benchmarks.machine import machine
from slurm_rest_api.demo.scale import Scale
from slurm_rest_api.pages.assets import STATIC
from tests.browser.chromium import chromium
from tests.browser.service import demo

_SCRIPT: Final = Path(__file__).with_suffix(".js")
_GOAL_MS: Final = 100
_SUBJECTS: Final = {"canvas": "the map", "elements": "elements in CSS grids"}
_MOVES: Final = {
    "redrawn": "every cell redrawn",
    "refresh": "refresh, 1 % of the nodes changed",
    "hover": "pointer to another node",
    "keys": "arrow key to another node",
}


def measure(nodes: int, jobs: int, rounds: int) -> Mapping[str, Any]:
    """Returns the result of `map.js` on the page of a demo of this size."""
    with chromium() as browser:
        # The peer adds a style sheet, which the policy of the pages forbids.
        page = browser.new_context(viewport={"width": 1600, "height": 1000}, bypass_csp=True).new_page()
        with tempfile.TemporaryDirectory() as folder, demo(Path(folder), Scale(nodes, jobs)) as address:
            page.goto(address + "pages/nodes")
            page.locator("#map[data-drawn]").wait_for()
            page.route("**/static/modules/*", _send_module)
            page.evaluate(_SCRIPT.read_text())
        # The demo has ended, because it would use the cores.
        found: Mapping[str, Any] = page.evaluate("rounds => measureMap(rounds)", rounds)
        return found


def _send_module(route: Route) -> None:
    route.fulfill(path=STATIC / route.request.url.rpartition("/")[2])


def percentile(values: Sequence[float], share: float) -> float:
    """Returns the least of the values that `share` of them do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def table(found: Mapping[str, Any]) -> str:
    """Returns the figures as Markdown."""
    lines = [
        f"{machine()} {found['nodes']:,} nodes, {found['cells']:,} cells in all bands. Milliseconds that the page is"
        " busy, with the frame that follows:",
        "",
        "| | times | " + " | ".join(f"{name}: p50 | p99" for name in _SUBJECTS.values()) + " |",
        "|---|---:|" + "---:|---:|" * len(_SUBJECTS),
    ]
    for move, meaning in _MOVES.items():
        times = [found["times"][subject][move] for subject in _SUBJECTS]
        figures = " | ".join(f"{statistics.median(values):.1f} | {percentile(values, 0.99):.1f}" for values in times)
        lines.append(f"| {meaning} | {len(times[0])} | {figures} |")
    worst = max(percentile(values, 0.99) for values in found["times"]["canvas"].values())
    verdict = "met" if worst <= _GOAL_MS else "missed"
    return "\n".join([*lines, "", f"Goal: {_GOAL_MS} ms; the largest p99 of the map is {worst:.1f} ms: {verdict}."])


def figures(found: Mapping[str, Any]) -> list[Figure]:
    """Returns the medians of the map, with elements in CSS grids as peer."""
    own, other = (found["times"][subject] for subject in _SUBJECTS)
    return [
        Figure(f"map of nodes: {meaning}", statistics.median(own[move]), "elements", statistics.median(other[move]),
               goal=_GOAL_MS)
        for move, meaning in _MOVES.items()
    ]  # fmt: skip


def main() -> None:
    """Measures, prints the table, and writes it into a file if one is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--output", type=Path, help="a file with our marks, between which the table goes")
    parser.add_argument("--figures", type=Path, help="keep the figures for the table of all benchmarks here")
    arguments = parser.parse_args()
    found = measure(arguments.nodes, arguments.jobs, arguments.rounds)
    text = table(found)
    sys.stdout.write(f"{text}\n")
    if arguments.output is not None:
        write_between_marks(arguments.output, text)
    keep(arguments.figures, "map", figures(found))


if __name__ == "__main__":
    main()

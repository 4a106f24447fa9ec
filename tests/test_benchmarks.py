"""The benchmarks' own parts: synthetic cluster, commands with a limit, and the table of ratios, goals and figures."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.figures import Figure, keep, table, write_table
from benchmarks.run_command import run_command
from benchmarks.synthetic import SyntheticSource
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.store.writer import StoreWriter


def test_the_synthetic_cluster_can_be_loaded(tmp_path: Path) -> None:
    cycle = Cycle(SyntheticSource(200, 10), StoreWriter(tmp_path / "store.sqlite"), hidden=[], refresh_seconds=10.0)
    reports = [cycle.run() for _ in range(2)]
    assert [(report.jobs, report.nodes) for report in reports] == [(200, 10), (200, 10)]


def test_a_line_has_the_ratios_to_the_peer_and_to_the_least() -> None:
    line = table([Figure("one job", 2.0, "`squeue`", 8.0, "a file", 0.25, goal=1.0)]).splitlines()[-1]
    assert line == "| one job | 2.0 ms | `squeue`, 8.0 ms | 4.0 | a file, 0.25 ms | 8.0 | 1.0 ms: **missed** |"


def test_a_question_without_peer_and_limit_has_empty_cells() -> None:
    line = table([Figure("steps", 12_345.0, goal=20_000.0)]).splitlines()[-1]
    assert line == "| steps | 12 s |  |  |  |  | 20 s: met |"


def test_a_missed_goal_has_its_reason() -> None:
    found = [table([Figure("sums", ours, goal=2.0, reason="it reads all")]).splitlines()[-1] for ours in (1.0, 3.0)]
    assert [line.rpartition(": ")[2] for line in found] == ["met |", "**missed**, it reads all |"]


def test_a_command_that_fails_says_so(tmp_path: Path) -> None:
    found = [run_command([sys.executable, "-c", f"raise SystemExit({status})"], tmp_path, 600.0) for status in (0, 3)]
    assert found == ["", "failed with exit status 3"]


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    stubborn = ["sh", "-c", "trap '' INT; sleep 3600"]
    for command in (["sleep", "3600"], stubborn):
        assert run_command(command, tmp_path, 0.1, grace_seconds=0.1).startswith("not done within")


def test_programs_that_did_not_run_keep_their_figures(tmp_path: Path) -> None:
    kept, page = tmp_path / "figures.json", tmp_path / "page.md"
    page.write_text("before\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nafter\n")
    keep(kept, "jobs", [Figure("old", 1.0)])
    keep(kept, "map", [Figure("map", 1.0)])
    keep(kept, "jobs", [Figure("new", 1.0)])
    keep(None, "jobs", [Figure("nowhere", 1.0)])
    write_table(kept, page)
    text = page.read_text()
    assert [name for name in ("old", "map", "new", "nowhere") if f"| {name} |" in text] == ["map", "new"]
    assert "Measured by `jobs` 20" in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")

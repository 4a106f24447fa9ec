"""The benchmarks' own parts: the synthetic cluster, and the table of ratios, goals and figures of earlier runs."""

from __future__ import annotations

from pathlib import Path

from benchmarks.figures import Figure, keep, table, write_table
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
    assert text.startswith("before\n")
    assert text.endswith("after\n")

"""Every metric in the documentation, the dashboard and the alert rules exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from tests.fakes import FakeSource
from tests.metrics.every_part import scrape_every_part

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = (DOCS / "monitoring.md").read_text()
TABLE: Final = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `slurm_")]
NAME: Final = re.compile(r"\bslurm_[a-z_]+")


@pytest.fixture
def families(settings: Settings, paths: RuntimePaths, cycle: Cycle, source: FakeSource, tmp_path: Path) -> set[str]:
    """Returns the names of all metrics of a service with every part on. Histograms have all their names."""
    text = scrape_every_part(settings, paths, cycle, source, tmp_path)
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    parts = ("_bucket", "_sum", "_count")
    return {f"{name}{part}" for name, kind in kinds.items() for part in (parts if kind == "histogram" else ("",))}


@pytest.mark.parametrize("file", ["grafana-dashboard.json", "alerts.yml"])
def test_dashboard_and_alert_rules_name_existing_metrics(families: set[str], file: str) -> None:
    named = set(NAME.findall((DOCS / "monitoring" / file).read_text()))
    assert len(named) > 5
    assert named - families == set()


def documented() -> tuple[set[str], set[str]]:
    """Returns the full names in the page's table, and the starts of shortened ones (`slurm_scheduler_…`)."""
    whole, begins = set(), set()
    for cell in TABLE:
        for name in re.findall(r"`(slurm_[a-z_]+)(?=`)", cell):
            whole.add(name)
        begins |= set(re.findall(r"`(slurm_[a-z_]+)…`", cell))
    return whole, begins


def test_the_page_names_existing_metrics(families: set[str]) -> None:
    whole, begins = documented()
    known = families | {re.sub(r"_(bucket|sum|count)$", "", name) for name in families}
    assert len(whole) > 20
    assert whole - known == set()
    assert {begin for begin in begins if not any(name.startswith(begin) for name in known)} == set()

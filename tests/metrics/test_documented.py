"""Every metric in the documentation, the dashboard and the alert rules exists."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from slurm_rest_api.archive.status import StatusFile
from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.sources.commands.licenses import parse_licenses
from slurm_rest_api.slurmapi.sources.commands.reservations import parse_reservations
from tests.auth.users import with_accounting
from tests.builders import make_running_job, make_snapshot
from tests.conftest import make_client
from tests.fakes import FakeSource
from tests.slurmapi.test_reservations import LICENSES, RESERVATIONS

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = (DOCS / "monitoring.md").read_text()
TABLE: Final = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `slurm_")]
SCHEDULER: Final = dict.fromkeys(
    (
        "server_thread_count", "agent_queue_size", "dbd_agent_queue_size", "schedule_queue_len", "schedule_cycle_last",
        "bf_queue_len", "bf_cycle_last", "bf_last_depth",
    ),
    1,
)  # fmt: skip
NAME: Final = re.compile(r"\bslurm_[a-z_]+")


@pytest.fixture
def families(settings: Settings, paths: RuntimePaths, cycle: Cycle, source: FakeSource, tmp_path: Path) -> set[str]:
    """Returns the names of all metrics of a service with every part on. Histograms have all their names."""
    snapshot = make_snapshot([make_running_job(1, "rack001", 1, 100, account="physics")], statistics=SCHEDULER)
    reservations = [dict(record) for record in parse_reservations(RESERVATIONS)]
    licenses = [dict(record) for record in parse_licenses(LICENSES)]
    source.snapshot = replace(snapshot, reservations=reservations, licenses=licenses)
    cycle.run()
    StatusFile(paths.archive_status).update(stored_at=60)
    with_users = settings.model_copy(update={"system": settings.system.model_copy(update={"metrics_users": 10})})
    client = make_client(with_accounting(with_users, tmp_path))
    client.get("/queue")
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", client.get("/metrics").text, re.MULTILINE))
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

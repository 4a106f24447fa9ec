"""The text of /metrics of a service with every part on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

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

SCHEDULER: Final = dict.fromkeys(
    (
        "server_thread_count", "agent_queue_size", "dbd_agent_queue_size", "schedule_queue_len", "schedule_cycle_last",
        "bf_queue_len", "bf_cycle_last", "bf_last_depth",
    ),
    1,
)  # fmt: skip


def scrape_every_part(settings: Settings, paths: RuntimePaths, cycle: Cycle, source: FakeSource, tmp_path: Path) -> str:
    """Loads a small cluster, sends one request and returns the text of /metrics."""
    snapshot = make_snapshot([make_running_job(1, "rack001", 1, 100, account="physics")], statistics=SCHEDULER)
    reservations = [dict(record) for record in parse_reservations(RESERVATIONS)]
    licenses = [dict(record) for record in parse_licenses(LICENSES)]
    source.snapshot = replace(snapshot, reservations=reservations, licenses=licenses)
    cycle.run()
    StatusFile(paths.archive_status).update(stored_at=60)
    with_users = settings.model_copy(update={"system": settings.system.model_copy(update={"metrics_users": 10})})
    client = make_client(with_accounting(with_users, tmp_path))
    client.get("/queue")
    return client.get("/metrics").text

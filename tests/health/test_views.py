"""/health and /health/live."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.config import Settings
from slurm_rest_api.health.views import HealthAnswer
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from slurm_rest_api.slurmapi.shared.runtime_dir import RuntimePaths
from slurm_rest_api.slurmapi.store.writer import StoreWriter
from tests.acctapi.rows import settings_for, write_database
from tests.conftest import make_client


def health(client: FlaskClient, status: int) -> dict[str, Any]:
    answer = client.get("/health")
    assert answer.status_code == status, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    HealthAnswer.model_validate(answer.get_json())
    parts: dict[str, Any] = answer.get_json()["data"]["parts"]
    return parts


def test_a_fresh_snapshot_is_ok(client: FlaskClient, cycle: Cycle) -> None:
    cycle.run()
    assert list(parts := health(client, 200)) == ["snapshot"]
    assert parts["snapshot"]["state"] == "ok"
    assert parts["snapshot"]["facts"]["age_seconds"] <= 5
    assert parts["snapshot"]["facts"]["cycles"] == 1
    assert parts["snapshot"]["facts"]["source_detail"] == "fake cluster"
    # A source of the site has no parts.
    assert parts["snapshot"]["facts"]["source_parts"] == []


def test_before_the_first_load_it_is_broken_with_the_reason(client: FlaskClient, paths: RuntimePaths) -> None:
    assert health(client, 503)["snapshot"]["detail"] == "Nothing has been loaded from the cluster yet."
    StoreWriter(paths.store).record_failure("Unable to contact slurm controller", 1.0)
    assert health(client, 503)["snapshot"]["detail"] == "Unable to contact slurm controller"


def test_a_stale_snapshot_is_broken(
    client: FlaskClient, cycle: Cycle, monkeypatch: pytest.MonkeyPatch, paths: RuntimePaths
) -> None:
    monkeypatch.setattr("slurm_rest_api.slurmapi.collector.cycle.time.time", lambda: 1_700_000_000.0)
    cycle.run()
    monkeypatch.undo()
    part = health(client, 503)["snapshot"]
    assert part["detail"] == "The collector has stopped reporting. See its log."
    assert part["facts"]["loaded_at"] == 1_700_000_000


def test_liveness_does_not_check_the_parts(client: FlaskClient) -> None:
    answer = client.get("/health/live")
    assert (answer.status_code, answer.get_json()["data"]) == (200, {"status": "ok", "parts": {}})


def test_a_broken_archive_has_its_reason(settings: Settings, paths: RuntimePaths, cycle: Cycle) -> None:
    cycle.run()
    system = settings.system.model_copy(update={"archive_usage_load": True})
    client = make_client(settings.model_copy(update={"system": system}))
    assert health(client, 503)["archive"]["detail"] == "The collector has not reported on the load archive yet."
    status = {"stored_at": 60, "waiting": 2, "failing_since": 120, "error": "The load archive cannot be written: full"}
    paths.archive_status.write_text(json.dumps(status))
    part = health(client, 503)["archive"]
    assert (part["detail"], part["facts"]["waiting"]) == ("The load archive cannot be written: full", 2)
    paths.archive_status.write_text(json.dumps({**status, "error": None}))
    assert health(client, 200)["archive"]["state"] == "ok"


def test_the_accounting_database_is_a_part_if_it_is_used(tmp_path: Path) -> None:
    file = tmp_path / "acct.sqlite"
    client = make_client(settings_for(file, tmp_path / "run"))
    assert health(client, 503)["accounting"]["detail"] == "The accounting database cannot be reached. Retry later."
    write_database(file, [])
    assert health(client, 503)["accounting"]["state"] == "ok"

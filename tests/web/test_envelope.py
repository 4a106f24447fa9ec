"""Indented JSON with `system.debug`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from tests.auth.users import with_accounting
from tests.builders import make_job, make_snapshot
from tests.conftest import make_client
from tests.fakes import FakeSource

PATHS = [
    "/queue",
    "/queue?user=alice",
    "/queue/1",
    "/nodes?limit=1",
    "/stats",
    "/usage?fields=partitions",
    "/history",
    "/users",
    "/load",
    "/health",
    "/queue?sort=colour",
    "/nothing",
    "/openapi/openapi.json",
]


@pytest.fixture
def debug_client(settings: Settings, cycle: Cycle, source: FakeSource, tmp_path: Path) -> FlaskClient:
    source.snapshot = make_snapshot([make_job(number, user_name="alice") for number in range(1, 1001)])
    cycle.run()
    system = settings.system.model_copy(update={"debug": True})
    return make_client(with_accounting(settings.model_copy(update={"system": system}), tmp_path))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
def test_debug_indents_every_json_response(debug_client: FlaskClient, path: str, encoding: str) -> None:
    for _ in range(2):
        response = debug_client.get(path, headers={"Accept-Encoding": encoding})
        assert response.mimetype == "application/json"
        assert "Content-Encoding" not in response.headers
        assert response.headers["Content-Length"] == str(len(response.data))
        assert response.text == json.dumps(json.loads(response.data), indent=2, ensure_ascii=False) + "\n"


def test_debug_changes_no_content(debug_client: FlaskClient, settings: Settings) -> None:
    plain = make_client(settings)
    for path in ("/queue", "/queue?user=alice", "/nodes", "/stats"):
        packed = plain.get(path, headers={"Accept-Encoding": "gzip"})
        body = gzip.decompress(packed.data) if packed.headers.get("Content-Encoding") == "gzip" else packed.data
        assert json.loads(body) == debug_client.get(path).get_json()


def test_debug_keeps_304_csv_and_flask_s_debugger_off(debug_client: FlaskClient) -> None:
    etag = debug_client.get("/queue").headers["ETag"]
    assert debug_client.get("/queue", headers={"If-None-Match": etag}).status_code == 304
    assert debug_client.get("/queue.csv?limit=1").mimetype == "text/csv"
    assert not debug_client.application.debug


def test_responses_are_compact_without_debug(client: FlaskClient, cycle: Cycle) -> None:
    cycle.run()
    assert b"\n" not in client.get("/queue").data

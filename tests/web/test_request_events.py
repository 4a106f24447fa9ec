"""The access log, and security headers."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from slurm_rest_api.config import Settings
from slurm_rest_api.slurmapi.collector.cycle import Cycle
from tests.auth.clients import auth_client, bearer, key_file, slurm_token


@pytest.fixture
def logging_client(settings: Settings, tmp_path: Path) -> FlaskClient:
    system = settings.system.model_copy(update={"access_log": True})
    logging_settings = settings.model_copy(update={"system": system})
    return auth_client(logging_settings, mode="jwt", jwt_key_file=str(key_file(tmp_path)))


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "slurm_rest_api.web.request_events"]


def test_the_access_log_has_one_json_line_per_request_without_secrets(
    logging_client: FlaskClient, cycle: Cycle, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    cycle.run()
    token = slurm_token("alice")
    answer = logging_client.get("/nodes", headers=bearer(token))
    logging_client.get("/nodes?_=query-trace", headers=bearer("made-up-token"))
    first, second = (json.loads(line) for line in lines(caplog))
    assert (first["user"], first["route"], first["method"], first["status"]) == ("alice", "/nodes", "GET", 200)
    assert first["sent_bytes"] == len(answer.data)
    assert 0 <= first["seconds"] < 60
    assert (second["user"], second["status"]) == (None, 401)
    assert not [word for word in (token, "made-up-token", "query-trace") if word in caplog.text]


def test_a_request_cannot_inject_a_log_line(
    logging_client: FlaskClient, cycle: Cycle, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    cycle.run()
    logging_client.get("/nodes%0A%7B%22user%22:%22root%22%7D" + "x" * 5000)
    (line,) = lines(caplog)
    assert "\n" not in line
    assert len(line) < 600
    assert json.loads(line)["user"] is None


@pytest.mark.parametrize("path", ["/nodes", "/nothing", "/nodes?nothing=1", "/openapi/openapi.json", "/metrics"])
def test_data_responses_have_a_strict_content_security_policy(client: FlaskClient, cycle: Cycle, path: str) -> None:
    cycle.run()
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_pages_may_only_run_their_own_scripts(client: FlaskClient) -> None:
    policy = client.get("/openapi/swagger").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'self'" in policy

"""Security schemes in the OpenAPI document, by `auth.mode`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slurm_rest_api.config import Settings
from tests.auth.clients import auth_client, bearer, key_file, slurm_token
from tests.conftest import make_client


def test_mode_none_has_no_security_schemes(settings: Settings) -> None:
    document: Any = make_client(settings).get("/openapi/openapi.json").json
    assert document["components"].get("securitySchemes", {}) == {}
    assert all("security" not in operations["get"] for operations in document["paths"].values())


def test_mode_jwt_has_both_schemes(settings: Settings, tmp_path: Path) -> None:
    client = auth_client(settings, mode="jwt", jwt_key_file=key_file(tmp_path), open_paths=["/health", "/health/live"])
    document: Any = client.get("/openapi/openapi.json", headers=bearer(slurm_token())).json
    schemes = document["components"]["securitySchemes"]
    assert schemes["bearer"]["scheme"] == "bearer"
    assert schemes["bearer"]["bearerFormat"] == "JWT"
    assert (schemes["slurm_token"]["in"], schemes["slurm_token"]["name"]) == ("header", "X-SLURM-USER-TOKEN")
    assert document["paths"]["/queue"]["get"]["security"] == [{"bearer": []}, {"slurm_token": []}]
    assert document["paths"]["/health"]["get"]["security"] == []
    # The routes behave as the document says.
    for headers in (bearer(slurm_token()), {"X-SLURM-USER-TOKEN": slurm_token()}):
        assert client.get("/queue", headers=headers).status_code == 503
    assert client.get("/queue").status_code == 401
    assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize(("mode", "names"), [("token", {"bearer", "slurm_token"}), ("proxy", set())])
def test_modes_token_and_proxy(settings: Settings, tmp_path: Path, mode: str, names: set[str]) -> None:
    client = auth_client(settings, mode=mode, token_file=tmp_path / "tokens", open_paths=["/openapi/openapi.json"])
    document: Any = client.get("/openapi/openapi.json").json
    assert set(document["components"].get("securitySchemes") or {}) == names

"""Clients of a service with authentication, and their tokens."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import jwt
from flask.testing import FlaskClient

from slurm_rest_api.config import Settings
from tests.conftest import make_client

KEY = b"a key of thirty-two bytes or more, for tests"


def auth_client(settings: Settings, **auth: Any) -> FlaskClient:
    """Creates a client of a service with these settings of section `auth`."""
    section = type(settings.auth).model_validate(auth)
    return make_client(settings.model_copy(update={"auth": section}))


def key_file(folder: Path, key: bytes = KEY) -> Path:
    """Writes the key that slurmctld signs with."""
    file = folder / "jwt_hs256.key"
    file.write_bytes(key)
    file.chmod(0o600)
    return file


def slurm_token(user: str = "alice", key: Any = KEY, algorithm: str = "HS256", **claims: Any) -> str:
    """Creates a token like `scontrol token`."""
    now = int(time.time())
    return jwt.encode({"exp": now + 600, "iat": now, "sun": user, **claims}, key, algorithm=algorithm)


def bearer(token: str) -> dict[str, str]:
    """Returns the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}

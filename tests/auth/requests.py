"""A client of a service that asks who it is, and the tokens to tell it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import jwt
from flask.testing import FlaskClient

from slurm_rest_api.config import Settings
from tests.conftest import make_client

KEY = b"a key of thirty-two bytes or more, for tests"


def asking_client(settings: Settings, **auth: Any) -> FlaskClient:
    """A client of a service with these settings of section `auth`."""
    section = type(settings.auth).model_validate(auth)
    return make_client(settings.model_copy(update={"auth": section}))


def key_file(folder: Path, key: bytes = KEY) -> Path:
    """A file with the key that slurmctld would sign with."""
    file = folder / "jwt_hs256.key"
    file.write_bytes(key)
    return file


def slurm_token(user: str = "alice", key: Any = KEY, algorithm: str = "HS256", **claims: Any) -> str:
    """A token as `scontrol token` makes it."""
    now = int(time.time())
    return jwt.encode({"exp": now + 600, "iat": now, "sun": user, **claims}, key, algorithm=algorithm)


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}

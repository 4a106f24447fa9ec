"""From the settings to what tells who asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from slurm_rest_api.auth.jwt_tokens import FindKey, by_jwt, provider_keys, shared_key
from slurm_rest_api.auth.principal import Authenticate
from slurm_rest_api.auth.proxy import by_proxy
from slurm_rest_api.auth.token_file import TokenFile, by_token
from slurm_rest_api.config import Settings
from slurm_rest_api.config.auth import AuthSettings
from slurm_rest_api.errors import ConfigError, TokenFileError

Read = TypeVar("Read")


def open_auth(settings: Settings) -> Authenticate | None:
    """What tells who asks; None where `auth.mode` is none.

    Raises:
        ConfigError: settings contradict each other, or a key or the tokens cannot be read.
    """
    auth = settings.auth
    faults = _contradictions(auth)
    if faults:
        raise ConfigError(settings.origin, faults)
    if auth.mode == "none":
        return None
    if auth.mode == "proxy":
        return by_proxy(auth.admins)
    if auth.mode == "jwt":
        return by_jwt(_jwt_key(settings), auth.jwt_user_claim, auth.jwt_audience, auth.admins)
    file = TokenFile(auth.token_file)
    try:
        file.tokens()
    except TokenFileError as error:
        raise ConfigError(settings.origin, [f"auth.token_file: {error}"]) from error
    return by_token(file)


def _contradictions(auth: AuthSettings) -> list[str]:
    faults = []
    if auth.mode == "none" and auth.private_data:
        faults.append("auth.private_data: with auth.mode none nobody is told apart; expected token, jwt or proxy.")
    if auth.mode == "jwt" and (auth.jwt_key_file is None) == (auth.jwt_jwks_file is None):
        faults.append("auth.mode: jwt needs jwt_key_file or jwt_jwks_file; expected exactly one of the two.")
    return faults


def _jwt_key(settings: Settings) -> FindKey:
    auth = settings.auth
    if auth.jwt_key_file is not None:
        return _read(settings.origin, "jwt_key_file", auth.jwt_key_file, shared_key)
    assert auth.jwt_jwks_file is not None
    return _read(settings.origin, "jwt_jwks_file", auth.jwt_jwks_file, provider_keys)


def _read(origin: str, name: str, file: Path, read: Callable[[Path], Read]) -> Read:
    try:
        return read(file)
    except OSError as error:
        raise ConfigError(origin, [f"auth.{name}: {file} cannot be read: {error.strerror}."]) from error
    except ValueError as error:
        raise ConfigError(origin, [f"auth.{name}: {file} {error}."]) from error

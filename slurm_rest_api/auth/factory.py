"""Creates the authentication that the settings ask for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from slurm_rest_api.auth.modes import (
    FindKey,
    TokenFile,
    jwt_authenticator,
    proxy_authenticator,
    read_jwks,
    read_shared_key,
    token_authenticator,
)
from slurm_rest_api.auth.principal import Authenticate
from slurm_rest_api.config import Settings
from slurm_rest_api.config.auth import AuthSettings
from slurm_rest_api.errors import ConfigError, TokenFileError

Content = TypeVar("Content")


def open_auth(settings: Settings) -> Authenticate | None:
    """Returns the authentication of `auth.mode`, None where it is none.

    Raises:
        ConfigError: settings contradict each other, or a key or the token file cannot be read.
    """
    auth = settings.auth
    faults = _contradictions(auth)
    if faults:
        raise ConfigError(settings.origin, faults)
    if auth.mode == "none":
        return None
    if auth.mode == "proxy":
        return proxy_authenticator(auth.admins)
    if auth.mode == "jwt":
        return jwt_authenticator(_jwt_key(settings), auth.jwt_user_claim, auth.jwt_audience, auth.admins)
    file = TokenFile(auth.token_file)
    try:
        file.tokens()
    except TokenFileError as error:
        raise ConfigError(settings.origin, [f"auth.token_file: {error}"]) from error
    return token_authenticator(file)


def _contradictions(auth: AuthSettings) -> list[str]:
    faults = []
    if auth.mode == "none" and auth.private_data:
        faults.append("auth.private_data: needs authenticated users. Set `auth.mode` to token, jwt or proxy.")
    if auth.mode == "jwt" and (auth.jwt_key_file is None) == (auth.jwt_jwks_file is None):
        faults.append("auth.mode: jwt needs a key. Set exactly one of `jwt_key_file` and `jwt_jwks_file`.")
    return faults


def _jwt_key(settings: Settings) -> FindKey:
    auth = settings.auth
    if auth.jwt_key_file is not None:
        return _read(settings.origin, "jwt_key_file", auth.jwt_key_file, read_shared_key)
    assert auth.jwt_jwks_file is not None
    return _read(settings.origin, "jwt_jwks_file", auth.jwt_jwks_file, read_jwks)


def _read(origin: str, name: str, file: Path, read: Callable[[Path], Content]) -> Content:
    try:
        return read(file)
    except OSError as error:
        raise ConfigError(origin, [f"auth.{name}: {file} cannot be read: {error.strerror}."]) from error
    except ValueError as error:
        raise ConfigError(origin, [f"auth.{name}: {file} {error}."]) from error
